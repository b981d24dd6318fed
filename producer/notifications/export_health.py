"""How an export does, and what of that was reported. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class ExportHealth(StrEnum):
    """How an export is doing."""

    WELL = "well"
    FAILED = "failed"
    PARTIAL = "partial"
    BLOCKED = "blocked"
    LATE = "will_miss_budget"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class ReportedHealth:
    """What was told last, and what it may become: `candidate`, since when, in the store's milliseconds.

    `change`: how many changes there were; `version` counts every write, so that two who read the same write once.
    """

    health: ExportHealth = ExportHealth.WELL
    change: int = 0
    version: int = 0
    run: str = ""
    candidate: ExportHealth | None = None
    candidate_since: int = 0


@dataclass(frozen=True, slots=True)
class Addressed:
    """A message for one channel."""

    id: str
    channel: str
    body: bytes
