"""An export's own schedule: what can be read, when it comes on the two odd days of a year, and what was missed."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.intake.schedule import (
    CATCH_UP_MS,
    ScheduleDecision,
    ScheduleError,
    check_cron,
    check_zone,
    look,
    next_after,
)
from wire.process.units import MINUTE_MS

ZURICH = ZoneInfo("Europe/Zurich")
HOUR_MS = 60 * MINUTE_MS


def at(text: str, *, fold: int = 0) -> int:
    """A wall clock's time in Zurich, as milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZURICH, fold=fold).timestamp() * 1000)


def zurich(cron: str) -> dict[str, str]:
    """A schedule by Zurich's clocks."""
    return {"cron": cron, "zone": "Europe/Zurich"}


def times(cron: str, after: int, before: int) -> list[str]:
    """All times of a schedule between two moments, by the wall clock and its offset."""
    found = []
    while (following := next_after(zurich(cron), after)) is not None and following < before:
        found.append(f"{datetime.fromtimestamp(following / 1000, ZURICH):%d %H:%M%z}")
        after = following
    return found


@pytest.mark.parametrize(
    "cron", ["0 6 * * 1-5", "*/15 * * * *", "0 0 29 2 *", "30 7 L * *", "0 9 * * MON#1", "0 6 * jan,jul *"]
)
def test_what_cron_can_say_is_taken(cron: str) -> None:
    """Names and the last day of a month among it."""
    assert check_cron(cron) == cron


def test_spaces_are_mended() -> None:
    """However they were pasted."""
    assert check_cron(" 0\t6  * * 1-5 ") == "0 6 * * 1-5"


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("", "must have the five fields of cron"),
        ("0 6 * *", "must have the five fields"),
        ("0 0 6 * * 1", "must have the five fields"),
        ("@daily", "must have the five fields"),
        ("0 " * 60, "must have the five fields"),
        ("60 6 * * *", "cannot be read at its minute"),
        ("0 24 * * *", "cannot be read at its hour"),
        ("0 6 32 * *", "cannot be read at its day of month"),
        ("0 6 * 13 *", "cannot be read at its month"),
        ("0 6 * * 9", "cannot be read at its day of week"),
        ("*/0 6 * * *", "cannot be read at its minute"),
        ("5-1 6 * * *", "cannot be read at its minute"),
        ("\u0660 6 * * *", "cannot be read at its minute"),
        ("0 6 30 2 *", "never comes"),
        ("0 6 31 4,6,9,11 *", "never comes"),
    ],
)
def test_what_never_comes_or_cannot_be_read_is_refused_with_the_reason(cron: str, says: str) -> None:
    """By the name of the field, and how it is written."""
    with pytest.raises(ScheduleError, match=says):
        check_cron(cron)


@pytest.mark.parametrize(
    "zone", ["", "Zurich", "europe/zurich", "../../etc/passwd", "/etc/localtime", "CET/", "localtime"]
)
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    """Also one that a file system would find."""
    with pytest.raises(ScheduleError, match="IANA"):
        check_zone(zone)


def test_a_zone_s_clocks_are_followed_through_the_year() -> None:
    """Six in the morning is six in the morning, in summer and in winter."""
    assert times("0 6 * * 1-5", at("2026-10-23T07:00"), at("2026-10-28T00:00")) == ["26 06:00+0100", "27 06:00+0100"]
    assert times("0 6 * * *", at("2026-10-24T00:00"), at("2026-10-26T00:00")) == ["24 06:00+0200", "25 06:00+0100"]


def test_a_time_that_is_skipped_comes_when_the_clocks_go_on() -> None:
    """On 29 March 2026 the clocks of Zurich go from 2 to 3."""
    night = at("2026-03-28T12:00"), at("2026-03-30T12:00")
    assert times("30 2 * * *", *night) == ["29 03:00+0200", "30 02:30+0200"]
    assert times("0,30 2 * * *", *night)[:2] == ["29 03:00+0200", "30 02:00+0200"]
    assert times("0 2,3 * * *", *night)[:2] == ["29 03:00+0200", "30 02:00+0200"]


