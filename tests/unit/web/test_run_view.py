"""What is said of a run: closed sets have a word for every member, and no state looks better than it is."""

from typing import Any, get_args, get_type_hints

import pytest

from producer.contacts.mapped_rows import RowFault
from producer.people.membership_summary import Summary
from producer.pipeline import leaver_guard
from producer.pipeline.safeguards import SurveyFigures, safeguard
from producer.web.rendering.run_labels import (
    ACTS,
    BOOKS,
    CODES,
    FATES,
    FORESEEN,
    MODES,
    NOTHING,
    READ,
    REMEDIES,
    SENT,
    STATES,
    TRIGGERS,
)
from producer.web.rendering.run_view import RunView, run_view
from producer.web.rendering.translations import load_languages
from producer.web.run_watcher import RunWatcher
from tests.unit.records import NOW, a_run, block_record
from wire.activecampaign.errors import Because, Refused
from wire.chunk_queue.rejects import Reject, RejectCode
from wire.chunk_queue.run import BOOK_WORDS, Mode, RunState, Trigger
from worker.verdict.blocks import (
    list_missing,
    refused,
    refuses_everything,
    refuses_nearly_all,
    unreadable_answers,
    unreadable_chunk,
)
from worker.verdict.chunk_history import ChunkHistory
from worker.verdict.verdicts import StopCode

MINUTE = 60_000


def look(*, finish: int | None = None, now: int = NOW, **fields: Any) -> RunView:
    """See a run of these fields."""
    return run_view(a_run(**fields), {} if finish is None else {"r1": finish}, now)


def test_every_member_of_a_closed_set_has_its_words() -> None:
    """Whoever adds one is told here."""
    assert set(STATES) == set(RunState)
    assert set(TRIGGERS) == set(Trigger)
    assert set(MODES) == set(Mode)
    assert {*READ, *SENT} == set(BOOKS) == {*BOOK_WORDS, "pending"} - {"read"}
    assert {*RowFault, *RejectCode} <= set(CODES)
    assert set(REMEDIES) == {*StopCode, "brake", "chunk_kills_workers", "leavers_guard", "leavers_by_hand"}
    assert set(FATES) == set(get_args(get_type_hints(Reject)["fate"]))
    assert set(FORESEEN) <= set(NOTHING)


OVER = {"begun": NOW, "surveyed": NOW, "reading_ended": NOW, "finished": NOW}


@pytest.mark.parametrize(
    ("fields", "label", "shortfalls"),
    [
        ({}, "queued", {}),
        ({"begun": NOW}, "surveying", {}),
        (OVER | {"read": 5, "selected": 5, "applied": 5}, "succeeded", {}),
        (OVER | {"read": 5, "selected": 4, "applied": 4, "invalid": 1}, "succeeded", {}),
        (OVER | {"read": 5, "selected": 5, "applied": 3, "refused": 2}, "partial", {"refused": 2}),
        (OVER | {"read": 5, "selected": 5, "applied": 4, "unconfirmed": 1}, "partial", {"unconfirmed": 1}),
        (OVER | {"leaving": 2, "leaving_applied": 1, "leaving_unsent": 1}, "partial", {"unsent": 1}),
        (OVER | {"ending": "failed", "error": "gone"}, "failed", {}),
        (OVER | {"ending": "cancelled", "read": 5, "selected": 5, "unsent": 5}, "cancelled", {"unsent": 5}),
        (OVER | {"dry_run": 1, "read": 5, "selected": 5, "unsent": 5}, "dry run", {}),
        (OVER | {"dry_run": 1, "ending": "failed", "error": "gone"}, "failed", {}),
        ({"begun": NOW, "paused": NOW}, "paused", {}),
    ],
)
def test_a_state_looks_no_better_than_it_is(fields: dict[str, Any], label: str, shortfalls: dict[str, int]) -> None:
    """Partial is partial, and says of how many; a dry run is no success."""
    run = look(**fields)
    assert (run.word.label, dict(run.shortfalls)) == (label, shortfalls)


def test_nothing_is_said_to_be_done_before_it_is() -> None:
    """Shares are rounded down while the run goes on."""
    run = look(begun=NOW, surveyed=NOW, read=1000, selected=1000, applied=999)
    assert (run.percent, run.settled) == (99, 999)


@pytest.mark.parametrize(
    ("fields", "blocks", "acts"),
    [
        ({}, [], ("pause", "cancel")),
        ({"paused": NOW}, [], ("resume", "cancel")),
        ({"begun": NOW}, [block_record()], ("resume", "cancel")),
        ({"begun": NOW}, [block_record("brake", probe_at=None)], ("accept", "cancel")),
        ({"begun": NOW}, [block_record("unreadable_answers", probe_at=None, asks=0)], ("resume", "cancel")),
        ({"begun": NOW}, [block_record("leavers_guard", probe_at=None)], ("accept", "cancel")),
        ({"begun": NOW}, [block_record("leavers_by_hand", probe_at=None)], ("accept", "decline", "cancel")),
        ({"begun": NOW, "ending": "cancelled"}, [], ()),
        (OVER | {"read": 1, "selected": 1, "applied": 1}, [], ()),
        (OVER | {"read": 1, "selected": 1, "refused": 1}, [], ("retry",)),
        (OVER | {"dry_run": 1, "read": 1, "selected": 1, "unsent": 1}, [], ()),
    ],
)
def test_only_what_can_be_done_is_offered(fields: dict[str, Any], blocks: list[Any], acts: tuple[str, ...]) -> None:
    """And everything that is offered has its question."""
    assert look(blocks=blocks, **fields).acts == acts
    assert set(acts) <= set(ACTS)


