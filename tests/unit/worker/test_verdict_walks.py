"""Verdicts carried out against an ActiveCampaign of a few lines, however it names whom it refuses, until all have a fate."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wire.activecampaign.errors import NoUsableAnswer, Reason, Rejected, Throttled, TooLarge, Trouble, Unavailable
from wire.activecampaign.results import AcceptedImport, BatchInfo
from worker.verdict import (
    Applied,
    BatchFacts,
    ChunkHistory,
    DeliveryFacts,
    DeliveryProgress,
    Done,
    Later,
    Never,
    Part,
    Poll,
    Split,
    Stop,
    Unconfirmed,
    Unsent,
    judge_batch,
    judge_delivery,
)

Naming = Literal["all", "first", "nobody"]
Chunk = tuple[tuple[int, ...], ChunkHistory]

FAULTS: dict[str, Trouble] = {
    "throttle": Throttled(),
    "silence": NoUsableAnswer("TimeoutError"),
    "unavailable": Unavailable(),
    "unsent": NoUsableAnswer("ClientConnectorError", sent=False),
}


@dataclass
class Importer:
    """Takes all of a request or nothing, and may drop requests before it looks at them."""

    bad: frozenset[int]
    naming: Naming
    base: int
    largest: int
    faults: list[str]

    def answer(self, request: list[int]) -> AcceptedImport | Trouble:
        if self.faults:
            return FAULTS[self.faults.pop()]
        if len(request) > self.largest:
            return TooLarge()
        refused = [index + self.base for index, contact in enumerate(request) if contact in self.bad]
        if not refused:
            return AcceptedImport("batch", 200, None)
        match self.naming:
            case "all":
                return Rejected([Reason(index, "bad") for index in refused])
            case "first":
                return Rejected([Reason(refused[0], "bad")])
            case "nobody":
                return Rejected([Reason(None, "bad")])


@dataclass
class Run:
    """Carries verdicts out, and ends when nothing is left to send or when all that is left was stopped in a row."""

    importer: Importer
    due: deque[Chunk]
    accepted: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    trusted: bool = False
    stopped_in_a_row: int = 0
    requests: int = 0

    @property
    def stopped(self) -> bool:
        return bool(self.due) and self.stopped_in_a_row > len(self.due)

    def to_its_end(self) -> None:
        while self.due and not self.stopped:
            self.requests += 1
            assert self.requests < 3000, "it does not end"
            self.step()

    def step(self) -> None:
        contacts, memory = self.due.popleft()
        memory = ChunkHistory.read(memory.document())
        left_out = {aside.position for aside in memory.aside}
        request = [contact for position, contact in enumerate(contacts) if position not in left_out]
        facts = DeliveryFacts(
            len(contacts), memory, DeliveryProgress(accepted=len(self.accepted)), trusted=self.trusted
        )
        verdict = judge_delivery(self.importer.answer(request), facts)
        self.stopped_in_a_row = self.stopped_in_a_row + 1 if isinstance(verdict, Stop) else 0
        match verdict:
            case Done(refused=refused):
                gone = {contacts[refusal.position] for refusal in refused}
                assert gone == set(contacts) - set(request)
                self.refused |= gone
                self.accepted |= set(request)
            case Later(memory=memory):
                self.due.append((contacts, memory))
            case Split(parts=parts):
                assert_parted(len(contacts), parts)
                self.due.extend((tuple(contacts[each] for each in part.positions), part.memory) for part in parts)
            case Never(refused=refused):
                assert [refusal.position for refusal in refused] == list(range(len(contacts)))
                self.refused |= set(contacts)
            case Stop(memory=memory, by_hand=by_hand):
                self.trusted = self.trusted or by_hand
                self.due.append((contacts, memory))
            case Unsent():
                raise AssertionError("the patience is not over")


def assert_parted(count: int, parts: tuple[Part, ...]) -> None:
    """Every contact is in exactly one part, in order, and no part has nothing to send."""
    assert [position for part in parts for position in part.positions] == list(range(count))
    assert all(len(part.memory.aside) < len(part.positions) for part in parts)


def chunks(total: int, size: int) -> Iterator[Chunk]:
    for first in range(0, total, size):
        yield tuple(range(first, min(first + size, total))), ChunkHistory()


@given(
    total=st.integers(1, 60),
    size=st.integers(1, 60),
    bad=st.frozensets(st.integers(0, 59), max_size=12),
    naming=st.sampled_from(["all", "first", "nobody"]),
    base=st.sampled_from([0, 1]),
    largest=st.sampled_from([1, 5, 60]),
    faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=60),
)
@example(total=6, size=6, bad=frozenset({1}), naming="first", base=0, largest=60, faults=[])
@example(total=25, size=25, bad=frozenset(range(24)), naming="all", base=1, largest=60, faults=[])
@example(total=60, size=60, bad=frozenset(range(20, 52)), naming="first", base=1, largest=60, faults=[])
@example(total=4, size=4, bad=frozenset({0, 1, 2, 3}), naming="nobody", base=1, largest=60, faults=[])
@settings(deadline=None, max_examples=200)
def test_the_bad_are_refused_and_the_good_accepted_however_they_are_named(
    *, total: int, size: int, bad: frozenset[int], naming: Naming, base: int, largest: int, faults: list[str]
) -> None:
    """Or the run is stopped, with nobody lost and nobody refused who is not bad; that only where nobody is named."""
    run = Run(Importer(bad, naming, base, largest, list(faults)), deque(chunks(total, size)))
    run.to_its_end()
    everybody = set(range(total))
    left = {contact for contacts, _ in run.due for contact in contacts}
    assert run.accepted | run.refused | left == everybody
    assert run.accepted == everybody - bad - left
    assert run.refused == (everybody & bad) - left
    if run.stopped:
        assert naming == "nobody"
        assert all(bad.intersection(contacts) for contacts, _ in run.due)


@pytest.mark.parametrize("base", [0, 1])
def test_whoever_was_named_is_not_named_again_in_the_halves(base: int) -> None:
    """Forty bad ones, named one by one: a request for each, and one for each part."""
    run = Run(Importer(frozenset(range(0, 240, 6)), "first", base, 250, []), deque(chunks(250, 250)))
    run.to_its_end()
    assert run.refused == set(range(0, 240, 6))
    assert run.requests < 60


def test_an_account_that_refuses_everything_without_a_name_is_stopped_after_a_few_requests_and_refuses_nobody() -> None:
    """A contract that nobody has seen the words of looks like this."""
    run = Run(Importer(frozenset(range(1000)), "nobody", 1, 250, []), deque(chunks(1000, 250)))
    requests = 0
    while not run.stopped_in_a_row:
        run.step()
        requests += 1
    assert requests == 4 + 8 + 1, "four chunks, their halves, and the first quarter"
    assert not run.refused
    assert sorted(contact for contacts, _ in run.due for contact in contacts) == list(range(1000))


@given(
    lost=st.integers(0, 20),
    count=st.integers(1, 40),
    applied=st.booleans(),
)
def test_lost_batches_end_in_parts_that_are_smaller_or_in_a_lone_contact_that_waits(
    *, lost: int, count: int, applied: bool
) -> None:
    """So sending again ends, or waits for the patience."""
    memory = ChunkHistory(lost=lost, since=DeliveryProgress(0, 0))
    progress = DeliveryProgress(count, count if applied else 0)
    emails = [f"p{n}@example.org" for n in range(count)]
    verdict = judge_batch(BatchInfo("failed", (), 200, None), BatchFacts(emails, 60.0, memory, progress))
    match verdict:
        case Split(parts=parts):
            assert_parted(count, parts)
            assert lost >= 3
        case Later(memory=after):
            assert after.lost == lost + 1
            assert count == 1 or lost < (3 if applied else 12)
        case Applied() | Poll() | Stop() | Unconfirmed() | Unsent():
            raise AssertionError("nobody has said so")