def test_a_time_that_is_there_twice_comes_once() -> None:
    """On 25 October 2026 the clocks of Zurich go from 3 back to 2; whenever it is asked."""
    night = at("2026-10-24T12:00"), at("2026-10-26T12:00")
    assert times("30 2 * * *", *night) == ["25 02:30+0200", "26 02:30+0100"]
    second = at("2026-10-25T02:10", fold=1)
    assert times("30 2 * * *", second, night[1]) == ["26 02:30+0100"]


def test_a_schedule_by_the_hour_goes_by_elapsed_time() -> None:
    """Twenty-five of them on the long day, twenty-three on the short one."""
    assert len(times("0 * * * *", at("2026-10-24T23:30"), at("2026-10-25T23:30"))) == 25
    assert len(times("0 * * * *", at("2026-03-28T23:30"), at("2026-03-29T23:30"))) == 23


def test_a_new_schedule_begins_now_and_makes_up_for_nothing() -> None:
    """Only its next time is planned."""
    now = at("2026-11-24T07:00")
    assert look(zurich("0 6 * * *"), None, now) == ScheduleDecision(at("2026-11-25T06:00"))


def test_a_time_that_came_is_due_and_the_next_one_planned() -> None:
    """To the millisecond."""
    six, tomorrow = at("2026-11-24T06:00"), at("2026-11-25T06:00")
    assert look(zurich("0 6 * * *"), six, six - 1) == ScheduleDecision(six)
    assert look(zurich("0 6 * * *"), six, six) == ScheduleDecision(tomorrow, due=six)


def test_of_many_that_were_missed_the_last_is_made_up_for() -> None:
    """Never a burst: a producer that was down for a day opens one run."""
    planned, now = at("2026-11-23T06:00"), at("2026-11-24T06:07")
    assert look(zurich("*/15 * * * *"), planned, now) == ScheduleDecision(
        at("2026-11-24T06:15"), due=at("2026-11-24T06:00")
    )


def test_what_was_missed_by_more_than_six_hours_is_not_made_up_for() -> None:
    """At noon it is, a minute later it is not."""
    six, tomorrow = at("2026-11-24T06:00"), at("2026-11-25T06:00")
    assert look(zurich("0 6 * * *"), six, six + CATCH_UP_MS) == ScheduleDecision(tomorrow, due=six)
    assert look(zurich("0 6 * * *"), six, six + CATCH_UP_MS + 1) == ScheduleDecision(tomorrow, missed=six)


def test_a_plan_too_far_ahead_is_cut_to_what_the_schedule_says() -> None:
    """A store whose clock was a year ahead must not keep an export from running for a year."""
    now = at("2026-11-24T07:00")
    assert look(zurich("0 6 * * *"), now + 365 * 24 * HOUR_MS, now) == ScheduleDecision(at("2026-11-25T06:00"))


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    start=st.integers(at("2026-01-01T00:00"), at("2027-01-01T00:00")),
    steps=st.lists(st.integers(1, 30 * 60), min_size=1, max_size=60),
)
def test_whoever_looks_regularly_keeps_every_day_once(minute: int, hour: int, start: int, steps: list[int]) -> None:
    """However often it looks within six hours: as many runs as there were times, none twice."""
    schedule = zurich(f"{minute} {hour} * * *")
    now, planned, kept = start, look(schedule, None, start).following, list[int]()
    for step in steps:
        now += min(step * MINUTE_MS, CATCH_UP_MS)
        moment = look(schedule, planned, now)
        assert moment.missed is None
        kept += [] if moment.due is None else [moment.due]
        planned = moment.following
    expected, after = list[int](), start
    while (following := next_after(schedule, after)) is not None and following <= now:
        expected.append(following)
        after = following
    assert kept == expected
