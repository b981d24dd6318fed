"""Reads runs: takes those that may begin, surveys them, sends them, and ends those that cannot be read.

Every step is checked by the record; whoever finds that somebody else reads a run forgets it. A run whose reader is killed
is taken again when its lease is over.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, Final, Literal

import structlog

from producer.accounts.contact_limit import ContactLimit
from producer.contacts.mapper import Mapper, mapper_of
from producer.pipeline import address_changes, leaver_guard
from producer.pipeline import leavers as leaving
from producer.pipeline.address_changes import AddressChange
from producer.pipeline.chunking import pack
from producer.pipeline.enqueue import Room, send
from producer.pipeline.forecast import AddressChangeCounts, Allowance, Forecast, UnreadableCounts, forecast
from producer.pipeline.known_people import KnownPeople, KnownPeopleReader, Leavers
from producer.pipeline.safeguards import SurveyFigures, safeguard
from producer.pipeline.survey import Abandoned, Survey, run_survey
from producer.runs.answers import SafeguardStop
from producer.runs.store import RunStore
from producer.snapshots import FileSnapshot, Root, SnapshotError, open_snapshot, size_of
from wire.activecampaign.requests import import_body
from wire.chunk_queue.membership_entry import MembershipEntries
from wire.chunk_queue.run import Run
from wire.process.periodic import cancel_and_wait, every, when_writable
from wire.process.units import MINUTE_MS
from wire.store import codec
from wire.store.results import StoreError

LOOK_SECONDS: Final = 0.25
RENEW_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 1.0
"""Between two looks at a store that failed."""

MOST_RUNS: Final = 64
"""Runs read at the same time; each holds a reader's buffers and waits for its account most of the time."""

MOST_SURVEYS: Final = 1
"""A survey keeps a processor busy, and takes memory; a second one would only make both late."""

