"""From a verdict on a batch to what is written, and when a batch is asked after for the first time."""

from dataclasses import replace
from random import Random
from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.records import NOW, a_run, contacts, held, prints
from wire.activecampaign.requests import emails_of
from wire.activecampaign.results import AcceptedImport
from wire.chunk_queue.chunk import ChunkOutcome, ChunkPiece, RequestCost, StopReason
from wire.store import codec
from worker import confirm
from worker.poll_schedule import (
    FIRST_POLL_MS,
    LATEST_FIRST_POLL_MS,
    ONE_SCOUT_IN,
    SOONEST_POLL_MS,
    first_poll_ms,
    next_first_poll_ms,
)
from worker.verdict import (
    Applied,
    BatchVerdict,
    ChunkHistory,
    DeliveryFacts,
    DeliveryProgress,
    Done,
    Later,
    Part,
    Poll,
    Refusal,
    RejectCode,
    Split,
    Stop,
    StopCode,
    Unconfirmed,
    Unsent,
    Waiting,
    judge_delivery,
)

WIRE = RequestCost(1, 0, 60.0)
FOUR = ("ann", "bob", "cid", "dee")
MINUTE_MS = 60_000

VERDICTS: dict[str, BatchVerdict] = {
    "applied": Applied(4, (), 0),
    "applied but for one": Applied(3, (Refusal(2, RejectCode.OPTED_OUT_OR_EXCLUDED, "kept out"),), 1),
    "asked again": Poll(2.5),
    "sent again": Later(Waiting.BATCH_LOST, 1.0, ChunkHistory(lost=1)),
    "halved": Split((Part((0, 1), ChunkHistory()), Part((2, 3), ChunkHistory())), 1.0),
    "run stopped": Stop(
        "run", StopCode.REFUSES_NEARLY_ALL, "a sentence", definite=True, memory=ChunkHistory(lost=1), by_hand=True
    ),
    "connection stopped": Stop("connection", StopCode.PERMISSION, "a sentence", definite=False, memory=ChunkHistory()),
    "unconfirmed": Unconfirmed(),
    "unsent": Unsent(possibly_there=True),
}


def written(name: str, *, answered: bool = True, age_ms: int = FIRST_POLL_MS) -> ChunkOutcome:
    chunk = held(FOUR, "confirm", now=NOW + age_ms)
    return confirm.outcome(VERDICTS[name], chunk, WIRE, emails_of(chunk.contacts), answered=answered)


def test_the_verdicts_tried_here_are_all_there_are() -> None:
    """A new one has to come to this page."""
    assert {type(verdict) for verdict in VERDICTS.values()} == set(get_args(BatchVerdict))


@pytest.mark.parametrize("name", VERDICTS)
def test_every_contact_stays_or_leaves_with_a_fate(name: str) -> None:
    """As the record checks; an unmatched name is nobody's fate."""
    outcome = written(name)
    fates = sum(outcome.books.get(fate, 0) for fate in ("applied", "refused", "unconfirmed", "unsent"))
    assert outcome.count + fates + sum(len(piece.rows) for piece in outcome.pieces) == 4
    assert outcome.wire == WIRE


def test_an_applied_batch_is_over_and_moves_the_runs_patience_on() -> None:
    """It ended: the run's patience counts from here."""
    outcome = written("applied")
    assert (outcome.to, outcome.ended, outcome.answered) == ("over", True, True)
    assert outcome.books == {"applied": 4, "refused": 0, "unmatched": 0}
    assert outcome.rejects == b""


def test_whoever_the_batch_names_is_refused_with_a_line() -> None:
    """And a name that is nobody's is counted."""
    outcome = written("applied but for one")
    assert outcome.books == {"applied": 3, "refused": 1, "unmatched": 1}
    (line,) = codec.unsqueeze(outcome.rejects).splitlines()
    assert orjson.loads(line) == {
        "row": 30,
        "email": "cid@example.org",
        "fate": "refused",
        "code": "opted_out_or_excluded",
        "reason": "kept out",
    }


def test_a_batch_that_is_still_worked_on_is_asked_after_again() -> None:
    """It did not end, so patience goes on running; and the chunk remembers that it was asked after."""
    chunk = held(FOUR, "confirm", facts={"lost": 1})
    outcome = confirm.outcome(VERDICTS["asked again"], chunk, WIRE, emails_of(chunk.contacts), answered=True)
    assert (outcome.to, outcome.due_in_ms, outcome.ended) == ("accepted", 2500, False)
    assert outcome.facts == ChunkHistory(lost=1, asked=True).document()


