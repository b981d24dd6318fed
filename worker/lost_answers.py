"""Remembers what was asked of the store and not answered, and gives it back as soon as the store answers.

The store may have handed out a chunk in an answer that was lost. Nobody else takes it until its lease is over, and nobody
rings for the account while the wake-up counts as rung. So both are given back by the names they were asked under.
"""

from collections import deque
from typing import Final

from wire.chunk_queue.chunk_store import ChunkStore, Taking

MOST: Final = 1_000
"""Takings. The oldest are left to their leases: after a minute of silence there is nothing of them to give back."""

AT_ONCE: Final = 100


class LostAnswers:
    """The takings of one worker process that the store has not answered."""

    def __init__(self, chunk_store: ChunkStore) -> None:
        self._chunk_store = chunk_store
        self._lost: deque[Taking] = deque(maxlen=MOST)

    def add(self, taking: Taking) -> None:
        """Remember a taking that was not answered."""
        self._lost.append(taking)

    async def give_back(self) -> None:
        """Give all of them back; StoreError if the store does not answer yet, and they stay remembered."""
        while self._lost:
            some = list(self._lost)[:AT_ONCE]
            await self._chunk_store.give_back(some)
            for taking in some:
                if taking in self._lost:
                    self._lost.remove(taking)
