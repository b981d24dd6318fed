"""What is inside the pipes at one moment, for gauges: gates and paces, chunks that wait and chunks in hand, the store's memory.

It only looks. What a figure means for a run or an autoscaler is decided elsewhere.
"""

from typing import Final

from producer.monitoring.queue_figures import Allowed, QueueStats, RateLimitPause, StoreMemory, WaitingChunks
from wire.store.keys import key
from wire.store.redis import Store

LOOKED_AT: Final = 2_000
"""Among so many runs the newest of each export is looked for; runs that are not over are shown whatever their age."""


class QueueStatsStore:
    """Looks into the pipes; every method is one call."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def pipes(self) -> QueueStats:
        """Look at all accounts and runs with chunks."""
        gates, runs = {}, {}
        for account, opens_in_ms, share, lane in await self._store.run("queue_stats"):
            gates[account.decode()] = RateLimitPause(opens_in_ms, float(share))
            runs.update({run.decode(): WaitingChunks(*figures) for run, *figures in lane})
        return QueueStats(gates, runs)

    async def newest(self) -> list[str]:
        """Name the newest run of each export, and all that are not over."""
        return [run.decode() for run in await self._store.run("newest_runs", LOOKED_AT)]

    async def allowed(self, account: str) -> Allowed:
        """Ask what an account allows now."""
        imports, share, opens_in_ms, runs, requests = await self._store.run("allowance", account)
        lane = tuple(run.decode() for run in runs)
        return Allowed(float(imports), float(share), opens_in_ms, lane, float(requests))

    async def account_names(self) -> dict[str, str]:
        """Say which account answers at a host, where that has another name."""
        return {host: account.decode() for host, account in (await self._store.hash(key("account_names"))).items()}

    async def refreshed(self) -> dict[str, int]:
        """Say when each segment that an export names was refreshed last, in milliseconds."""
        told = await self._store.run("refreshed")
        return {name.decode(): int(time) for name, time in zip(told[::2], told[1::2], strict=True)}

    async def memory(self) -> StoreMemory:
        """Ask the store for its memory."""
        told = await self._store.info("memory")
        return StoreMemory(int(told.get("used_memory", 0)), int(told.get("maxmemory", 0)))
