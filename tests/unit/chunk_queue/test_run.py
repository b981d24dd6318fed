"""A run's state follows from its record, its books close or say that they do not, and a record is read as it was written."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.records import NOW, a_run, block_record
from wire.chunk_queue.run import OVER, Books, Ending, Mode, RunState, Trigger, phase, state

QUEUED: dict[str, Any] = {}
BEGUN: dict[str, Any] = {"begun": NOW + 1}
SURVEYED = BEGUN | {"surveyed": NOW + 2, "read": 10, "selected": 10}
READ = SURVEYED | {"reading_ended": NOW + 3}
APPLIED = READ | {"applied": 10, "finished": NOW + 4}

STATES: list[tuple[str, dict[str, Any], RunState]] = [
    ("opened", QUEUED, RunState.QUEUED),
    ("begun", BEGUN, RunState.SURVEYING),
    ("surveyed, nothing appended yet", SURVEYED, RunState.DELIVERING),
    ("still read, all that is appended accepted", SURVEYED | {"accepted_chunks": 1}, RunState.DELIVERING),
    ("read, a chunk to be sent", READ | {"ready_chunks": 1, "accepted_chunks": 3}, RunState.DELIVERING),
    ("read, all accepted", READ | {"accepted_chunks": 1}, RunState.CONFIRMING),
    ("all applied", APPLIED, RunState.SUCCEEDED),
    ("one refused", APPLIED | {"applied": 9, "refused": 1}, RunState.PARTIAL),
    ("one unconfirmed", APPLIED | {"applied": 9, "unconfirmed": 1}, RunState.PARTIAL),
    ("one unsent", APPLIED | {"applied": 9, "unsent": 1}, RunState.PARTIAL),
    ("a name that is nobody's", APPLIED | {"unmatched": 1}, RunState.PARTIAL),
    ("books that do not balance", APPLIED | {"applied": 9, "unbalanced": 1}, RunState.PARTIAL),
    ("only invalid rows besides", APPLIED | {"read": 12, "invalid": 2}, RunState.SUCCEEDED),
    ("a dry run", APPLIED | {"dry_run": 1, "applied": 0, "unsent": 10}, RunState.SUCCEEDED),
    ("failed", APPLIED | {"ending": "failed", "applied": 0, "unsent": 10}, RunState.FAILED),
    ("a dry run that failed", APPLIED | {"dry_run": 1, "ending": "failed"}, RunState.FAILED),
    ("cancelled", APPLIED | {"ending": "cancelled"}, RunState.CANCELLED),
    ("its connection deleted", APPLIED | {"ending": "deleted"}, RunState.CANCELLED),
    ("superseded", QUEUED | {"ending": "superseded", "finished": NOW + 1}, RunState.SUPERSEDED),
    ("cancelled, and its batches followed", READ | {"ending": "cancelled", "accepted_chunks": 1}, RunState.CONFIRMING),
    ("paused before it began", QUEUED | {"paused": NOW}, RunState.PAUSED),
    ("paused while it sends", SURVEYED | {"paused": NOW}, RunState.PAUSED),
    ("blocked", SURVEYED | {"blocks": [block_record()]}, RunState.BLOCKED),
    ("blocked and paused", SURVEYED | {"paused": NOW, "blocks": [block_record()]}, RunState.BLOCKED),
    ("over, on a connection that is blocked", APPLIED | {"blocks": [block_record()]}, RunState.SUCCEEDED),
]


@pytest.mark.parametrize(("fields", "expected"), [case[1:] for case in STATES], ids=[case[0] for case in STATES])
def test_a_state_is_computed_from_the_record(fields: dict[str, Any], expected: RunState) -> None:
    """Nothing stores it, so nothing can contradict it."""
    assert state(a_run(**fields)) is expected


def test_every_state_there_is_can_come_about() -> None:
    """The table above leaves none out."""
    assert {expected for _, _, expected in STATES} == set(RunState)


_MOMENTS = st.one_of(st.none(), st.integers(NOW, NOW + 10))


@given(
    fields=st.fixed_dictionaries(
        {
            "begun": _MOMENTS,
            "surveyed": _MOMENTS,
            "reading_ended": _MOMENTS,
            "finished": _MOMENTS,
            "paused": _MOMENTS,
            "ending": st.sampled_from([None, *Ending]),
            "ready_chunks": st.integers(0, 2),
            "accepted_chunks": st.integers(0, 2),
            "dry_run": st.integers(0, 1),
        }
    ),
    blocked=st.booleans(),
)
def test_a_run_is_over_in_its_state_when_it_is_over_in_its_record(fields: dict[str, Any], blocked: bool) -> None:  # noqa: FBT001  drawn
    """Whatever else the record says; and what stops a run hides its phase only while it goes on."""
    run = a_run(**fields, blocks=[block_record()] if blocked else [])
    assert (state(run) in OVER) is run.over is (fields["finished"] is not None)
    if run.over:
        assert state(run) is phase(run)


@pytest.mark.parametrize("moment", [SURVEYED, READ | {"ready_chunks": 1}, READ | {"accepted_chunks": 1}])
def test_a_pause_and_a_block_hide_a_phase_and_do_not_change_it(moment: dict[str, Any]) -> None:
    """Whoever asks for the phase still learns how far the run is."""
    free = phase(a_run(**moment))
    assert phase(a_run(**moment, paused=NOW)) is free
    assert phase(a_run(**moment, blocks=[block_record()])) is free


def test_a_doubt_is_no_block() -> None:
    """Two refusals shut the door for a moment; only the third stops the run."""
    run = a_run(**SURVEYED, blocks=[block_record(blocked=0), {}])
    assert run.block is None
    assert state(run) is RunState.DELIVERING


def test_the_runs_own_block_is_told_before_its_connections() -> None:
    """A doubt on the run does not hide what has stopped the connection."""
    own, connections = block_record("list_missing"), block_record("credentials", since=NOW + 7)
    told = a_run(**SURVEYED, blocks=[own, connections]).block
    assert told is not None
    assert (told.code, told.reason) == ("list_missing", "a reason")
    behind = a_run(**SURVEYED, blocks=[block_record("list_missing", blocked=0), connections]).block
    assert behind is not None
    assert (behind.code, behind.since) == ("credentials", NOW + 7)


def test_a_block_that_is_never_probed_is_for_a_person() -> None:
    """What is probed lifts itself."""
    by_hand = a_run(blocks=[block_record(probe_at=None)]).block
    probed = a_run(blocks=[block_record()]).block
    assert by_hand is not None
    assert by_hand.by_hand
    assert probed is not None
    assert not probed.by_hand


_COUNTS = st.integers(0, 10**7)


@given(st.tuples(*[_COUNTS] * 4), st.tuples(*[_COUNTS] * 5))
def test_books_close_when_every_profile_has_one_fate(rows: tuple[int, ...], fates: tuple[int, ...]) -> None:
    """What is pending is allowed while the run goes on, and only then."""
    invalid, duplicate, unchanged, held_back = rows
    applied, refused, unconfirmed, unsent, pending = fates
    selected = sum(fates)
    books = Books(
        sum(rows) + selected, invalid, duplicate, unchanged, held_back, selected, applied, refused, unconfirmed, unsent
    )
    assert books.pending == pending
    assert books.close(over=False)
    assert books.close(over=True) is (pending == 0)


@given(
    word=st.sampled_from([field.name for field in fields(Books)]),
    by=st.sampled_from([-1, 1]),
    each=st.integers(1, 1000),
)
def test_one_contact_too_many_or_too_few_anywhere_is_noticed(word: str, by: int, each: int) -> None:
    """At the end of the run every word of the books is checked."""
    said = dict.fromkeys(("invalid", "duplicate", "unchanged", "held_back"), each)
    said |= dict.fromkeys(("applied", "refused", "unconfirmed", "unsent"), each)
    balanced = said | {"selected": 4 * each, "read": 8 * each}
    assert Books(**balanced).close(over=True)
    assert not Books(**balanced | {word: balanced[word] + by}).close(over=True)


def test_more_fates_than_contacts_do_not_close_even_while_the_run_goes_on() -> None:
    """A contact that was counted twice is a bug at once."""
    assert not Books(read=2, selected=2, applied=2, refused=1).close(over=False)


def test_the_books_document_has_the_words_of_the_design() -> None:
    """Publishers and dashboards depend on them."""
    words = "read invalid duplicate unchanged held_back selected applied refused unconfirmed unsent pending"
    document = Books(read=5, selected=3, applied=1).document()
    assert list(document) == words.split()
    assert (document["read"], document["applied"], document["pending"]) == (5, 1, 2)


def test_a_fresh_record_says_nothing_that_did_not_happen() -> None:
    """Times that are not there are None, figures are nought."""
    run = a_run()
    assert (run.trigger, run.mode, run.dry_run) == (Trigger.EVENT, Mode.CHANGES, False)
    assert (run.begun, run.surveyed, run.reading_ended, run.first_import, run.finished) == (None,) * 5
    assert (run.ending, run.error, run.block, run.forecast) == (None,) * 4
    assert (run.books, run.accepted, run.sequence, run.cursor) == (Books(), 0, 0, 0)
    assert (run.paused, run.trusted, run.over) == (False, False, False)


def test_a_record_is_read_by_the_names_the_scripts_write() -> None:
    """Each field under its own name."""
    run = a_run(
        mode="full",
        trigger="demand",
        list="7",
        held=99,
        trusted=1,
        error="no such file",
        ending="failed",
        applied=3,
        accepted=4,
        forecast='{"requests":2}',
        unbalanced=-1,
        batch_ended=NOW + 9,
    )
    assert (run.mode, run.trigger, run.list_id, run.held_bytes) == (Mode.FULL, Trigger.DEMAND, "7", 99)
    assert (run.trusted, run.error, run.ending) == (True, "no such file", Ending.FAILED)
    assert (run.books.applied, run.accepted, run.unbalanced, run.batch_ended) == (3, 4, -1, NOW + 9)
    assert run.forecast == {"requests": 2}
