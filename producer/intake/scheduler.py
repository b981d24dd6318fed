"""Keeps the exports' own schedules: looks at the clock, opens the runs that are due, and makes up for missed times once."""

from collections.abc import Awaitable, Callable

import structlog

from producer.intake.open_runs import Intake
from producer.intake.schedule import ScheduleDecision, look
from producer.registry.model import Export
from producer.registry.store import Registry
from wire.process.units import SECOND_MS
from wire.store.keys import key
from wire.store.redis import Store

_log = structlog.get_logger(__name__)


class Scheduler:
    """Keeps time for all exports; any number of producers may, since what comes next is decided in the record."""

    def __init__(self, store: Store, registry: Registry, intake: Intake, now: Callable[[], Awaitable[int]]) -> None:
        self._store = store
        self._registry = registry
        self._intake = intake
        self._now = now

    async def keep_time(self) -> None:
        """Look at every schedule once."""
        revision = await self._registry.revision()
        exports = [export for export in await self._registry.exports() if export.schedule and export.is_on]
        if not exports:
            return
        planned = await self._store.picked([(key("scheduled", export.id), "next") for export in exports])
        now = await self._now()
        for export, word in zip(exports, planned, strict=True):
            await self._keep(export, None if word is None else int(word), now, revision)

    async def _keep(self, export: Export, planned: int | None, now: int, revision: str) -> None:
        moment = look(export.schedule or {}, planned, now)
        if moment == ScheduleDecision(planned):
            return
        run = await self._intake.keep_time(export, moment, planned=planned, revision=revision)
        log = _log.bind(export=export.name, segment=export.segment)
        if moment.missed is not None:
            log.warning("schedule_missed", late_seconds=(now - moment.missed) / SECOND_MS)
        elif moment.due is not None and run is not None:
            log.info("schedule_kept", run=run, late_seconds=(now - moment.due) / SECOND_MS)
