"""What the record has of one address for one export. Pure."""

from dataclasses import dataclass

from producer.people.absence import Absence
from wire.chunk_queue.membership_entry import MembershipEntry
from wire.chunk_queue.run import Run


@dataclass(frozen=True, slots=True)
class Batch:
    """What ActiveCampaign made of a chunk, and when it accepted it."""

    chunk: str
    batch: str
    at: int


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """A chunk under way that has them."""

    run: str
    chunk: str
    state: str
    batch: str | None
    leaving: bool


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A line of one of a run's reports; `is_former`: the address is the one that somebody had before."""

    run: str
    fate: str
    code: str
    reason: str
    row: int | None
    is_former: bool = False


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A chunk that ended unsent or unconfirmed, with them in it; `maybe`: ActiveCampaign may have it all the same."""

    run: str
    maybe: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """What the record has of an address for one export; `entry` and `last` None where there is none (any more).

    `absence`: whether the snapshot that the export surveyed last had them; None where no absences were noted of that one.

    `last` is the last run that compared people with what is known, `sent_in` the id of the run that wrote the entry, and
    `batches` those of the chunk that it was in.
    """

    list_id: str
    entry: MembershipEntry | None
    last: Run | None
    sent_in: str | None
    batches: tuple[Batch, ...]
    on_the_way: tuple[OnTheWay, ...]
    lines: tuple[ReportLine, ...]
    left_behind: tuple[LeftBehind, ...]
    has_run: bool
    absence: Absence | None = None