def test_a_lost_batch_is_sent_again_and_its_end_counts() -> None:
    """With what was tried so far."""
    outcome = written("sent again")
    assert (outcome.to, outcome.due_in_ms, outcome.ended) == ("ready", 1000, True)
    assert outcome.facts == {"lost": 1}


def test_a_batch_lost_too_often_goes_on_as_pieces() -> None:
    """As in a delivery."""
    outcome = written("halved")
    assert (outcome.to, outcome.ended) == ("split", True)
    assert outcome.pieces == [
        ChunkPiece("3.0", contacts("ann", "bob"), (10, 20), prints(1, 2), {}),
        ChunkPiece("3.1", contacts("cid", "dee"), (30, 40), prints(3, 4), {}),
    ]


def test_a_batch_that_judges_the_account_is_sent_again_when_a_person_has_looked() -> None:
    """Nobody is refused, and the run stops with the figure."""
    assert written("run stopped") == ChunkOutcome(
        to="ready",
        count=4,
        facts={"lost": 1},
        stop=StopReason("run", "refuses_nearly_all", "a sentence", definite=True, by_hand=True),
        ended=True,
        wire=WIRE,
    )


def test_a_question_that_is_refused_stops_the_connection_and_keeps_the_batch() -> None:
    """It is still followed, with the next key."""
    assert written("connection stopped", answered=False) == ChunkOutcome(
        to="accepted",
        count=4,
        stop=StopReason("connection", "permission", "a sentence", definite=False),
        wire=WIRE,
    )


def test_a_batch_without_an_end_is_unconfirmed_and_does_not_move_patience_on() -> None:
    """Or one such batch would give all others half an hour more."""
    assert written("unconfirmed") == ChunkOutcome(to="over", books={"unconfirmed": 4}, answered=True, wire=WIRE)


def test_what_may_not_be_sent_again_any_more_is_unsent() -> None:
    """Its delivery patience is over as well."""
    assert written("unsent") == ChunkOutcome(to="over", books={"unsent": 4}, answered=True, wire=WIRE)


def test_a_question_that_was_not_asked_is_asked_later() -> None:
    """Nothing is counted, remembered or proved."""
    assert confirm.back(held(FOUR, "confirm"), 0.5) == ChunkOutcome(to="accepted", count=4, due_in_ms=500)


def test_a_batch_is_judged_by_its_chunk_and_its_run() -> None:
    """On the run's own clock."""
    run = a_run(accepted=500, applied=250, trusted=1)
    chunk = held(FOUR, "confirm", run=run, facts={"lost": 2}, now=NOW + 12_500)
    facts = confirm.facts(chunk, 0.75)
    assert facts.emails == [f"{name}@example.org" for name in FOUR]
    assert (facts.since_accepted_seconds, facts.memory, facts.jitter) == (12.5, ChunkHistory(lost=2), 0.75)
    assert (facts.progress, facts.trusted) == (DeliveryProgress(accepted=500, applied=250), True)


@pytest.mark.parametrize(
    ("accepted_at", "batch_ended", "over"),
    [
        (0, None, True),
        (1, None, False),
        (0, 1, False),
        (0, 0, True),
        (1, 0, False),
    ],
)
def test_patience_counts_from_the_later_of_acceptance_and_the_last_batch_that_ended(
    accepted_at: int,
    batch_ended: int | None,
    over: bool,  # noqa: FBT001  drawn
) -> None:
    """Half an hour; while others of the run end, the importer is at work."""
    run = a_run(batch_ended=None if batch_ended is None else NOW + batch_ended)
    chunk = held(FOUR, "confirm", run=run, accepted_at=NOW + accepted_at, now=NOW + 30 * MINUTE_MS + 1)
    assert confirm.facts(chunk, 0.5).patience_over is over


@pytest.mark.parametrize(("milliseconds", "over"), [(720 * MINUTE_MS, False), (720 * MINUTE_MS + 1, True)])
def test_delivery_patience_goes_on_counting_while_batches_are_lost(milliseconds: int, over: bool) -> None:  # noqa: FBT001  drawn
    """From the first time the chunk was taken."""
    chunk = held(FOUR, "confirm", now=NOW + milliseconds, accepted_at=NOW + milliseconds)
    assert confirm.facts(chunk, 0.5).delivery_patience_over is over


