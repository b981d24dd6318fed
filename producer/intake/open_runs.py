"""Turns an event or a person's demand into runs, once, however often it is said; it reads no snapshot.

* IntakeError
  x Unusable      the event or demand cannot be followed as it is; `faults` says what to mend, by JSON pointer.
  x Pointless     the run to be retried is not over, or has left nobody, or its export is gone.
  x Detached      the export has no connection. Attach it to one.
  x ForAdmins     a contributor asked, and the connection is for administrators only.
  x Conflicting   the same id or key was used for something else before.
  x Contended     exports changed under every attempt. Say it again.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from producer.audit.entry import SYSTEM, Author, author_as_text
from producer.input_checks import is_line
from producer.intake.cloudevents import SegmentRefreshed
from producer.intake.new_run import Order, Retention, RunFields, row, run_id
from producer.intake.schedule import ScheduleDecision
from producer.registry.model import Connection, Export
from producer.registry.store import CLOSED, Registry
from producer.snapshots import Root, SnapshotError, check_place
from producer.snapshots.errors import Missing
from wire.chunk_queue.run import Mode, Run, Trigger
from wire.process.units import DAY_MS
from wire.store import codec
from wire.store.redis import Store

REFRESHED: Final = "segment.refreshed"
REMEMBERED_MS: Final = 14 * DAY_MS
ATTEMPTS: Final = 5
"""How often exports may change between reading and writing before the caller is asked to come again."""

NAME_CHARACTERS_MAX: Final = 255
PLACE_CHARACTERS_MAX: Final = 4_096


class IntakeError(Exception):
    """No run was opened."""


class Unusable(IntakeError):
    """The event or demand cannot be followed."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults.values()))


class Pointless(IntakeError):
    """There is nothing to retry."""


class Detached(IntakeError):
    """The export has no connection."""


class ForAdmins(IntakeError):
    """The connection is not open to contributors."""


class Conflicting(IntakeError):
    """The id or key stands for something else."""


