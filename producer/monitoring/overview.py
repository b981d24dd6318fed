"""Looks at the record as a whole: what an account allows, when runs will finish, and what there is to show on gauges."""

from collections import deque
from collections.abc import Sequence

from producer.intake.event_stream_store import EventStreamStore
from producer.monitoring.overview_figures import OverviewFigures
from producer.monitoring.queue_stats import QueueStatsStore
from producer.notifications.outbox import Outbox
from producer.pipeline.forecast import Allowance, projected_finish, remaining_imports
from producer.registry.staleness_check import StalenessCheck
from producer.runs.store import RunStore
from producer.runs.throughput import (
    LONGEST_WINDOW_MS,
    SETTLED_SHARE,
    Measured,
    RunProgress,
    measured,
    progress,
    window_ms,
)
from wire.chunk_queue.account_load import Census
from wire.chunk_queue.run import Run
from wire.chunk_queue.wakeups import Wakeups
from wire.process.units import MINUTE_MS
from wire.store.redis import Store


class Overview:
    """Reads views; keeps of the last minutes what each account had booked when, and how far each run was."""

    def __init__(self, store: Store, run_store: RunStore, wakeups: Wakeups, staleness_check: StalenessCheck) -> None:
        self._staleness_check = staleness_check
        self._letters = Outbox(store)
        self._run_store = run_store
        self._wakeups = wakeups
        self._events = EventStreamStore(store)
        self._queue_stats_store = QueueStatsStore(store)
        self._samples: deque[Census] = deque()
        self._progress: dict[str, deque[RunProgress]] = {}
        self._from_the_start: set[str] = set()

    async def view(self) -> OverviewFigures:
        """Read the record."""
        census = await self._wakeups.census()
        runs = tuple(await self._run_store.look(await self._queue_stats_store.newest()))
        return OverviewFigures(
            runs,
            await self._project(runs, census.now),
            census,
            self._used(census),
            await self._events.count(),
            await self._queue_stats_store.pipes(),
            await self._queue_stats_store.memory(),
            await self._queue_stats_store.refreshed(),
            await self._letters.count(),
            await self._staleness_check.of_all(census.now),
            await self._queue_stats_store.account_names(),
        )

    async def sample(self) -> None:
        """Remember what is booked now, and how far the runs under way are."""
        census = await self._wakeups.census()
        self._samples.append(census)
        while self._samples and census.now - self._samples[0].now > MINUTE_MS:
            self._samples.popleft()
        runs = await self._run_store.look(await self._queue_stats_store.newest())
        self._from_the_start &= {run.id for run in runs}
        self._from_the_start |= {run.id for run in runs if run.first_import is None}
        seen = {run.id: found for run in runs if (found := progress(run, census.now)) is not None}
        self._progress = {run: self._progress.get(run, deque()) for run in seen}
        for run, found in seen.items():
            samples = self._progress[run]
            samples.append(found)
            while found.at - samples[0].at > LONGEST_WINDOW_MS:
                samples.popleft()

    async def allowance(self, run: Run) -> Allowance:
        """What the run's account allows, and what the other runs in its lane have still to send."""
        allowed = await self._queue_stats_store.allowed(run.account)
        others = await self._run_store.look([other for other in allowed.runs if other != run.id])
        still = tuple(map(remaining_imports, others))
        return Allowance(
            allowed.imports_per_minute, still, allowed.share, allowed.opens_in_ms, allowed.requests_per_second
        )

    async def project(self, runs: Sequence[Run]) -> dict[str, int]:
        """When each of the runs is foreseen to finish, in milliseconds; those without a forecast are left out."""
        census = await self._wakeups.census()
        return await self._project(runs, census.now)

    async def _project(self, runs: Sequence[Run], now: int) -> dict[str, int]:
        foreseen = {}
        for run in runs:
            allowance = Allowance(1) if run.over or run.surveyed is None else await self.allowance(run)
            finish = projected_finish(run, now=now, allowance=allowance, measured=self._measured(run))
            if finish is not None:
                foreseen[run.id] = finish
        return foreseen

    def _measured(self, run: Run) -> Measured | None:
        """The run's pace, if it was watched from its first import on, or for a whole window; None after a restart."""
        samples = self._progress.get(run.id, deque())
        window = window_ms(run)
        watched = samples[-1].at - samples[0].at if samples else 0
        if run.id not in self._from_the_start and watched < window * (1 - SETTLED_SHARE):
            return None
        return measured(samples, window)

    def _used(self, census: Census) -> dict[str, float]:
        """The share of each account's imports used in the last minute, or since it has chunks again.

        What it had booked when it was not looked at is known to nobody: its count goes on from run to run.
        """
        first: dict[str, tuple[int, int]] = {}
        for sample in self._samples:
            for account in sample.accounts:
                first.setdefault(account.account, (sample.now, account.booked_imports))
        used = {}
        for found in census.accounts:
            since, booked = first.get(found.account, (census.now, found.booked_imports))
            if census.now > since:
                minutes = (census.now - since) / MINUTE_MS
                used[found.account] = (found.booked_imports - booked) / (found.imports_per_minute * minutes)
        return used
