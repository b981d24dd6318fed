"""What becomes of an accepted chunk when its batch was asked after."""

from dataclasses import replace

import pytest

from wire.activecampaign.errors import (
    Because,
    NoUsableAnswer,
    ObjectNotFound,
    Refused,
    Rejected,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
    Unreadable,
)
from wire.activecampaign.results import BatchInfo, BatchState
from worker.verdict import (
    Applied,
    BatchFacts,
    ChunkHistory,
    DeliveryProgress,
    Later,
    Poll,
    RejectCode,
    Split,
    Stop,
    StopCode,
    Unconfirmed,
    Unsent,
    Waiting,
    judge_batch,
)

EMAILS = tuple(f"Person{n}@example.org" for n in range(20))
FACTS = BatchFacts(EMAILS, since_accepted_seconds=10.0)
LATE = replace(FACTS, since_accepted_seconds=30.0)


def info(state: BatchState, *failures: str) -> BatchInfo:
    return BatchInfo(state, failures, 200, "abc")


def poll(outcome: BatchInfo | Trouble, facts: BatchFacts) -> float:
    verdict = judge_batch(outcome, facts)
    assert isinstance(verdict, Poll)
    return verdict.delay_seconds


def test_a_completed_batch_applies_all_whom_it_does_not_name() -> None:
    """Sent less failed: the ids of the successful are not believed."""
    assert judge_batch(info("completed"), FACTS) == Applied(20, (), 0)


def test_failures_name_without_letter_case() -> None:
    """And give no reason, so the sentence lists them all."""
    verdict = judge_batch(info("completed", "PERSON3@example.ORG ", "person7@example.org"), FACTS)
    assert isinstance(verdict, Applied)
    assert (verdict.applied, [refusal.position for refusal in verdict.refused]) == (18, [3, 7])
    assert {refusal.code for refusal in verdict.refused} == {RejectCode.OPTED_OUT_OR_EXCLUDED}


def test_a_name_that_matches_nobody_is_counted_once() -> None:
    """The books close without it, but the run is partial."""
    verdict = judge_batch(info("completed", "eve@example.org", "EVE@example.org", "person0@example.org"), FACTS)
    assert isinstance(verdict, Applied)
    assert (verdict.applied, len(verdict.refused), verdict.unmatched) == (19, 1, 1)


def test_a_batch_that_names_nearly_all_judges_the_account() -> None:
    """Of 20 or more, over 90 %, matched or not; a person may believe it."""
    verdict = judge_batch(info("completed", *EMAILS[:18], "eve@example.org"), FACTS)
    assert isinstance(verdict, Stop)
    assert (verdict.scope, verdict.code, verdict.by_hand) == ("run", StopCode.REFUSES_NEARLY_ALL, True)
    assert "19 of 20" in verdict.reason
    assert isinstance(judge_batch(info("completed", *EMAILS[:18]), FACTS), Applied)
    assert isinstance(judge_batch(info("completed", *EMAILS), replace(FACTS, emails=EMAILS[:19])), Applied)
    believed = judge_batch(info("completed", *EMAILS), replace(FACTS, trusted=True))
    assert isinstance(believed, Applied)
    assert believed.applied == 0


@pytest.mark.parametrize("state", ["waiting", "claimed", "active"])
def test_a_batch_at_work_is_asked_after_until_the_patience_is_over(state: BatchState) -> None:
    """Then it is unconfirmed, by its own answer."""
    assert poll(info(state), FACTS) == 2.5
    assert judge_batch(info(state), replace(FACTS, patience_over=True)) == Unconfirmed()


def test_old_batches_are_asked_after_seldom() -> None:
    """A quarter of their age, between a second and two minutes, give or take a quarter."""
    ages = (0.0, 1.0, 6.0, 100.0, 10_000.0)
    delays = [poll(info("active"), replace(FACTS, since_accepted_seconds=age)) for age in ages]
    assert delays == [1.0, 1.0, 1.5, 25.0, 120.0]
    assert poll(info("active"), replace(FACTS, jitter=0.0)) == 1.875
    assert poll(info("active"), replace(FACTS, jitter=1.0)) == 3.125