class Contended(IntakeError):
    """Exports changed under every attempt."""


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """The answer to an event: the runs it opened, or why it opened none."""

    runs: tuple[str, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What a person asks of an export; without a snapshot, the latest of its segment."""

    snapshot: str | None = None
    mode: Mode = Mode.CHANGES
    dry_run: bool = False
    include_refused: bool = False


class Intake:
    """Opens runs."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        snapshot_roots: Sequence[Root],
        trusted_hosts: frozenset[str] = frozenset(),
        retention: Retention,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        dice: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self._store = store
        self._registry = registry
        self._roots = snapshot_roots
        self._trusted_hosts = trusted_hosts
        self._retention = retention
        self._clock_ms = clock_ms
        self._dice = dice

    async def accept_event(self, event: SegmentRefreshed, *, by: Author = SYSTEM) -> AcceptedEvent:
        """Open one run for each export of the refreshed segment; the same event again gets the same answer."""
        segment, snapshot = _refreshed(event)
        await self._check_place(snapshot, "/data/snapshot")
        digest = _digest("event", event.source, event.id)
        fingerprint = _fingerprint(event.data)
        order = Order(snapshot, Trigger.EVENT)
        for _ in range(ATTEMPTS):
            revision = await self._registry.revision()
            rows, reason = await self._rows(segment, order)
            answer = await self._store.keep(
                "refresh",
                *(digest, fingerprint, REMEMBERED_MS),
                *(segment, snapshot, "" if event.time is None else event.time, event.id),
                *(revision, reason, author_as_text(by)),
                *(codec.encode(one) for one in rows),
            )
            match answer:
                case b"changed":
                    continue
                case b"conflict":
                    raise Conflicting("an event with this source and id was accepted before, with other data")
                case _:
                    said = codec.decode(answer)
                    return AcceptedEvent(tuple(said["runs"]), said.get("reason"))
        raise Contended("exports are being changed; send the event again")

    async def demand(
        self,
        export_name: str,
        demand: Demand,
        *,
        idempotency_key: str = "",
        by_contributor: bool = False,
        by: Author = SYSTEM,
    ) -> str:
        """Open one run of an export and return its id; the same key with the same demand opens nothing new.

        Besides IntakeError, Unregistered if there is no such export.
        """
        if demand.snapshot is not None:
            await self._check_place(demand.snapshot, "/snapshot")
        for _ in range(ATTEMPTS):
            revision = await self._registry.revision()
            export = await self._registry.export(export_name)
            await self._require_use(export, by_contributor=by_contributor)
            order = await self._order(export, demand)
            digest = _digest("demand", export.id, idempotency_key) if idempotency_key else ""
            said = {"export": export.id, **asdict(demand)}
            if (run := await self._opened(export, order, revision, digest, said, by)) is not None:
                return run[0]
        raise Contended("exports are being changed; ask again")

    async def keep_time(
        self, export: Export, moment: ScheduleDecision, *, planned: int | None, revision: str
    ) -> str | None:
        """Plan when an export's schedule comes next, and open the run of the time that is due, over the latest snapshot.

        Returns the run's id; None without one: nothing is due, the segment was never refreshed, or somebody else was quicker.
        """
        run = ""
        connection = await self._connection(export)
        if moment.due is not None and connection is not None:
            snapshot = (await self._registry.segment(export.segment)).snapshot
            if snapshot is not None:
                run = codec.text(self._row(export, connection, Order(snapshot, Trigger.SCHEDULE)))
        times = _word(planned), _word(moment.following)
        answer: bytes = await self._store.keep("open_scheduled_run", export.id, *times, revision, run)
        return None if answer in {b"changed", b"kept"} else answer.decode()

    async def retry(self, run: Run, *, by_contributor: bool = False, by: Author = SYSTEM) -> tuple[str, bool]:
        """Open a run for those whom a run that is over left without being applied; return its id, and whether it is new.

        It is over the latest snapshot of the segment. Asked again for the same run, it is the same run.
        """
        if not run.over or run.dry_run:
            raise Pointless("a run is retried when it is over, and has sent something")
        if not run.books.refused + run.books.unconfirmed + run.books.unsent:
            raise Pointless("the run has left nobody: everybody it selected is applied")
        for _ in range(ATTEMPTS):
            revision = await self._registry.revision()
            export = next((one for one in await self._registry.exports() if one.id == run.export), None)
            if export is None:
                raise Pointless(f"export {run.export_name!r} was deleted")
            await self._require_use(export, by_contributor=by_contributor)
            latest = (await self._registry.segment(export.segment)).snapshot
            order = Order(latest or run.snapshot, Trigger.DEMAND, retry_of=run.id)
            digest = _digest("retry", run.id)
            opened = await self._opened(export, order, revision, digest, {"retry_of": run.id}, by)
            if opened is not None:
                return opened
        raise Contended("exports are being changed; ask again")

    async def _opened(
        self, export: Export, order: Order, revision: str, digest: str, said: Mapping[str, Any], by: Author
    ) -> tuple[str, bool] | None:
        """Open a run, or find the one that the same words opened before; None if exports changed meanwhile."""
        connection = await self._connection(export)
        if connection is None:
            raise Detached(f"export {export.name!r} is detached: attach it to a connection first")
        row_ = self._row(export, connection, order)
        fingerprint = sha256(codec.canonical(said)).hexdigest()
        answer: bytes = await self._store.keep(
            "demand", digest, fingerprint, REMEMBERED_MS, revision, codec.encode(row_), author_as_text(by)
        )
        match answer:
            case b"changed":
                return None
            case b"conflict":
                raise Conflicting("this Idempotency-Key was used for another demand before")
            case _:
                return answer.decode(), answer.decode() == row_["id"]

    async def _rows(self, segment: str, order: Order) -> tuple[list[RunFields], str]:
        """Return the runs to open, and why there are none if there are none."""
        exports = [export for export in await self._registry.exports() if export.segment == segment]
        pairs = [(export, await self._connection(export)) for export in exports if export.enabled]
        rows = [self._row(export, connection, order) for export, connection in pairs if connection]
        if not exports:
            return rows, "no export names this segment"
        off = "detached from its connection" if pairs else "disabled"
        either = "disabled or detached from its connection" if 0 < len(pairs) < len(exports) else off
        return rows, f"every export of this segment is {either}"

    async def _require_use(self, export: Export, *, by_contributor: bool) -> None:
        """Raise ForAdmins; the revision that the script checks counts every change of a connection."""
        connection = await self._connection(export)
        if by_contributor and not (connection and connection.is_open):
            raise ForAdmins(CLOSED)

    async def _connection(self, export: Export) -> Connection | None:
        return None if export.connection is None else await self._registry.connection_by_id(export.connection)

    async def _order(self, export: Export, demand: Demand) -> Order:
        snapshot = demand.snapshot or (await self._registry.segment(export.segment)).snapshot
        if snapshot is None:
            never = f"segment {export.segment!r} was never refreshed: name a snapshot"
            raise Unusable({"/snapshot": never})
        return Order(snapshot, Trigger.DEMAND, demand.mode, demand.dry_run, demand.include_refused)

    def _row(self, export: Export, connection: Connection, order: Order) -> RunFields:
        return row(run_id(self._clock_ms(), self._dice()), export, connection, order, self._retention)

    async def _check_place(self, snapshot: str, pointer: str) -> None:
        """Refuse a place that we may not read. One that holds nothing (yet) opens a run, which fails and says so."""
        try:
            await asyncio.to_thread(check_place, snapshot, self._roots, self._trusted_hosts)
        except Missing:
            return
        except SnapshotError as error:
            raise Unusable({pointer: str(error)}) from None


def _refreshed(event: SegmentRefreshed) -> tuple[str, str]:
    """Return segment and snapshot of a refresh; fields of `data` that we do not know are the publisher's own."""
    faults = {}
    if event.type != REFRESHED:
        faults["/type"] = f"must be {REFRESHED!r}"
    data: Mapping[str, Any] = event.data if isinstance(event.data, dict) else {}
    if event.data is not data:
        faults["/data"] = "must be an object with segment and snapshot"
    for name, most in (("segment", NAME_CHARACTERS_MAX), ("snapshot", PLACE_CHARACTERS_MAX)):
        value = data.get(name)
        if not isinstance(value, str) or len(value) > most or not is_line(value):
            faults[f"/data/{name}"] = f"must be one line of text, of 1 to {most} characters"
    if not faults and event.subject is not None and event.subject != data["segment"]:
        faults["/subject"] = "must be the segment that data names, or absent"
    if faults:
        raise Unusable(faults)
    return data["segment"], data["snapshot"]


def _fingerprint(data: object) -> str:
    """Tell an event's data from other data. Unusable if it is nested deeper than JSON can be written again."""
    try:
        return sha256(codec.canonical(data)).hexdigest()
    except TypeError:
        raise Unusable({"/data": "is nested too deeply"}) from None


def _word(time: int | None) -> str:
    return "" if time is None else str(time)


def _digest(*parts: str) -> str:
    """Name what was said; lengths go before the parts, so that no two lists of parts share a name."""
    return sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
