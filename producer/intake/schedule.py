"""When an export's own schedule comes: five cron fields in a time zone, and what becomes of times that were missed. Pure.

The fields are those of Debian's cron, as cronsim reads them. Where a zone's clocks go forward, a time that is skipped comes
as soon as they go on; where they go back, a time that is there twice comes once, the first time. Schedules by the minute or
the hour (`*/15 * * * *`, `0 * * * *`) go by elapsed time on both days.

* ScheduleError   the fields or the zone cannot be followed; the message goes on where a field's name ends.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from wire.process.units import MINUTE_MS

CATCH_UP_MS: Final = 6 * 60 * MINUTE_MS
"""A time that was missed by at most this is made up for, once: what was due in the morning is of use at noon, and not days later."""

FIELDS: Final = 5
CHARACTERS_MAX: Final = 100
LIKE: Final = "minute, hour, day of month, month, day of week, like 0 6 * * 1-5"


class ScheduleError(ValueError):
    """There is no such schedule."""


@dataclass(frozen=True, slots=True)
class ScheduleDecision:
    """What is to be done now: `due`, a time that came and is to be followed, or `missed`, one that is too long ago.

    `following` is the next time, None if there is none. Times are milliseconds since 1970.
    """

    following: int | None
    due: int | None = None
    missed: int | None = None


def check_cron(text: str) -> str:
    """Return the fields with single spaces; ScheduleError if they are none, or never come."""
    fields = text.split()
    if len(fields) != FIELDS or len(text) > CHARACTERS_MAX:
        raise ScheduleError(f"must have the five fields of cron: {LIKE}")
    start = datetime(2001, 1, 1, tzinfo=UTC)
    try:
        next(CronSim(text, start))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ").replace("-", " ")
        if field == "day of month" and _stands(" ".join([*fields[:3], "*", fields[4]]), start):
            raise ScheduleError("never comes: none of these months has such a day") from None
        raise ScheduleError(f"cannot be read at its {field}: {LIKE}") from None
    except StopIteration:
        raise ScheduleError("never comes") from None
    return " ".join(fields)


def check_zone(name: str) -> str:
    """Return the name of a zone; ScheduleError if there is none of that name."""
    if name not in _zones():
        raise ScheduleError("must be a time zone of the IANA database, like Europe/Zurich or UTC")
    return name


def next_after(schedule: Mapping[str, Any], after: int) -> int | None:
    """Say when a schedule comes next after a moment, in milliseconds; None if it does not come any more."""
    return next(_times(schedule, after), None)


def look(schedule: Mapping[str, Any], planned: int | None, now: int) -> ScheduleDecision:
    """Say what is to be done now, if `planned` was the next time; None: the schedule is new, and begins now.

    Of all times that have passed since, the last one counts. A plan that lies further ahead than the schedule could have put
    it, since a clock or the zone's rules were put right, is cut to that.
    """
    if planned is None or planned > now:
        return ScheduleDecision(next_after(schedule, now))
    last = planned
    for time in _times(schedule, max(planned, now - CATCH_UP_MS - MINUTE_MS)):
        if time > now:
            return _passed(last, time, now)
        last = time
    return _passed(last, None, now)


def _passed(last: int, following: int | None, now: int) -> ScheduleDecision:
    if now - last > CATCH_UP_MS:
        return ScheduleDecision(following, missed=last)
    return ScheduleDecision(following, due=last)


def _times(schedule: Mapping[str, Any], after: int) -> Iterator[int]:
    zone = ZoneInfo(schedule["zone"])
    for time in CronSim(schedule["cron"], datetime.fromtimestamp(after / 1000, UTC).astimezone(zone)):
        # In the hour that is there twice, cronsim counts on from the first one.
        if (milliseconds := round(time.timestamp() * 1000)) > after:
            yield milliseconds


def _stands(text: str, start: datetime) -> bool:
    try:
        CronSim(text, start)
    except CronSimError:
        return False
    return True


@cache
def _zones() -> frozenset[str]:
    """Name the zones that come along with us: what else a machine knows by a name, another one may not."""
    return frozenset(files("tzdata").joinpath("zones").read_text().split())
