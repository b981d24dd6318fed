"""Dramatiq's words, and nothing else: the one actor that hears bells, and the middleware that opens and closes with a worker."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import dramatiq
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware.asyncio import AsyncIO

from wire.store.keys import ACTOR, QUEUE

HandleWakeup = Callable[[str, str], Awaitable[None]]
OpenWorker = Callable[[int, Callable[[], bool]], Coroutine[Any, Any, None]]
"""Called with the number of threads that a worker process has, and with what tells whether all of them are there."""
CloseWorker = Callable[[], Coroutine[Any, Any, None]]

CLOSE_SECONDS: Final = 10.0


def install(broker: dramatiq.Broker, handle_wakeup: HandleWakeup) -> None:
    """Make this the process's broker, and declare the actor on it; what it hears it hands on.

    Without the Retries middleware a message is never sent again: bells need no retry, since the record rings again.
    """

    async def hear_bell(account: str, wakeup: str) -> None:
        await handle_wakeup(account, wakeup)

    # Dramatiq's command calls us, and then reads the global broker.
    dramatiq.set_broker(broker)
    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(hear_bell)


def middleware(opened: OpenWorker, closed: CloseWorker) -> list[dramatiq.Middleware]:
    """What runs around the actor: its event loop, and behind it what opens and closes on that loop.

    The end comes in reverse order, so the loop is still there when the rest is closed.
    """
    return [AsyncIO(), Lifecycle(opened, closed)]


class Lifecycle(dramatiq.Middleware):
    """Opens what a worker process needs when it boots, on the loop of its async actors, and closes it at the end."""

    def __init__(self, opened: OpenWorker, closed: CloseWorker) -> None:
        self._opened = opened
        self._closed = closed

    def after_worker_boot(self, broker: dramatiq.Broker, worker: Any) -> None:  # noqa: ARG002  dramatiq's signature
        """Open with so many threads."""

        def alive() -> bool:
            return all(thread.is_alive() for thread in (*worker.workers, *worker.consumers.values()))

        self._on_loop(self._opened(worker.worker_threads, alive))

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: Any) -> None:  # noqa: ARG002  dramatiq's signature
        """Close, while the loop still runs."""
        self._on_loop(self._closed())

    @staticmethod
    def _on_loop(step: Coroutine[Any, Any, None]) -> None:
        thread = get_event_loop_thread()
        if thread is None:
            raise RuntimeError("Lifecycle needs dramatiq's AsyncIO middleware before it")
        asyncio.run_coroutine_threadsafe(step, thread.loop).result(CLOSE_SECONDS)
