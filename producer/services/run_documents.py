"""What the API answers about runs: their books, why they stand still, and when they are foreseen to end."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, Self

from pydantic import BaseModel

from producer.services.documents import Timestamp, moment, moment_or_none
from wire.chunk_queue import run as runs_
from wire.chunk_queue.run import Mode, Run, RunState, Trigger
from wire.process.units import MINUTE_MS


class Leaving(BaseModel):
    """Where those who left the segment went; counted apart, since they are sent but not read.

    `kept` stay on the list as the export says, `waiting` until the next refresh agrees that they left, or a person accepts it.
    """

    applied: int = 0
    refused: int = 0
    unconfirmed: int = 0
    unsent: int = 0
    pending: int = 0
    kept: int = 0
    waiting: int = 0


class BooksDocument(BaseModel):
    """Where every profile went: read is the sum of the next five, selected of the last five."""

    read: int
    invalid: int
    duplicate: int
    unchanged: int
    held_back: int
    selected: int
    applied: int
    refused: int
    unconfirmed: int
    unsent: int
    pending: int
    leaving: Leaving


class ChangedAddresses(BaseModel):
    """People known by another address before: how many were found, and what became of them.

    `updated`: their contact has the new address. `newcomers`: they are a new contact. `held_back`: somebody opted out under
    the old address, or it cannot be told whose has changed. The others are open, were refused as opted out, or were not sent.
    """

    found: int
    updated: int
    newcomers: int
    held_back: int


class BlockedDocument(BaseModel):
    """Why a run stands still; `needs_acceptance`: only `resume` with `accept` lets it go on."""

    code: str
    reason: str
    since: Timestamp
    needs_acceptance: bool


class OutcomeDocument(BaseModel):
    """What a run that is over took, beside what was foreseen: imports sent, and minutes from the first to the last."""

    requests: int
    minutes: float


class RunDocument(BaseModel):
    """A run as it stands; `outcome` is null until it is over."""

    id: str
    export: str
    segment: str
    connection: str
    list_id: str
    state: RunState
    phase: RunState
    trigger: Trigger
    mode: Mode
    dry_run: bool
    retry_of: str | None
    snapshot: str
    books: BooksDocument
    chunks: int
    requests: int
    throttles: int
    accepted: int
    unmatched: int
    phones_left_out: int
    changed_addresses: ChangedAddresses
    forecast: dict[str, Any] | None
    outcome: OutcomeDocument | None
    created: Timestamp
    started: Timestamp | None
    finished: Timestamp | None
    deadline: Timestamp
    projected_finish: Timestamp | None
    blocked: BlockedDocument | None
    error: str | None

    @classmethod
    def of(cls, run: Run, projected_finish: int | None) -> Self:
        """Show a run."""
        blocked = run.block and BlockedDocument(
            code=run.block.code,
            reason=run.block.reason,
            since=moment(run.block.since),
            needs_acceptance=run.block.asks,
        )
        return cls(
            id=run.id,
            export=run.export_name,
            segment=run.segment,
            connection=run.connection_name,
            list_id=run.list_id,
            state=runs_.state(run),
            phase=runs_.phase(run),
            trigger=run.trigger,
            mode=run.mode,
            dry_run=run.dry_run,
            retry_of=run.retry_of or None,
            snapshot=run.snapshot,
            books=BooksDocument(**run.books.document(), leaving=_leaving(run)),
            chunks=run.chunks,
            requests=run.requests,
            throttles=run.throttles,
            accepted=run.accepted,
            unmatched=run.unmatched,
            phones_left_out=run.phones_left_out,
            changed_addresses=ChangedAddresses(
                found=run.moving + run.moves_held_back,
                updated=run.updated,
                newcomers=run.newcomers,
                held_back=run.moves_held_back,
            ),
            forecast=run.forecast,
            outcome=_outcome(run),
            created=moment(run.created),
            started=moment_or_none(run.begun),
            finished=moment_or_none(run.finished),
            deadline=moment(run.deadline),
            projected_finish=moment_or_none(projected_finish),
            blocked=blocked,
            error=run.error,
        )

    @classmethod
    def all_of(cls, runs: list[Run], projected: Mapping[str, int]) -> list[Self]:
        """Show runs with the ends foreseen for them, by id."""
        return [cls.of(run, projected.get(run.id)) for run in runs]


class OpenedDocument(BaseModel):
    """The run that was opened."""

    run: RunDocument


class ScheduledRun(BaseModel):
    """An export with a schedule, and the run of it that was opened, by its id."""

    export: str
    run: str


class ScheduledSkipped(BaseModel):
    """An export with a schedule of which no run was opened, and why."""

    export: str
    reason: str


class ScheduledDocument(BaseModel):
    """What became of every export that has a schedule."""

    runs: list[ScheduledRun]
    skipped: list[ScheduledSkipped]


class SteeredDocument(BaseModel):
    """What a hand on a run did: `done`, `already` so, or the run is `over`. After a retry it is the run that was opened."""

    run: RunDocument
    result: Literal["done", "already", "over"]


def _leaving(run: Run) -> Leaving:
    pending = run.leaving - run.leavers.settled
    return Leaving(**asdict(run.leavers), pending=pending, kept=run.kept, waiting=run.leavers_waiting)


def _outcome(run: Run) -> OutcomeDocument | None:
    if not run.over or run.dry_run:
        return None
    sending_ms = (run.last_import or 0) - (run.first_import or 0)
    return OutcomeDocument(requests=run.imports, minutes=round(sending_ms / MINUTE_MS, 2))
