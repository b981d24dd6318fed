"""The record at one moment, as gauges show it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from producer.intake.stream_entry import EventCounts
from producer.monitoring.queue_figures import QueueStats, StoreMemory
from producer.notifications.delivery import DeliveryCounts
from producer.registry.staleness import StalenessWarning
from wire.chunk_queue.account_load import Census
from wire.chunk_queue.run import Run

THREADS_OF_A_WORKER: Final = 32
"""While no worker tells how many it has."""


@dataclass(frozen=True, slots=True)
class OverviewFigures:
    """The record at one moment: the newest run of each export and all under way, and what was counted."""

    runs: tuple[Run, ...]
    finishes: Mapping[str, int]
    census: Census
    used: Mapping[str, float]
    events: EventCounts
    pipes: QueueStats
    memory: StoreMemory
    refreshed: Mapping[str, int]
    letters: DeliveryCounts = field(default_factory=DeliveryCounts)
    warnings: Mapping[str, Sequence[StalenessWarning]] = field(default_factory=dict)
    account_names: Mapping[str, str] = field(default_factory=dict)

    def account_of(self, run: Run) -> str:
        """The account of a run, which has it by one of its hosts."""
        return self.account_names.get(run.account, run.account)

    @property
    def workers_wanted(self) -> int:
        """How many worker processes the accounts' allowances can keep busy."""
        each = self.census.threads / self.census.workers if self.census.workers else THREADS_OF_A_WORKER
        return ceil(sum(account.holdable for account in self.census.accounts) / each)
