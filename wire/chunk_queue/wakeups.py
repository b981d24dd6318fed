"""Rings for accounts that have something due and nobody on the way to it.

The record is the truth and a bell only a hint: a lost one rings again after 30 s, or after two when the queue is empty, and a
double one finds nothing due. None is rung into a queue that is already long, so that bells cannot pile up while no worker runs.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from wire.chunk_queue.account_load import AccountLoad, Census
from wire.store.redis import Store
from wire.store.results import StoreError

LONG_QUEUE: Final = 500
"""Messages. A worker process answers some hundred bells a second when nothing is due."""


class WakeupPort(Protocol):
    """Where bells are put, for workers to hear."""

    async def put(self, account: str, wakeup: str) -> None:
        """Ring for an account; `bell` tells this ring from others."""

    async def length(self) -> int:
        """Count the messages that nobody has taken."""


class Wakeups:
    """Looks at accounts and rings their bells."""

    def __init__(
        self, store: Store, queue: WakeupPort, *, name: Callable[[], str] = lambda: secrets.token_hex(4)
    ) -> None:
        self._store = store
        self._queue = queue
        self._name = name

    async def wake(self, accounts: Sequence[str] = ()) -> int:
        """Ring for these accounts, or for all; return how many bells were rung.

        A bell that could not be enqueued is forgotten, so that another process may ring at once; if that fails too, it is
        remembered, and rings again 30 s later.
        """
        length = await self._queue.length()
        if length >= LONG_QUEUE:
            return 0
        queue = "" if length else "empty"
        words = [word.decode() for word in await self._store.run("wake", self._name(), queue, *accounts)]
        for at in range(0, len(words), 2):
            try:
                await self._queue.put(words[at], words[at + 1])
            except StoreError:
                await self._store.run("forget_wakeup", *words[at:])
                raise
        return len(words) // 2

    async def census(self) -> Census:
        """Count accounts, workers and queued bells."""
        now, workers, threads, *accounts = await self._store.run("census")
        found = (
            AccountLoad(account.decode(), float(limit), int(booked), holdable)
            for account, limit, booked, holdable in accounts
        )
        return Census(now, workers, threads, tuple(found), await self._queue.length())
