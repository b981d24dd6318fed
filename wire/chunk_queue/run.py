"""A run as its record tells it: what it is to do, its books, and its state, which is computed and never stored.

Pure: no clock, no store. `wire.chunk_queue.chunk_store` reads and writes the record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from wire.store import codec


class RunState(StrEnum):
    """What a run is doing, or how it ended."""

    QUEUED = "queued"
    SURVEYING = "surveying"
    DELIVERING = "delivering"
    CONFIRMING = "confirming"
    PAUSED = "paused"
    BLOCKED = "blocked"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


OVER: Final = frozenset(
    {RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED, RunState.CANCELLED, RunState.SUPERSEDED}
)


class Mode(StrEnum):
    """What a run sends."""

    CHANGES = "changes"
    FULL = "full"


class Trigger(StrEnum):
    """What opened a run."""

    EVENT = "event"
    SCHEDULE = "schedule"
    DEMAND = "demand"


class Ending(StrEnum):
    """Why a run ended before its work was done."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Books:
    """Where every profile of a run went, in contacts.

    read = invalid + duplicate + unchanged + held_back + selected, and selected = applied + refused + unconfirmed + unsent +
    pending. `accepted` counts what ActiveCampaign queued, sent again included: it is never a fate.
    """

    read: int = 0
    invalid: int = 0
    duplicate: int = 0
    unchanged: int = 0
    held_back: int = 0
    selected: int = 0
    applied: int = 0
    refused: int = 0
    unconfirmed: int = 0
    unsent: int = 0

    @property
    def pending(self) -> int:
        """Selected contacts whose fate is open."""
        return self.selected - self.applied - self.refused - self.unconfirmed - self.unsent

    def close(self, *, over: bool) -> bool:
        """Whether every profile has exactly one fate, and none is open once the run is over."""
        told = self.invalid + self.duplicate + self.unchanged + self.held_back + self.selected
        return self.read == told and self.pending >= 0 and not (over and self.pending)

    def document(self) -> dict[str, int]:
        """The books by the words of the design, `pending` among them."""
        return {name: getattr(self, name) for name in BOOK_WORDS} | {"pending": self.pending}


@dataclass(frozen=True, slots=True)
class LeaverBooks:
    """Where those who left the segment went, if they are sent: they are no part of what was read."""

    applied: int = 0
    refused: int = 0
    unconfirmed: int = 0
    unsent: int = 0

    @property
    def settled(self) -> int:
        """How many have a fate."""
        return self.applied + self.refused + self.unconfirmed + self.unsent