MOST_SMALL_SURVEYS: Final = 1
SMALL_BYTES: Final = 1024 * 1024
"""Some ten thousand rows, which take a fraction of a second: they do not wait behind a million."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Surveyed:
    """What a survey found, in rows and in people."""

    found: Survey
    moves: Sequence[AddressChange]
    gone: Leavers
    gathered: KnownPeople


class Runner:
    """Reads the runs of one producer process."""

    def __init__(
        self,
        run_store: RunStore,
        knowledge: KnownPeopleReader,
        *,
        roots: tuple[Root, ...],
        trusted_hosts: frozenset[str] = frozenset(),
        allowance: Callable[[Run], Awaitable[Allowance]],
        contract: Callable[[Run], Awaitable[ContactLimit | None]],
        appended: Callable[[str], Awaitable[object]],
        surveyed: Callable[[Run, Survey], None],
    ) -> None:
        self._run_store = run_store
        self._knowledge = knowledge
        self._roots = roots
        self._trusted_hosts = trusted_hosts
        self._allowance = allowance
        self._contract = contract
        self._appended = appended
        self._surveyed = surveyed
        self._readers: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._surveys = asyncio.Semaphore(MOST_SURVEYS)
        self._small_surveys = asyncio.Semaphore(MOST_SMALL_SURVEYS)
        self._going = True
        self._unanswered: str | None = None

    async def run(self) -> None:
        """Take and read runs until cancelled."""
        renewing = asyncio.create_task(every(RENEW_SECONDS, self._renew, "renew_reading"))
        try:
            await every(LOOK_SECONDS, self.run_all, "look_for_runs")
        finally:
            self._going = False
            await cancel_and_wait([renewing, *self._tasks])

    async def run_all(self) -> None:
        """Begin to read all runs that may begin."""
        while await self.run_once():
            continue

    async def run_once(self) -> bool:
        """Begin to read one run, if there is one and room for it."""
        if len(self._tasks) >= MOST_RUNS:
            return False
        token, again = self._unanswered or secrets.token_hex(16), self._unanswered is not None
        self._unanswered = (
            token  # a run that was taken in an answer that is lost is taken again, and not left to its lease
        )
        run = await (self._run_store.begin(token, again=True) if again else self._run_store.begin(token))
        self._unanswered = None
        if run is None:
            return False
        self._readers[run.id] = token
        task = asyncio.create_task(self._read(run, token))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _renew(self) -> None:
        if self._readers:
            await self._run_store.keep_reading(self._readers)

    async def _read(self, run: Run, token: str) -> None:
        log = _log.bind(run=run.id, export=run.export_name)
        try:
            await self._read_to_the_end(run, token, log)
        except Abandoned:
            return
        except SnapshotError as error:
            await self._fail(run, token, str(error), log)
        except Exception as error:
            log.exception("reading_failed")
            await self._fail(run, token, f"the snapshot could not be read: {type(error).__name__}", log)
        finally:
            if self._readers.get(run.id) == token:
                del self._readers[run.id]

    async def _read_to_the_end(self, run: Run, token: str, log: Any) -> None:
        """Read a run, and go on from what its record says each time that the store failed."""
        found: Run | None = run
        while found is not None:
            try:
                await self._survey_and_send(found, token, log)
            except StoreError as error:
                log.warning("reading_interrupted", error=str(error))
                found = await self._when_the_store_answers(run.id)
            else:
                found = None

    async def _when_the_store_answers(self, run: str) -> Run | None:
        """Return a run as it stands then, None if there is nothing more of it to read."""
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                found = await self._run_store.look([run])
            except StoreError:
                continue
            return next((each for each in found if each.reading_ended is None), None)

    async def _survey_and_send(self, run: Run, token: str, log: Any) -> None:
        snapshot = await asyncio.to_thread(open_snapshot, run.snapshot, self._roots, self._trusted_hosts)
        has_ids = run.spec["mapping"].get("id") is not None
        mapper = mapper_of(run, await self._knowledge.person_key() if has_ids else b"")
        if run.surveyed is None:
            found = await self._survey(run, token, snapshot, mapper, log)
            if found is None:
                return
            run = found
        allowance = await self._allowance(run)
        room = Room(max(2, round(allowance.imports_per_minute)))
        await send(
            run,
            token,
            snapshot,
            mapper,
            run_store=self._run_store,
            room=room,
            appended=self._appended,
            leavers=await self._knowledge.leavers(run),
            movers=await self._knowledge.movers(run),
            forgotten=self._knowledge.forgotten,
        )

    async def _survey(self, run: Run, token: str, snapshot: FileSnapshot, mapper: Mapper, log: Any) -> Run | None:
        log.info("survey_begins", snapshot=run.snapshot)
        size = await asyncio.to_thread(size_of, snapshot)
        async with self._surveys if size is None or size > SMALL_BYTES else self._small_surveys:
            gathered = await self._knowledge.gather(run, token)
            if gathered is None:
                return None
            found = await asyncio.to_thread(
                run_survey,
                snapshot,
                mapper,
                gathered.before,
                automations=bool(run.spec["automations"]),
                wanted=lambda: self._going and self._readers.get(run.id) == token,
            )
            moves = await self._knowledge.moves(run, gathered, found.moves)
            gone = await self._knowledge.gone(run, gathered, found)
        newcomers = address_changes.count(moves, "check")
        contract = await self._contract(run) if found.adds + newcomers else None
        surveyed = _Surveyed(found, moves, gone, gathered)
        foreseen = await self._foresee(run, surveyed, mapper, contract)
        stop = _brake(surveyed, run, contract, mapping_changed=foreseen["mapping_changed"])
        foreseen["brake"] = stop.reason if stop else None
        figures: dict[str, int | str] = {
            # Whoever comes under a new address is still on the list under the old one, until the next run sees that it is gone.
            "kept": found.gone
            - len(gone.leavers)
            - gone.waiting
            + gathered.before.known.yielded()
            + newcomers
            - found.moves_met,
            "leaving": len(gone.leavers),
            "leaving_waiting": gone.waiting,
            "moving": len(moves),
            "moves_held_back": found.moves_held_back,
            "nulls": codec.text(found.nulls),
            "mode": gathered.before.mode,
            "mapping": mapper.version,
        }
        written = partial(
            self._run_store.surveyed,
            *(run.id, token),
            figures=found.figures() | figures,
            selection=found.selection,
            leaving=leaving.to_bytes(address for address, _ in gone.leavers),
            moving=address_changes.to_bytes(moves),
            moves=list(address_changes.lines(moves)),
            forecast=foreseen,
            rejects=found.rejects,
            held_back=found.held,
            entries=MembershipEntries.of(gone.yielded),
            absences=gone.absences,
            pin=found.pin,
            brake=stop,
        )
        told = await when_writable(written, "survey", run=run.id)
        if told != "ok":
            return None
        self._surveyed(run, found)
        log.info("surveyed", mode=gathered.before.mode, **found.figures(), moving=len(moves), forecast=foreseen)
        runs = await self._run_store.look([run.id])
        return runs[0] if runs and runs[0].reading_ended is None else None

    async def _foresee(
        self, run: Run, surveyed: _Surveyed, mapper: Mapper, contract: ContactLimit | None
    ) -> dict[str, Any]:
        found, moves, known_mapping = surveyed.found, surveyed.moves, surveyed.gathered.summary.mapping
        automations = bool(run.spec["automations"])
        leavers = pack(leaving.contacts(surveyed.gone.leavers, run))
        chunks = [import_body(chunk.contacts, automations=automations) for chunk in leavers]
        figures = Forecast(
            read=found.read,
            adds=found.adds,
            changes=found.changes,
            again=found.again,
            unchanged=found.unchanged,
            held_back=found.held_back,
            leavers=found.gone,
            leavers_waiting=surveyed.gone.waiting,
            unreadable=_in_doubt(surveyed),
            invalid=found.reasons,
            moves=AddressChangeCounts(
                update=address_changes.count(moves, "update"),
                newcomers=address_changes.count(moves, "check"),
                held_back=found.moves_held_back,
                lookups=sum(address_changes.LOOKUPS[one.how] for one in moves),
            ),
            requests=found.requests + len(chunks) + ceil(len(moves) / address_changes.MOST),
            bytes=found.weight + sum(map(len, chunks)),
            mapping_changed=bool(known_mapping) and known_mapping != mapper.version,
        )
        minutes_left = (run.deadline - await self._run_store.now()) / MINUTE_MS
        return forecast(figures, allowance=await self._allowance(run), minutes_left=minutes_left, contract=contract)

    async def _fail(self, run: Run, token: str, error: str, log: Any) -> None:
        try:
            await self._run_store.fail_reading(run.id, token, error)
        except StoreError:
            # The lease runs out, the run is read again, and fails again.
            return
        log.error("run_failed", error=error)


def _in_doubt(surveyed: _Surveyed) -> UnreadableCounts | None:
    """Whether rows that cannot be read keep anybody from being unsubscribed."""
    gone = surveyed.gone
    waiting = gone.waiting if gone.is_blind else gone.doubtful
    return UnreadableCounts(surveyed.found.unreadable, waiting) if waiting else None


def _brake(
    surveyed: _Surveyed, run: Run, contract: ContactLimit | None, *, mapping_changed: bool
) -> SafeguardStop | None:
    found, gathered = surveyed.found, surveyed.gathered
    looks = SurveyFigures(
        read=found.read,
        adds=found.adds + address_changes.count(surveyed.moves, "check"),
        changes=found.changes,
        moves=len(surveyed.moves) + found.moves_held_back,
        removals=len(surveyed.gone.leavers),
        members=gathered.before.known.members(),
        nulls=found.nulls,
        mapping_changed=mapping_changed,
    )
    # Whoever asks for a retry knows what the run before has left.
    spec = {"brake": None} if run.retry_of else run.spec
    stop = safeguard(looks, gathered.summary, spec, contract)
    return _with_leavers(stop, surveyed, run) if run.spec.get("leavers") == "unsubscribe" else stop


def _with_leavers(stop: SafeguardStop | None, surveyed: _Surveyed, run: Run) -> SafeguardStop | None:
    """Add what a person has to know before anybody is unsubscribed: what is accepted is what was shown."""
    leavers = surveyed.gone.leavers
    figures = (len(leavers), surveyed.gathered.before.known.members(), (address for address, _ in leavers))
    is_by_hand = run.spec.get("leavers_confirm") == "by_hand"
    code: Literal["leavers_guard", "leavers_by_hand"] = "leavers_by_hand" if is_by_hand else "leavers_guard"
    reason = leaver_guard.by_hand(*figures) if is_by_hand else leaver_guard.too_many(*figures, run.spec)
    if reason is None:
        return stop
    if stop is None:
        return SafeguardStop(code, f"{reason}.")
    return SafeguardStop("leavers_guard" if stop.code == "brake" else stop.code, f"{reason}; {stop.reason}")