@pytest.mark.parametrize("outcome", [info("unknown"), ObjectNotFound(), Rejected(), TooLarge()])
def test_a_batch_that_is_not_known_after_half_a_minute_was_lost(outcome: BatchInfo | Trouble) -> None:
    """In its first second every batch answers `false`."""
    assert poll(outcome, replace(FACTS, since_accepted_seconds=29.9)) > 0
    verdict = judge_batch(outcome, LATE)
    assert isinstance(verdict, Later)
    assert verdict.waiting is Waiting.BATCH_LOST


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_a_lost_batch_is_sent_again_three_times_and_then_halved(state: BatchState) -> None:
    """Where others of the run come to a good end."""
    facts = replace(FACTS, memory=ChunkHistory(lost=2, since=DeliveryProgress()), progress=DeliveryProgress(500, 250))
    verdict = judge_batch(info(state), facts)
    assert isinstance(verdict, Later)
    assert (verdict.memory.lost, verdict.memory.attempts) == (3, 1)
    verdict = judge_batch(info(state), replace(facts, memory=verdict.memory))
    assert isinstance(verdict, Split)
    assert [part.positions for part in verdict.parts] == [tuple(range(10)), tuple(range(10, 20))]
    assert {part.memory for part in verdict.parts} == {ChunkHistory()}
    assert verdict.delay_seconds > 0


def test_an_importer_that_fails_everybody_does_not_grind_chunks_down() -> None:
    """Accepted ones prove nothing here: only applied ones do."""
    facts = replace(FACTS, memory=ChunkHistory(lost=11, since=DeliveryProgress()), progress=DeliveryProgress(500, 0))
    verdict = judge_batch(info("failed"), facts)
    assert isinstance(verdict, Later)
    assert verdict.memory.lost == 12
    assert isinstance(judge_batch(info("failed"), replace(facts, memory=verdict.memory)), Split)


def test_a_lone_contact_whose_batches_are_lost_goes_on_until_the_patience_is_over() -> None:
    """The importer's failure refuses nobody."""
    facts = replace(
        FACTS,
        emails=EMAILS[:1],
        memory=ChunkHistory(lost=99, since=DeliveryProgress()),
        progress=DeliveryProgress(9, 9),
    )
    assert isinstance(judge_batch(info("failed"), facts), Later)
    assert judge_batch(info("failed"), replace(facts, delivery_patience_over=True)) == Unsent(possibly_there=True)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (NoUsableAnswer("TimeoutError"), 2.5),
        (Unavailable(), 2.5),
        (Unavailable(retry_after_seconds=60.0), 60.0),
        (Throttled(), 2.5),
        (Throttled(retry_after_seconds=1.0), 2.5),
        (Throttled(retry_after_seconds=30.0), 30.0),
    ],
)
def test_without_an_answer_it_is_asked_again_however_long_that_takes(error: Trouble, seconds: float) -> None:
    """Only an answer makes a batch unconfirmed or lost."""
    assert poll(error, FACTS) == seconds
    patient = replace(LATE, patience_over=True, delivery_patience_over=True)
    assert poll(error, patient) >= 7.5


def test_a_refusal_stops_the_connection_and_keeps_the_batch() -> None:
    """A mended key asks after it again."""
    verdict = judge_batch(Refused(Because.CREDENTIALS, definite=True), FACTS)
    assert isinstance(verdict, Stop)
    assert (verdict.scope, verdict.code) == ("connection", StopCode.CREDENTIALS)


def test_facts_print_no_address() -> None:
    """They may end in a traceback."""
    assert "example.org" not in repr(FACTS)


def test_polls_that_cannot_be_read_are_asked_again_seldom_and_told_with_the_fifth() -> None:
    """Three in a row block the connection before, where nothing else can be read either."""
    waits = [poll(Unreadable("no HTTP"), replace(FACTS, unread=unread)) for unread in range(4)]
    assert waits == [3.0, 12.0, 48.0, 60.0]
    stop = judge_batch(Unreadable("no HTTP"), replace(FACTS, unread=4, patience_over=True))
    assert isinstance(stop, Stop)
    assert (stop.scope, stop.code, stop.by_hand, stop.asks) == ("run", StopCode.UNREADABLE_ANSWERS, True, False)
