"""The door to Dramatiq's broker for both programs: a stock Redis broker, and a queue that bells are put on."""

import asyncio
from collections.abc import Sequence
from typing import Final

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from wire.store import CONNECT_TIMEOUT_SECONDS, SOCKET_TIMEOUT_SECONDS, Store
from wire.topology import PREFIX, QUEUE

NAMESPACE: Final = f"{PREFIX}dramatiq"
MOST_CONNECTIONS: Final = 512
"""Each worker thread acknowledges on a connection of its own."""

MAINTENANCE_PER_MILLION: Final = 50_000
"""One command in twenty looks after the messages of dead workers; by default it is one in a thousand."""


def make_broker(queue_url: str, middleware: Sequence[dramatiq.Middleware] = ()) -> RedisBroker:
    """Make a broker; nothing is connected yet.

    The client is made by hand: RedisBroker ignores every other argument beside a URL, and its client's own retries
    would run a fetch again whose answer was lost, and strand what it fetched.
    """
    client = Redis.from_url(
        queue_url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_keepalive=True,
        health_check_interval=30,
        max_connections=MOST_CONNECTIONS,
    )
    broker = RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        namespace=NAMESPACE,
        middleware=list(middleware),
        maintenance_chance=MAINTENANCE_PER_MILLION,
    )
    broker.declare_queue(QUEUE)
    return broker


class BellQueue:
    """Where bells are put: Dramatiq's queue, off the event loop, and its length."""

    def __init__(self, broker: RedisBroker, queue_store: Store) -> None:
        self._broker = broker
        self._store = queue_store

    async def put(self, message: dramatiq.Message[None]) -> None:
        """Enqueue a message; dramatiq's ConnectionClosed, or redis's errors, if that fails."""
        await asyncio.to_thread(self._broker.enqueue, message)

    async def length(self) -> int:
        """Count the messages that no worker has taken."""
        return await self._store.queued(f"{NAMESPACE}:{QUEUE}")

    async def close(self) -> None:
        """Close the connections of both."""
        await self._store.close()
        await asyncio.to_thread(self._broker.client.close)
