"""Lets a worker hear the bells itself that the queue does not take: work that is due ends, whatever the queue is like.

A queue on a full server takes no bell, though memory comes free only when work ends; and one that is gone takes none either.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from wire.chunk_queue.wakeups import WakeupPort
from wire.process.periodic import cancel_and_wait
from wire.store.results import StoreError

_log = structlog.get_logger(__name__)


class QueueFallback:
    """A queue, and in its place this process, which hears no more bells at a time than it has threads."""

    def __init__(
        self, queue: WakeupPort, handle_wakeup: Callable[[str, str], Awaitable[None]], *, threads: int
    ) -> None:
        self._queue = queue
        self._handle_wakeup = handle_wakeup
        self._threads = threads
        self._hearing: set[asyncio.Task[None]] = set()
        self._deaf = False

    async def put(self, account: str, wakeup: str) -> None:
        """Put a bell on the queue, or hear it here; StoreError if there is no room for that."""
        try:
            await self._queue.put(account, wakeup)
        except StoreError as error:
            self._tell(error)
            if len(self._hearing) >= self._threads:
                raise
            task = asyncio.ensure_future(self._handle_wakeup(account, wakeup))
            self._hearing.add(task)
            task.add_done_callback(self._hearing.discard)
        else:
            self._tell(None)

    async def length(self) -> int:
        """Count the messages that nobody has taken; 0 where the queue does not say."""
        try:
            return await self._queue.length()
        except StoreError as error:
            self._tell(error)
            return 0

    async def close(self) -> None:
        """Leave what is being heard to its lease."""
        await cancel_and_wait(self._hearing)

    def _tell(self, error: StoreError | None) -> None:
        if error is not None and not self._deaf:
            _log.warning("queue_failed", error=str(error))
        if error is None and self._deaf:
            _log.info("queue_answers_again")
        self._deaf = error is not None
