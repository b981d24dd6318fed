"""From a verdict on a delivery to what is written: every contact is accounted for, and leaves with its line."""

from dataclasses import replace
from typing import get_args

import orjson
import pytest

from tests.unit.records import NOW, SPEC, a_run, contacts, held, prints
from wire.activecampaign.requests import emails_of
from wire.chunk_queue.chunk import ChunkOutcome, ChunkPiece, RequestCost, StopReason
from wire.chunk_queue.membership_entry import MembershipEntry, MemberState
from wire.store import codec
from worker import deliver
from worker.poll_schedule import FIRST_POLL_MS
from worker.verdict import (
    ChunkHistory,
    DeliveryProgress,
    DeliveryVerdict,
    Done,
    ExcludedContacts,
    Later,
    Never,
    Part,
    Refusal,
    RejectCode,
    Split,
    Stop,
    StopCode,
    Unsent,
    Waiting,
)

WIRE = RequestCost(1, 0, 120.0)
BAD = Refusal(1, RejectCode.REFUSED_BY_ACTIVECAMPAIGN, "Field 'email' incorrect format")
ASIDE = ChunkHistory(attempts=1, rounds=1, base=1, aside=(ExcludedContacts(1, "no"), ExcludedContacts(2, "no")))
FOUR = ("ann", "bob", "cid", "dee")

VERDICTS: dict[str, DeliveryVerdict] = {
    "accepted": Done("a-batch", (), ChunkHistory()),
    "accepted without one": Done("a-batch", (BAD,), ChunkHistory()),
    "later": Later(Waiting.THROTTLED, 1.5, ChunkHistory(attempts=2)),
    "halves": Split((Part((0, 1), ChunkHistory()), Part((2, 3), ChunkHistory())), 2.0),
    "never": Never(tuple(replace(BAD, position=at) for at in range(4))),
    "stop": Stop("connection", StopCode.CREDENTIALS, "a sentence", definite=True, memory=ChunkHistory()),
    "unsent": Unsent(possibly_there=False),
}


def written(verdict: DeliveryVerdict, *, answered: bool = True) -> ChunkOutcome:
    return deliver.outcome(verdict, held(FOUR), WIRE, answered=answered)


def lines(outcome: ChunkOutcome) -> list[dict[str, object]]:
    """The page of rejects, line by line."""
    return [orjson.loads(line) for line in codec.unsqueeze(outcome.rejects).splitlines()]


def test_the_verdicts_tried_here_are_all_there_are() -> None:
    """A new one has to come to this page."""
    assert {type(verdict) for verdict in VERDICTS.values()} == set(get_args(DeliveryVerdict))


@pytest.mark.parametrize("verdict", VERDICTS.values(), ids=list(VERDICTS))
def test_every_contact_stays_or_leaves_with_a_fate(verdict: DeliveryVerdict) -> None:
    """As the record checks: those that stay, those in pieces and those with a fate are the whole chunk."""
    outcome = written(verdict)
    fates = sum(outcome.books.get(fate, 0) for fate in ("applied", "refused", "unconfirmed", "unsent"))
    assert outcome.count + fates + sum(len(piece.rows) for piece in outcome.pieces) == 4
    assert outcome.wire == WIRE


def test_an_accepted_chunk_waits_for_its_batch() -> None:
    """As it was packed; nothing is written anew."""
    assert written(VERDICTS["accepted"]) == ChunkOutcome(
        to="accepted",
        batch="a-batch",
        count=4,
        books={"accepted": 4, "refused": 0},
        rows=(10, 20, 30, 40),
        facts={},
        due_in_ms=FIRST_POLL_MS,
        answered=True,
        wire=WIRE,
    )


def test_whoever_was_set_aside_leaves_when_the_rest_is_accepted() -> None:
    """With a line in the rejects: the row in the snapshot, the address, the code and ActiveCampaign's reason."""
    outcome = written(VERDICTS["accepted without one"])
    assert outcome.contacts == contacts("ann", "cid", "dee")
    assert (outcome.count, outcome.rows) == (3, (10, 30, 40))
    assert outcome.books == {"accepted": 3, "refused": 1}
    assert lines(outcome) == [
        {
            "row": 20,
            "email": "bob@example.org",
            "fate": "refused",
            "code": "refused_by_activecampaign",
            "reason": "Field 'email' incorrect format",
        }
    ]


@pytest.mark.parametrize("automations", [True, False])
def test_what_is_written_anew_keeps_the_exports_word_on_automations(automations: bool) -> None:  # noqa: FBT001  drawn
    """Or a chunk with one bad contact would fire what the export excludes."""
    run = a_run(spec=codec.text(dict(SPEC) | {"automations": automations}))
    chunk = held(FOUR, run=run, contacts=contacts(*FOUR, automations=automations))
    outcome = deliver.outcome(VERDICTS["accepted without one"], chunk, WIRE, answered=True)
    assert outcome.contacts == contacts("ann", "cid", "dee", automations=automations)


def test_the_first_question_comes_when_the_accounts_batches_end() -> None:
    """As measured, never a moment before."""
    outcome = deliver.outcome(VERDICTS["accepted"], held(FOUR, first_poll_ms=1234.4), WIRE, answered=True)
    assert outcome.due_in_ms == 1235


