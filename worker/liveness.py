"""Tells whether a worker process lives: its event loop turns, its threads are there, and no chunk is in hand for ever.

The store's troubles are not the process's own: without an answer from it a worker is not ready, and lives.
"""

from collections.abc import Callable
from time import monotonic
from typing import Final

STILL_SECONDS: Final = 30.0
"""The loop beats every second; one that was silent for so long hangs."""

HELD_SECONDS: Final = 600.0
"""A request may take 120 s and writing its outcome down five minutes: what is in hand so long never ends."""

READY_SECONDS: Final = 15.0
"""Leases are renewed every five seconds; whoever missed three cannot take work."""


class Liveness:
    """Knows when the process last showed signs of life; asked from another thread than the one that beats."""

    def __init__(
        self,
        *,
        oldest_held: Callable[[], float | None] = lambda: None,
        threads_alive: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._oldest_held = oldest_held
        self._threads_alive = threads_alive
        self._clock = clock
        self._beaten = clock()
        self._renewed: float | None = None

    def beat(self) -> None:
        """Say that the loop turns."""
        self._beaten = self._clock()

    def renewed(self) -> None:
        """Say that the store took the leases of this process."""
        self._renewed = self._clock()

    def ailments(self) -> list[str]:
        """What only a restart can mend; nothing while the process lives."""
        found = []
        silent = self._clock() - self._beaten
        if silent > STILL_SECONDS:
            found.append(f"the event loop has not turned for {silent:.0f} s")
        if not self._threads_alive():
            found.append("a thread of the worker has died")
        leased = self._oldest_held()
        if leased is not None and self._clock() - leased > HELD_SECONDS:
            found.append(f"a chunk has been in hand for {self._clock() - leased:.0f} s")
        return found

    def hindrances(self) -> list[str]:
        """Why the process can take no work now; nothing while it can."""
        if self._renewed is None or self._clock() - self._renewed > READY_SECONDS:
            return [*self.ailments(), "the store has not taken this process's leases lately"]
        return self.ailments()
