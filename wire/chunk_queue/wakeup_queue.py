"""The door to Dramatiq's broker for both programs: a stock Redis broker, and a queue that bells are put on.

A message names an account for which something is due, never a contact: dramatiq logs what it carries.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError, TimeoutError  # noqa: A004  the client's own
from redis.retry import Retry

from wire.store.keys import ACTOR, PREFIX, QUEUE
from wire.store.redis import CONNECT_TIMEOUT_SECONDS, SOCKET_TIMEOUT_SECONDS, Store, cannot_write
from wire.store.results import Unreachable

NAMESPACE: Final = f"{PREFIX}dramatiq"
MOST_CONNECTIONS: Final = 512
"""Each worker thread acknowledges on a connection of its own."""

AGAIN_SECONDS: Final = 0.25
"""Between two looks at a queue that is away."""

MAINTENANCE_PER_MILLION: Final = 50_000
"""One command in twenty looks after the messages of dead workers; by default it is one in a thousand."""


class _Consumer(_RedisConsumer):
    """Waits for a queue that is away, and is there as soon as it is back; Dramatiq's own is made again after three seconds.

    It leaves a message that cannot be acknowledged now to a later one: a thread that waits for that answers no bell. A message
    that is never acknowledged is heard again when this process is gone, and finds nothing due.
    """

    broker: "Broker"
    _is_away = False

    def __next__(self) -> Any:
        """Return a message, or None; told once that there is no queue, and once that it is back."""
        try:
            found = super().__next__()  # type: ignore[no-untyped-call]
        except ConnectionClosed as error:
            if not self._is_away:
                _log.warning("queue_failed", queue=self.queue_name, error=str(error))
            self._is_away = True
            time.sleep(AGAIN_SECONDS)
            return None
        if self._is_away:
            _log.info("queue_answers_again", queue=self.queue_name)
        self._is_away = False
        return found

    def ack(self, message: Any) -> None:
        """Acknowledge a message, and those that could not be acknowledged before."""
        waiting = self.broker.unacknowledged
        waiting.append(message)
        while waiting:
            try:
                first = waiting.popleft()
            except IndexError:
                return  # another thread was quicker
            try:
                super().ack(first)  # type: ignore[no-untyped-call]
            except ConnectionClosed:
                waiting.append(first)
                return


class Broker(RedisBroker):
    """Dramatiq's broker over Redis, whose worker threads do not wait for a queue that is away."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.unacknowledged: deque[Any] = deque()

    @property
    def consumer_class(self) -> type[_Consumer]:
        """What takes messages."""
        return _Consumer


_log = structlog.get_logger(__name__)


class _QueueClient(Redis):
    """Tells Dramatiq of a server that cannot write, or is slow, as of one that is not there.

    For that it has a plan: it waits and begins again. Any other error it takes for its own mistake, with a page of trace.
    """

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except RedisError as error:
            if cannot_write(error) or isinstance(error, TimeoutError):
                raise ConnectionError(f"{type(error).__name__}: {error}") from None
            raise


def make_broker(queue_url: str, middleware: Sequence[dramatiq.Middleware] = ()) -> Broker:
    """Make a broker; nothing is connected yet.

    The client is made by hand: RedisBroker ignores every other argument beside a URL, and its client's own retries
    would run a fetch again whose answer was lost, and strand what it fetched.
    """
    client = _QueueClient.from_url(
        queue_url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_keepalive=True,
        health_check_interval=30,
        max_connections=MOST_CONNECTIONS,
    )
    broker = Broker(
        client=client,
        namespace=NAMESPACE,
        middleware=list(middleware),
        maintenance_chance=MAINTENANCE_PER_MILLION,
    )
    broker.declare_queue(QUEUE)
    return broker


class WakeupQueue:
    """Where bells are put: Dramatiq's queue, off the event loop, and its length."""

    def __init__(self, broker: Broker, queue_store: Store) -> None:
        self._broker = broker
        self._store = queue_store

    async def put(self, account: str, wakeup: str) -> None:
        """Ring for an account; Unreachable if the queue cannot be reached."""
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=QUEUE, actor_name=ACTOR, args=(account, wakeup), kwargs={}, options={}
        )
        try:
            await asyncio.to_thread(self._broker.enqueue, message)
        except (dramatiq.ConnectionError, RedisError) as error:
            raise Unreachable(f"the queue does not answer: {type(error).__name__}") from None

    async def length(self) -> int:
        """Count the messages that no worker has taken."""
        return await self._store.queued(f"{NAMESPACE}:{QUEUE}")

    async def close(self) -> None:
        """Close the connections of both."""
        await self._store.close()
        await asyncio.to_thread(self._broker.client.close)
