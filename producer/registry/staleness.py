"""What has grown old, or never came: a segment that was never seen, an export that never ran, a snapshot of long ago. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from producer.registry.model import Export, Segment
from wire.process.units import HOUR_MS

DAYS_FROM_HOURS: Final = 48
"""From so many hours on, an age is told in days."""


class WarningCode(StrEnum):
    """What is warned of."""

    SEGMENT_NEVER_SEEN = "segment_never_seen"
    EXPORT_NEVER_RAN = "export_never_ran"
    SNAPSHOT_OLD = "snapshot_old"


@dataclass(frozen=True, slots=True)
class StalenessWarning:
    """A warning with its sentence, and since when it holds, in milliseconds."""

    code: WarningCode
    detail: str
    since: int


def of_export(
    export: Export, segment: Segment, *, has_run: bool, now: int, default_hours: float
) -> tuple[StalenessWarning, ...]:
    """Say what to warn of at an export; one that is disabled or detached runs by itself no more, and is not warned of."""
    return tuple(_of_export(export, segment, has_run, now, default_hours)) if export.is_on else ()


def of_segment(
    segment: Segment, exports: Mapping[str, Export], *, now: int, default_hours: float
) -> tuple[StalenessWarning, ...]:
    """Say what to warn of at a segment: one that is never seen, or older than the first of its exports allows."""
    hours = [exports[name].stale_after_hours or default_hours for name in segment.exports if name in exports]
    if segment.refreshed is None:
        since = min((exports[name].created for name in segment.exports if name in exports), default=now)
        return (_never_seen(segment.name, since),)
    return tuple(_old(segment.name, segment.refreshed, now, min(hours, default=default_hours)))


def has_lasted(warned: StalenessWarning, export: Export, *, now: int, default_hours: float) -> bool:
    """Whether a warning is worth a message: what never came has had as long to come as a snapshot may grow old."""
    hours = 0 if warned.code is WarningCode.SNAPSHOT_OLD else export.stale_after_hours or default_hours
    return now - warned.since >= hours * HOUR_MS


def _of_export(
    export: Export,
    segment: Segment,
    has_run: bool,  # noqa: FBT001  private
    now: int,
    default_hours: float,
) -> Iterator[StalenessWarning]:
    if segment.refreshed is None:
        yield _never_seen(segment.name, export.created)
        return
    if not has_run:
        detail = f"it has never run: it will with the next refresh of segment {segment.name!r}, or when somebody asks"
        yield StalenessWarning(WarningCode.EXPORT_NEVER_RAN, detail, max(export.created, segment.accepted or 0))
    yield from _old(segment.name, segment.refreshed, now, export.stale_after_hours or default_hours)


def _never_seen(segment: str, since: int) -> StalenessWarning:
    detail = f"segment {segment!r} was never refreshed: nothing runs before its first refresh"
    return StalenessWarning(WarningCode.SEGMENT_NEVER_SEEN, detail, since)


def _old(segment: str, refreshed: int, now: int, hours: float) -> Iterator[StalenessWarning]:
    age = now - refreshed
    if age > hours * HOUR_MS:
        allowed = f"after {_told(hours)} it counts as old"
        detail = f"segment {segment!r} was last refreshed {_told(age / HOUR_MS)} ago: {allowed}"
        yield StalenessWarning(WarningCode.SNAPSHOT_OLD, detail, refreshed + round(hours * HOUR_MS))


def _told(hours: float) -> str:
    if hours >= DAYS_FROM_HOURS:
        return f"{hours / 24:.0f} days"
    return f"{hours:.3g} {'hour' if hours == 1 else 'hours'}"
