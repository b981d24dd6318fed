"""Watches how exports are doing and has every change of state told, once over all producers; it delivers nothing itself."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Literal

import structlog

from producer.notifications.channels import Channels
from producer.notifications.export_health import Addressed, ExportHealth, ReportedHealth
from producer.notifications.health import Judgement, at_rest, ended, judge, under_way
from producer.notifications.health_store import ExportHealthStore
from producer.notifications.messages import HealthChange, body_of, concerns, encoded
from producer.registry.model import Export
from producer.registry.staleness import StalenessWarning, has_lasted
from producer.registry.staleness_check import StalenessCheck
from producer.registry.store import Registry
from producer.runs.store import RunStore
from wire.chunk_queue.run import Run

RunOutcome = Literal["judged", "changed", "gone"]
ProjectFinishOf = Callable[[Sequence[Run]], Awaitable[Mapping[str, int]]]

ATTEMPTS: Final = 5

_log = structlog.get_logger(__name__)


class Watcher:
    """Judges endings in their order, and then everything else."""

    def __init__(  # noqa: PLR0913  it looks at everything there is
        self,
        *,
        healths: ExportHealthStore,
        channels: Channels,
        registry: Registry,
        run_store: RunStore,
        staleness_check: StalenessCheck,
        project: ProjectFinishOf,
        runs_shown: Callable[[], Awaitable[Sequence[str]]],
        new_id: Callable[[], str],
        public_url: str = "",
    ) -> None:
        self._healths = healths
        self._channels = channels
        self._registry = registry
        self._run_store = run_store
        self._staleness_check = staleness_check
        self._project = project
        self._runs_shown = runs_shown
        self._new_id = new_id
        self._public_url = public_url

    async def watch(self) -> None:
        """Judge everything once."""
        await self.judge_endings()
        await self.judge_the_rest()

    async def judge_endings(self) -> None:
        """Judge the runs that ended, one after the other, so that nothing that came and went is left out."""
        while endings := await self._healths.endings():
            exports = {export.id: export for export in await self._registry.exports()}
            runs = {run.id: run for run in await self._run_store.look(endings)}
            for run_id in endings:
                run = runs.get(run_id)
                export = exports.get(run.export) if run else None
                if await self._judge_ending(run_id, run, export) == "changed":
                    return  # another producer is at it, or exports changed: the next look sees what is true then

    async def judge_the_rest(self) -> None:
        """Judge what runs under way and the age of the data say of each export."""
        exports = await self._registry.exports()
        if not exports:
            return
        now = await self._run_store.now()
        told = await self._healths.told([export.id for export in exports])
        warnings = await self._staleness_check.of_exports(exports, now)
        found = await self._run_store.look(await self._runs_shown())
        live: dict[str, list[Run]] = defaultdict(list)
        for run in found:
            if not run.over and not run.dry_run:
                live[run.export].append(run)
        for export in exports:
            lasting = self._lasting(export, warnings[export.id], now)
            await self._judge_export(export, told[export.id], live[export.id], lasting, now)

    async def _judge_ending(self, run_id: str, run: Run | None, export: Export | None) -> RunOutcome:
        if run is None or export is None:
            return await self._healths.judge("", ReportedHealth(), ExportHealth.WELL, ended=run_id)
        now = await self._run_store.now()
        told = (await self._healths.told([export.id]))[export.id]
        lasting = self._lasting(export, (await self._staleness_check.of_exports([export], now))[export.id], now)
        seen = ended(run, told.health, is_stale=bool(lasting))
        judgement = judge(told, seen, now) or Judgement(told.health)
        return await self._write(export, told, judgement, now, run=run, warnings=lasting)

    async def _judge_export(
        self, export: Export, told: ReportedHealth, live: list[Run], lasting: Sequence[StalenessWarning], now: int
    ) -> None:
        run, finish = None, None
        seen = at_rest(told.health, is_stale=bool(lasting), is_on=export.is_on)
        if live:
            finishes = dict(await self._project(live))
            live.sort(key=lambda each: (each.begun is None, each.created))
            seen, run = under_way(live, finishes, told.health, now)
            finish = finishes.get(run.id)
        judgement = judge(told, seen, now)
        if judgement is not None:
            await self._write(export, told, judgement, now, run=run, finish=finish, warnings=lasting)

    async def _write(
        self,
        export: Export,
        told: ReportedHealth,
        judgement: Judgement,
        now: int,
        *,
        run: Run | None,
        finish: int | None = None,
        warnings: Sequence[StalenessWarning] = (),
    ) -> RunOutcome:
        changes = judgement.health is not told.health
        messages: list[Addressed] = []
        if changes and not judgement.quiet:
            found = await self._registry.connection_by_id(export.connection) if export.connection else None
            change = HealthChange(
                export=export,
                connection=None if found is None else found.name,
                before=told.health,
                after=judgement.health,
                number=told.change + 1,
                at=now,
                run=run,
                projected_finish=finish,
                warnings=warnings if judgement.health is ExportHealth.STALE else (),
            )
            body = encoded(body_of(change, self._public_url))
            channels = [channel for channel in await self._channels.all() if concerns(channel, change)]
            messages = [Addressed(f"msg_{self._new_id()}", channel.id, body) for channel in channels]
        outcome = await self._healths.judge(
            export.id,
            told,
            judgement.health,
            candidate=judgement.candidate,
            ended=run.id if run is not None and run.over else "",
            looked_at=run.id if run is not None and not run.over else "",
            messages=messages,
        )
        if outcome == "judged" and changes:
            _log.info(
                "export_health",
                export=export.name,
                before=told.health,
                after=judgement.health,
                run=run and run.id,
                messages=len(messages),
            )
        return outcome

    def _lasting(self, export: Export, warnings: Sequence[StalenessWarning], now: int) -> tuple[StalenessWarning, ...]:
        hours = self._staleness_check.stale_after_hours
        return tuple(one for one in warnings if has_lasted(one, export, now=now, default_hours=hours))