def test_a_run_that_stands_still_has_no_foreseen_end() -> None:
    """Nobody knows for how long."""
    going = {"begun": NOW, "surveyed": NOW, "first_import": NOW, "read": 4, "selected": 4, "applied": 1}
    finish = NOW + 30 * MINUTE
    assert look(finish=finish, **going).spare_minutes == 60
    assert look(finish=NOW + 100 * MINUTE, **going).spare_minutes == -10
    paused = look(finish=finish, **going, paused=NOW)
    assert (paused.spare_minutes, paused.minutes_left) == (None, 90)
    assert paused.chart is not None
    assert paused.chart.ahead == ""


def test_there_is_no_way_to_draw_before_the_survey_nor_for_a_dry_run() -> None:
    """Nothing is sent before, or at all."""
    surveyed = {"begun": NOW, "surveyed": NOW, "read": 4, "selected": 4}
    assert look(begun=NOW).chart is None
    assert look(**surveyed, dry_run=1).chart is None
    assert look(begun=NOW, surveyed=NOW, read=4, unchanged=4).chart is None
    assert look(**surveyed, paused=NOW).chart is None
    assert look(**surveyed).chart is not None


def test_books_that_do_not_close_are_owned_up_to() -> None:
    """It cannot happen, and whoever sees it must know."""
    assert look(**OVER, read=5, selected=5, applied=5).adds_up
    assert not look(**OVER, read=5, selected=5, applied=4).adds_up
    assert not look(**OVER, read=5, selected=4, applied=4).adds_up
    assert not look(**OVER, unbalanced=1).adds_up


def test_a_forecast_of_an_older_version_is_shown_all_the_same() -> None:
    """What it lacks is nothing."""
    run = look(surveyed=NOW, begun=NOW, forecast='{"requests": 3}')
    assert (run.forecast["requests"], run.forecast["minutes"], run.forecast["contract"]) == (3, 0, None)
    assert look().forecast == {}


def test_what_stops_a_run_and_leaves_people_out_is_said_in_german() -> None:
    """Every sentence that a verdict or a brake can give, also where a brake has several reasons."""
    german = load_languages()["de"]
    before = Summary(read=100_000, nulls={"Phone": 0}, runs={1: "r0"})
    looks = SurveyFigures(
        read=30_000, adds=20_000, changes=20_000, removals=20_000, members=30_000, nulls={"Phone": 20_000}
    )
    stopped = safeguard(looks, before, {}, None)
    assert stopped is not None
    assert german.sentence(stopped.reason) == (
        "Anders als beim Lauf davor: 20000 von 30000 Mitgliedern würden sich ändern; 20000 kämen zu 30000 Mitgliedern dazu; "
        "20000 von 30000 Mitgliedern würden entfernt oder als gegangen vermerkt; Das Segment hat 30000 Zeilen statt 100000; "
        "20000 von 30000 Zeilen haben kein 'Phone', statt 0 von 100000."
    )
    sample = ["ann@example.org"]
    for reason in (leaver_guard.too_many(20, 40, sample, {}), leaver_guard.by_hand(20, 40, sample)):
        alone, beside = (german.sentence(said) for said in (f"{reason}.", f"{reason}; {stopped.reason}"))
        assert "endgültig abgemeldet, unter ihnen a***@e***.org" in alone
        assert "abgemeldet" in beside
        assert "Anders als beim Lauf davor" in beside
    memory = ChunkHistory()
    stops = [refused(Refused(because, definite=True), memory) for because in Because]
    stops += [list_missing(memory), refuses_everything(memory), refuses_nearly_all(19, 20, memory)]
    stops += [unreadable_chunk(form, memory) for form in ("HTTP 200, 0 bytes, text/html", "no HTTP")]
    assert {stop.code for stop in stops} == set(StopCode)
    for stop in stops:
        assert german.sentence(stop.reason) != stop.reason
    assert german.sentence(unreadable_answers("HTTP 200, broken off or too long, no content type")) == (
        "Die Antworten von ActiveCampaign sind nicht lesbar, mehrere hintereinander. "
        "Die letzte: HTTP 200, abgebrochen oder zu lang, ohne Inhaltstyp."
    )


def test_nobody_watches_what_nobody_looks_at() -> None:
    """At rest there is no watcher."""
    assert RunWatcher().runs == frozenset()
