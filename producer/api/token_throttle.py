"""Slows down whoever presents tokens that are nobody's; it judges no token, and whose token is good never waits.

What keeps tokens from being guessed is their length. This is so that a client with an old token, or one that tries, does
not keep the store and the log busy: its answers come later and later, and of those that wait there are only so many.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from producer.api.problem_responses import Problem

FREE: Final = 5
"""Failures that cost nothing: a token in the wrong variable, a restart in the middle of an exchange."""

FIRST_WAIT_SECONDS: Final = 0.1
WAIT_SECONDS_MAX: Final = 1.0
FORGOTTEN_AFTER_SECONDS: Final = 60.0
CLIENTS_MOST: Final = 4_096
"""Addresses that are remembered; with more, the one that was heard of longest ago is forgotten."""

WAITING_MOST: Final = 16
"""Answers to one address that wait at a time; with more, the next ones are 429 at once."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _ClientAttempts:
    failures: int = 0
    last: float = 0.0
    waiting: int = 0


class TokenThrottle:
    """Remembers failures by the address of the other end of the connection: what a header says of it, anybody can write."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._clients: OrderedDict[str, _ClientAttempts] = OrderedDict()

    async def failed(self, address: str) -> None:
        """Note a failure and wait before it is answered; Problem 429 if too many answers wait already."""
        client = self._client(address)
        client.failures += 1
        seconds = _wait_seconds(client.failures)
        if client.failures == FREE + 1:
            _log.warning("tokens_refused", client=address, failures=client.failures)
        if client.waiting >= WAITING_MOST:
            raise Problem(429, "Too many tokens that are nobody's came from there.", headers={"Retry-After": "1"})
        if seconds == 0:
            return
        client.waiting += 1
        try:
            await self._sleep(seconds)
        finally:
            client.waiting -= 1

    def _client(self, address: str) -> _ClientAttempts:
        now = self._clock()
        client = self._clients.pop(address, None)
        if client is None or (now - client.last > FORGOTTEN_AFTER_SECONDS and not client.waiting):
            client = _ClientAttempts()
        client.last = now
        self._clients[address] = client
        while len(self._clients) > CLIENTS_MOST:
            self._clients.popitem(last=False)
        return client


def _wait_seconds(failures: int) -> float:
    if failures <= FREE:
        return 0.0
    return min(WAIT_SECONDS_MAX, FIRST_WAIT_SECONDS * 2.0 ** min(failures - FREE - 1, 10))