BOOK_WORDS: Final = tuple(Books.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Block:
    """Why a run or its connection is stopped, since when (milliseconds), and whether only a person can lift it.

    `asks`: and that person has to say that they accept it.
    """

    code: str
    reason: str
    since: int
    by_hand: bool
    asks: bool


@dataclass(frozen=True, slots=True)
class Run:
    """The record of a run. Times are the store's milliseconds since 1970, or None if that has not happened.

    `moving`: those whose address has changed; `moves_held_back` more of them are held back. When their contacts had their fates,
    those of `updated` had the new address, and `newcomers` are new contacts. `kept`: members who left the segment and stay on
    the list, `leavers_waiting`: those who stay until a second snapshot agrees or a person accepts; `leaving`: those who are
    sent. `number`: the how many-th of its export into this list. `retry_of`: the run whose
    rest this one sends.
    """

    id: str
    export: str
    export_name: str
    segment: str
    account: str
    list_id: str
    connection: str
    connection_name: str
    snapshot: str
    trigger: Trigger
    mode: Mode
    dry_run: bool
    spec: dict[str, Any]
    books: Books
    accepted: int
    unmatched: int
    chunks: int
    requests: int
    throttles: int
    phones_left_out: int
    kept: int
    leavers_waiting: int
    leaving: int
    leaving_packed: int
    leavers: LeaverBooks
    moving: int
    updated: int
    newcomers: int
    moves_held_back: int
    imports: int
    number: int
    include_refused: bool
    retry_of: str
    created: int
    deadline: int
    begun: int | None
    surveyed: int | None
    reading_ended: int | None
    first_import: int | None
    last_import: int | None
    finished: int | None
    sequence: int
    cursor: int
    packed: int
    held_bytes: int
    pin: str
    ending: Ending | None
    error: str | None
    unbalanced: int
    paused: bool
    trusted: bool
    ready_chunks: int
    accepted_chunks: int
    block: Block | None
    batch_ended: int | None
    stood_still: int
    forecast: dict[str, Any] | None = None

    @property
    def contacts(self) -> int:
        """How many contacts are sent in all."""
        return self.books.selected + self.leaving

    @property
    def pending(self) -> int:
        """How many of them have no fate yet."""
        return self.books.pending + self.leaving - self.leavers.settled

    @property
    def over(self) -> bool:
        """Whether the run has ended and nothing of it is under way."""
        return self.finished is not None


def run_from(
    run_id: str,
    fields: Mapping[str, bytes],
    *,
    ready_chunks: int = 0,
    accepted_chunks: int = 0,
    blocks: tuple[Mapping[str, bytes], ...] = (),
) -> Run:
    """Read a run from its record's fields, as stored."""

    def text(name: str) -> str:
        return fields.get(name, b"").decode()

    def number(name: str) -> int:
        return int(fields.get(name, b"0"))

    def moment(name: str) -> int | None:
        return int(fields[name]) if name in fields else None

    return Run(
        id=run_id,
        export=text("export"),
        export_name=text("export_name"),
        segment=text("segment"),
        account=text("account"),
        list_id=text("list"),
        connection=text("connection"),
        connection_name=text("connection_name"),
        snapshot=text("snapshot"),
        trigger=Trigger(text("trigger")),
        mode=Mode(text("mode")),
        dry_run=text("dry_run") == "1",
        spec=codec.decode(fields["spec"]),
        books=Books(**{name: number(name) for name in BOOK_WORDS}),
        accepted=number("accepted"),
        unmatched=number("unmatched"),
        chunks=number("chunks"),
        requests=number("requests"),
        throttles=number("throttles"),
        phones_left_out=number("phones_left_out"),
        kept=number("kept"),
        leavers_waiting=number("leaving_waiting"),
        leaving=number("leaving"),
        leaving_packed=number("leaving_packed"),
        leavers=LeaverBooks(**{name: number(f"leaving_{name}") for name in LeaverBooks.__dataclass_fields__}),
        moving=number("moving"),
        updated=number("updated"),
        newcomers=number("newcomers"),
        moves_held_back=number("moves_held_back"),
        imports=number("imports"),
        number=number("number"),
        include_refused=text("include_refused") == "1",
        retry_of=text("retry_of"),
        created=number("created"),
        deadline=number("deadline"),
        begun=moment("begun"),
        surveyed=moment("surveyed"),
        reading_ended=moment("reading_ended"),
        first_import=moment("first_import"),
        last_import=moment("last_import"),
        finished=moment("finished"),
        sequence=number("sequence"),
        cursor=number("cursor"),
        packed=number("packed"),
        held_bytes=number("held"),
        pin=text("pin"),
        ending=Ending(text("ending")) if "ending" in fields else None,
        error=text("error") or None,
        unbalanced=number("unbalanced"),
        paused="paused" in fields,
        trusted=text("trusted") == "1",
        ready_chunks=ready_chunks,
        accepted_chunks=accepted_chunks,
        block=next((found for fields_ in blocks if (found := _block(fields_))), None),
        batch_ended=moment("batch_ended"),
        stood_still=number("still"),
        forecast=codec.decode(fields["forecast"]) if "forecast" in fields else None,
    )


def _block(fields: Mapping[str, bytes]) -> Block | None:
    if fields.get("blocked") != b"1":
        return None
    by_hand = "probe_at" not in fields
    return Block(
        code=fields["code"].decode(),
        reason=fields["reason"].decode(),
        since=int(fields["since"]),
        by_hand=by_hand,
        asks=by_hand and fields.get("asks") != b"0",
    )


def phase(run: Run) -> RunState:
    """How far the run is, whether it may go on or not."""
    if run.over:
        return _outcome(run)
    if run.begun is None:
        return RunState.QUEUED
    if run.surveyed is None and run.ending is None:
        return RunState.SURVEYING
    if run.reading_ended is None or run.ready_chunks:
        return RunState.DELIVERING
    return RunState.CONFIRMING


def state(run: Run) -> RunState:
    """The one word for a run; `paused` and `blocked` hide the phase they stop."""
    if not run.over and run.block is not None:
        return RunState.BLOCKED
    if not run.over and run.paused:
        return RunState.PAUSED
    return phase(run)


def _outcome(run: Run) -> RunState:
    fates = (run.books, run.leavers)
    short = any(of.refused or of.unconfirmed or of.unsent for of in fates) or run.unmatched or run.unbalanced
    return ended_as(run.ending, is_short=bool(short), dry_run=run.dry_run)


def ended_as(ending: Ending | None, *, is_short: bool, dry_run: bool) -> RunState:
    """Say what the end of a run is called; `is_short`: not everybody who was selected is known to be applied."""
    match ending:
        case Ending.FAILED:
            return RunState.FAILED
        case Ending.SUPERSEDED:
            return RunState.SUPERSEDED
        case Ending.CANCELLED | Ending.DELETED:
            return RunState.CANCELLED
        case None:
            return RunState.PARTIAL if is_short and not dry_run else RunState.SUCCEEDED