def test_what_goes_again_later_remembers_what_was_tried() -> None:
    """After the verdict's delay, in milliseconds."""
    outcome = written(VERDICTS["later"], answered=False)
    expected = ChunkOutcome(to="ready", count=4, due_in_ms=1500, facts=ChunkHistory(attempts=2).document(), wire=WIRE)
    assert outcome == expected


def test_a_split_chunk_goes_on_as_pieces_named_after_it() -> None:
    """Each with its own contacts, rows and memory."""
    memory = ChunkHistory(nameless=1, since=DeliveryProgress(5, 4))
    outcome = written(Split((Part((0, 2), memory), Part((1, 3), ChunkHistory())), 2.0))
    assert (outcome.to, outcome.due_in_ms, outcome.count) == ("split", 2000, 0)
    assert outcome.pieces == [
        ChunkPiece("3.0", contacts("ann", "cid"), (10, 30), prints(1, 3), memory.document()),
        ChunkPiece("3.1", contacts("bob", "dee"), (20, 40), prints(2, 4), {}),
    ]


def test_a_refused_chunk_leaves_a_line_for_each_contact() -> None:
    """And is over."""
    outcome = written(VERDICTS["never"])
    assert (outcome.to, outcome.books) == ("over", {"refused": 4})
    assert [line["row"] for line in lines(outcome)] == [10, 20, 30, 40]
    assert {line["fate"] for line in lines(outcome)} == {"refused"}


@pytest.mark.parametrize(("definite", "by_hand"), [(True, False), (False, False), (True, True)])
def test_a_stop_keeps_the_chunk_and_says_who_is_stopped_and_why(definite: bool, by_hand: bool) -> None:  # noqa: FBT001  drawn
    """It never proves the account good."""
    verdict = Stop("run", StopCode.LIST_MISSING, "a sentence", definite=definite, memory=ASIDE, by_hand=by_hand)
    assert written(verdict) == ChunkOutcome(
        to="ready",
        count=4,
        facts=ASIDE.document(),
        stop=StopReason("run", "list_missing", "a sentence", definite, by_hand),
        wire=WIRE,
    )


def test_patience_at_its_end_leaves_the_chunk_unsent() -> None:
    """All of it, without rejects: it is nobody's fault."""
    assert written(VERDICTS["unsent"], answered=False) == ChunkOutcome(to="over", books={"unsent": 4}, wire=WIRE)


def test_what_was_not_sent_goes_back_as_it_was() -> None:
    """Nothing was asked, so nothing is counted, remembered or proved."""
    expected = ChunkOutcome(to="ready", count=4, due_in_ms=1250, nothing_queued=True)
    assert deliver.back(held(FOUR), 1.25) == expected


def test_a_chunk_is_sent_as_packed_while_nobody_is_set_aside() -> None:
    """Byte for byte."""
    body, count = deliver.to_send(held(FOUR))
    assert (body, count) == (contacts(*FOUR), 4)


def test_whoever_is_set_aside_is_not_sent() -> None:
    """The others are, in order."""
    body, count = deliver.to_send(held(FOUR, facts=ASIDE.document()))
    assert emails_of(body) == ["ann@example.org", "dee@example.org"]
    assert body == contacts("ann", "dee")
    assert count == 2


def test_a_delivery_is_judged_by_what_the_chunk_and_the_run_remember() -> None:
    """And by the dice that are handed in."""
    run = a_run(accepted=500, applied=250, trusted=1)
    facts = deliver.facts(held(FOUR, run=run, facts=ASIDE.document()), 0.25)
    assert (facts.count, facts.memory, facts.jitter) == (4, ASIDE, 0.25)
    assert (facts.progress, facts.trusted) == (DeliveryProgress(accepted=500, applied=250), True)


@pytest.mark.parametrize(("milliseconds", "over"), [(720 * 60_000, False), (720 * 60_000 + 1, True)])
def test_delivery_patience_counts_from_the_first_time_the_chunk_was_taken(milliseconds: int, over: bool) -> None:  # noqa: FBT001  drawn
    """Twelve hours, unless the export says otherwise."""
    facts = deliver.facts(held(FOUR, first_taken=NOW, now=NOW + milliseconds), 0.5)
    assert facts.patience_over is over


@pytest.mark.parametrize(("leavers", "standing"), [("field", MemberState.LEFT), ("unsubscribe", MemberState.OUT)])
def test_what_is_applied_to_leavers_makes_them_no_members(leavers: str, standing: MemberState) -> None:
    """And who is refused to be marked or taken off has a line of no row."""
    run = a_run(spec=codec.text({**SPEC, "leavers": leavers}), number=3)
    chunk = held(FOUR, kind="leaving", run=run)
    assert deliver.entry_of(chunk, 0, MemberState.MEMBER) == MembershipEntry(standing, prints(1), 3, 3)
    assert deliver.entry_of(chunk, 1, MemberState.REFUSED, BAD).standing is MemberState.REFUSED
    assert [reject.row for reject in deliver.rejects(chunk, [BAD])] == [None]
