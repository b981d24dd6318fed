"""Dramatiq's words, and nothing else: the one actor that hears bells, and the middleware that opens and closes with a worker."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import dramatiq
from dramatiq.asyncio import get_event_loop_thread

from wire.topology import ACTOR, QUEUE

Hear = Callable[[str, str], Awaitable[None]]

CLOSE_SECONDS: Final = 10.0


def declare_actor(broker: dramatiq.Broker, hear: Hear) -> None:
    """Declare the actor on this broker; what it hears it hands on.

    Without the Retries middleware a message is never sent again: bells need no retry, since the record rings again.
    """

    async def hear_bell(account: str, bell: str) -> None:
        await hear(account, bell)

    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(hear_bell)


class Lifecycle(dramatiq.Middleware):
    """Opens what a worker process needs when it boots, on the loop of its async actors, and closes it at the end.

    It belongs behind AsyncIO: what comes after is closed before.
    """

    def __init__(
        self,
        *,
        opened: Callable[[int], Coroutine[Any, Any, None]],
        closed: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._opened = opened
        self._closed = closed

    def after_worker_boot(self, broker: dramatiq.Broker, worker: Any) -> None:  # noqa: ARG002  dramatiq's signature
        """Open with so many threads."""
        self._on_loop(self._opened(worker.worker_threads))

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: Any) -> None:  # noqa: ARG002  dramatiq's signature
        """Close, while the loop still runs."""
        self._on_loop(self._closed())

    @staticmethod
    def _on_loop(step: Coroutine[Any, Any, None]) -> None:
        thread = get_event_loop_thread()
        if thread is None:
            raise RuntimeError("Lifecycle needs dramatiq's AsyncIO middleware before it")
        asyncio.run_coroutine_threadsafe(step, thread.loop).result(CLOSE_SECONDS)
