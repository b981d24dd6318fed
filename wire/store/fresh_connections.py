"""Connections to Redis that are looked at before they are used: what cannot have reached the server is not lost with them.

A pool keeps connections whose server has gone meanwhile. What is written into one is lost, and whether it was carried out
cannot be known. So a connection that has been closed at the other end, or that does not answer when it was idle for long, is
replaced before anything is written. No command is sent twice.
"""

import select
from contextlib import suppress
from typing import Any, Final

from redis import exceptions
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.maint_notifications import MaintNotificationsConfig

NO_NOTIFICATIONS: Final = MaintNotificationsConfig(enabled=False)
"""With these on, which they are by default, the client does not mind that a connection from its pool is closed."""

HUNG_UP: Final = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class _Looked:
    """Mixed into a pool: looks at a connection before it hands it out."""

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """Hand out a connection that is open; ConnectionError or TimeoutError if none can be had."""
        if connection.is_connected and (is_hung_up(connection) or not await _answers(connection)):
            await connection.disconnect(nowait=True)
        await super().ensure_connection(connection)  # type: ignore[misc]  # the pool's


class FreshPool(_Looked, ConnectionPool):
    """A pool of connections to one server."""


class FreshSentinelPool(_Looked, SentinelConnectionPool):
    """A pool of connections to the master that Sentinels name."""


def is_hung_up(connection: AbstractConnection) -> bool:
    """Whether the other end has closed this connection, as the operating system knows it at this moment."""
    writer: Any = connection._writer  # noqa: SLF001  the client has no name for it
    transport = writer.transport
    if transport.is_closing():
        return True
    found = transport.get_extra_info("socket")
    if found is None or found.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(found.fileno(), HUNG_UP)
    return bool(poll.poll(0))


async def _answers(connection: AbstractConnection) -> bool:
    """Whether a connection that was idle for long answers a ping."""
    with suppress(exceptions.ConnectionError, exceptions.TimeoutError, OSError):
        await connection.check_health()  # type: ignore[no-untyped-call]
        return True
    return False