# The first question --------------------------------------------------------------------------------------------------


def moved(sought: float | None, age_ms: int, *, ended: bool, asked: bool = False) -> float | None:
    facts = ChunkHistory(asked=asked).document()
    chunk = held(FOUR, "confirm", first_poll_ms=sought, now=NOW + age_ms, facts=facts)
    return next_first_poll_ms(chunk, ended=ended)


def test_a_batch_that_had_ended_makes_the_next_first_question_come_sooner() -> None:
    """And one that had not, later: by as much as four others together, as four in five are to have ended."""
    assert moved(10_000, 10_000, ended=True) == 9_500
    assert moved(10_000, 10_000, ended=False) == pytest.approx(10_000 / 0.95**4, abs=0.1)
    assert moved(None, FIRST_POLL_MS, ended=True) == 0.95 * FIRST_POLL_MS


@given(st.floats(SOONEST_POLL_MS, LATEST_FIRST_POLL_MS), st.floats(0, 1.5), st.booleans())
def test_the_first_question_stays_between_a_second_and_a_minute(sought: float, share: float, ended: bool) -> None:  # noqa: FBT001  drawn
    """However many batches say the same."""
    found = moved(sought, int(share * sought), ended=ended)
    assert found is None or SOONEST_POLL_MS <= found <= LATEST_FIRST_POLL_MS


def test_only_an_answer_moves_the_first_question() -> None:
    """A batch that could not be asked after says nothing about its end; one that was lost did not end well."""
    assert written("asked again").first_poll_ms == pytest.approx(FIRST_POLL_MS / 0.95**4, abs=0.1)
    assert written("applied").first_poll_ms == 0.95 * FIRST_POLL_MS
    assert written("asked again", answered=False).first_poll_ms is None
    assert written("connection stopped", answered=False).first_poll_ms is None


def test_only_the_first_question_about_a_batch_tells() -> None:
    """Further ones are about those that were not ready at their first."""
    assert moved(10_000, 14_000, ended=True, asked=True) is None
    assert moved(10_000, 14_000, ended=False, asked=True) is None


def test_a_chunk_that_is_accepted_anew_has_a_first_question_again() -> None:
    """Its earlier batch was another one."""
    verdict = judge_delivery(
        AcceptedImport("another", 200, None), DeliveryFacts(count=4, memory=ChunkHistory(lost=1, asked=True))
    )
    assert isinstance(verdict, Done)
    assert verdict.memory == ChunkHistory(lost=1)


def test_a_late_question_does_not_move_the_first_one() -> None:
    """It came at another time than the one that is sought."""
    assert moved(10_000, 15_001, ended=True) is None
    assert moved(10_000, 15_001, ended=False) is None


@pytest.mark.parametrize("scale_ms", [2_000, 8_000, 20_000])
def test_the_first_question_finds_the_time_by_which_four_batches_in_five_have_ended(scale_ms: int) -> None:
    """Whatever an account's batches take; begun at two seconds, asked after one by one until each has ended."""
    dice = Random(20)
    sought: float | None = None
    first_questions, had_ended = 0, 0
    for number in range(2_000):
        takes_ms = scale_ms * dice.uniform(0.5, 1.5)
        chunk = replace(held(FOUR, "confirm", first_poll_ms=sought), chunk=str(number))
        age_ms, facts = float(first_poll_ms(chunk)), ChunkHistory().document()
        while True:
            ended = takes_ms <= age_ms
            if not facts and number >= 500 and number % ONE_SCOUT_IN:
                first_questions += 1
                had_ended += ended
            chunk = replace(chunk, first_poll_ms=sought, now=NOW + round(age_ms), facts=facts)
            verdict = Applied(4, (), 0) if ended else Poll(age_ms / 2000 * dice.uniform(0.75, 1.25))
            outcome = confirm.outcome(verdict, chunk, WIRE, emails_of(chunk.contacts), answered=True)
            sought = outcome.first_poll_ms or sought
            if outcome.to == "over":
                break
            facts = dict(outcome.facts or {})
            age_ms += outcome.due_in_ms
    assert 0.75 < had_ended / first_questions < 0.85
