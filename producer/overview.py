"""Looks at the record as a whole: what an account allows, when runs will finish, and what there is to show on gauges."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from producer.forecast import MINUTE_MS, Allowance, projected_finish, remaining_imports
from wire.events import EventCounts, Events
from wire.lanes import Census, Lanes
from wire.ledger import Ledger
from wire.runs import Run
from wire.store import Store
from wire.topology import key

PUBLISHED_IMPORTS_PER_MINUTE: Final = 100.0
LOOKED_AT: Final = 200
"""The newest runs: gauges show the newest of each export and all that are under way."""

THREADS_OF_A_WORKER: Final = 32
"""While no worker tells how many it has."""


@dataclass(frozen=True, slots=True)
class View:
    """The record at one moment: the newest run of each export and all under way, and what was counted."""

    runs: tuple[Run, ...]
    finishes: Mapping[str, int]
    census: Census
    used: Mapping[str, float]
    events: EventCounts

    @property
    def workers_wanted(self) -> int:
        """How many worker processes the accounts' allowances can keep busy."""
        each = self.census.threads / self.census.workers if self.census.workers else THREADS_OF_A_WORKER
        return ceil(sum(account.holdable for account in self.census.accounts) / each)


class Overview:
    """Reads views; keeps of the last minute what each account had booked when."""

    def __init__(self, store: Store, ledger: Ledger, lanes: Lanes) -> None:
        self._store = store
        self._ledger = ledger
        self._lanes = lanes
        self._events = Events(store)
        self._samples: deque[Census] = deque()

    async def view(self) -> View:
        """Read the record."""
        census = await self._lanes.census()
        newest = [run for run, _ in await self._store.ranked(key("runs"), 0, LOOKED_AT - 1, newest=True)]
        runs = _shown(await self._ledger.look(newest))
        foreseen = await self._project(runs, census.now)
        return View(runs, foreseen, census, self._used(census), await self._events.count())

    async def sample(self) -> None:
        """Remember what is booked now."""
        census = await self._lanes.census()
        self._samples.append(census)
        while self._samples and census.now - self._samples[0].now > MINUTE_MS:
            self._samples.popleft()

    async def allowance(self, run: Run) -> Allowance:
        """What the run's account allows, and what the other runs in its lane have still to send."""
        limits = await self._store.hash(key("account", run.account))
        lane = [other for other, _ in await self._store.ranked(key("lane", run.account)) if other != run.id]
        most = float(limits.get("imports_per_minute", PUBLISHED_IMPORTS_PER_MINUTE))
        return Allowance(most, tuple(map(remaining_imports, await self._ledger.look(lane))))

    async def project(self, runs: Sequence[Run]) -> dict[str, int]:
        """When each of the runs is foreseen to finish, in milliseconds; those without a forecast are left out."""
        census = await self._lanes.census()
        return await self._project(runs, census.now)

    async def _project(self, runs: Sequence[Run], now: int) -> dict[str, int]:
        foreseen = {}
        for run in runs:
            allowance = Allowance(1) if run.over or run.surveyed is None else await self.allowance(run)
            finish = projected_finish(run, now=now, allowance=allowance)
            if finish is not None:
                foreseen[run.id] = finish
        return foreseen

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


def _shown(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Of runs, the newest first: the first of each export, and all that are not over."""
    exports: set[str] = set()
    shown = []
    for run in runs:
        if not run.over or run.export not in exports:
            shown.append(run)
        exports.add(run.export)
    return tuple(shown)
