"""Watches runs for those who look at them: one watcher for each run, however many look, and none when nobody does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from producer.api.problem_responses import Problem
from producer.web.rendering.run_view import RunView
from wire.store.results import StoreError

LOOK_SECONDS: Final = 1.0
TOLD_EVERY_LOOKS: Final = 5
"""A run in which nothing happens is told all the same now and then: time goes on towards its deadline."""

STREAMS_MOST: Final = 256
"""Of one process. Every one holds a connection."""

ReadRuns = Callable[[], Awaitable[RunView | None]]

_log = structlog.get_logger(__name__)


class Watch:
    """What is known of one run; `number` counts what was told of it."""

    def __init__(self) -> None:
        self.number = 0
        self.seen: RunView | None = None
        self.is_over = False
        self.watchers = 0
        self._told = asyncio.Condition()

    async def after(self, number: int, seconds: float) -> bool:
        """Wait until there is something newer than `number`; False if there was nothing for so long."""
        try:
            async with asyncio.timeout(seconds), self._told:
                await self._told.wait_for(lambda: self.number > number or self.is_over)
        except TimeoutError:
            return False
        return True

    async def tell(self, seen: RunView | None, *, is_over: bool) -> None:
        """Tell everybody who waits."""
        async with self._told:
            self.seen, self.is_over = seen, is_over
            self.number += 1
            self._told.notify_all()

    async def keep(self, look: ReadRuns, look_seconds: float) -> None:
        """Look again and again until the run is over or gone; a store that does not answer is asked again."""
        quiet = 0
        while True:
            try:
                found = await look()
            except StoreError as error:
                _log.warning("run_not_seen", error=str(error))
            else:
                is_over, before = found is None or found.run.over, self.seen
                if is_over or before is None or found is None or found.document != before.document:
                    await self.tell(found, is_over=is_over)
                    quiet = 0
                elif (quiet := quiet + 1) >= TOLD_EVERY_LOOKS:
                    await self.tell(found, is_over=False)
                    quiet = 0
                if is_over:
                    return
            await asyncio.sleep(look_seconds)


class RunWatcher:
    """Everybody who looks at runs, in this process."""

    def __init__(self, look_seconds: float = LOOK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._watches: dict[str, Watch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._streams = 0

    @property
    def runs(self) -> frozenset[str]:
        """The runs that are watched now."""
        return frozenset(self._watches)

    @asynccontextmanager
    async def watch(self, run: str, look: ReadRuns) -> AsyncIterator[Watch]:
        """Watch a run for as long as the block takes; Problem 503 if too many watch already."""
        if self._streams >= STREAMS_MOST:
            raise Problem(503, "Too many look at runs already.", headers={"Retry-After": "30"})
        watch = self._watches.get(run)
        if watch is None:
            watch = self._watches[run] = Watch()
            self._tasks[run] = asyncio.create_task(self._keep(watch, look), name=f"watch {run}")
        watch.watchers += 1
        self._streams += 1
        try:
            yield watch
        finally:
            self._streams -= 1
            watch.watchers -= 1
            if not watch.watchers:
                del self._watches[run]
                self._tasks.pop(run).cancel()

    async def _keep(self, watch: Watch, look: ReadRuns) -> None:
        try:
            await watch.keep(look, self._look_seconds)
        except Exception:  # noqa: BLE001  whatever it was, those who look must not wait for ever
            _log.exception("watch_failed")
            await watch.tell(watch.seen, is_over=True)

    async def close(self, _: web.Application) -> None:
        """Have everybody go, since the process ends."""
        for watch in list(self._watches.values()):
            await watch.tell(watch.seen, is_over=True)


WATCHING: Final = web.AppKey("watching", RunWatcher)
