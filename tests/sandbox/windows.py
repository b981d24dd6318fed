"""Three ways to count requests against a limit; what is counted, and what the answer to too much looks like, is elsewhere.

A limit below one a period is one in a longer period; a fraction above one is cut off, since nobody can send half a request.
"""

from collections import deque
from math import floor
from typing import Protocol

from tests.sandbox import switches


class Window(Protocol):
    """Counts what was let in; times are seconds and never go back."""

    def wait_seconds(self, now: float) -> float:
        """How long until there is room; 0 when there is."""

    def book(self, now: float) -> None:
        """Count a request that was let in."""


class SlidingWindow:
    """Strict: never more than the limit in any stretch of one period, open at its old end."""

    def __init__(self, limit: float, period_seconds: float) -> None:
        self._limit, self._period = _whole(limit, period_seconds)
        self._times: deque[float] = deque(maxlen=self._limit)

    def wait_seconds(self, now: float) -> float:
        """How long until the oldest that still counts is a period ago."""
        if len(self._times) < self._limit:
            return 0.0
        return max(0.0, self._times[0] + self._period - now)

    def book(self, now: float) -> None:
        """Count a request that was let in."""
        self._times.append(now)


class FixedWindow:
    """Counts from zero whenever the clock passes a multiple of the period, so twice the limit fits around that moment."""

    def __init__(self, limit: float, period_seconds: float) -> None:
        self._limit, self._period = _whole(limit, period_seconds)
        self._number = -1
        self._count = 0

    def wait_seconds(self, now: float) -> float:
        """How long until the next window begins."""
        number = floor(now / self._period)
        if number != self._number or self._count < self._limit:
            return 0.0
        return (number + 1) * self._period - now

    def book(self, now: float) -> None:
        """Count a request that was let in."""
        number = floor(now / self._period)
        if number != self._number:
            self._number, self._count = number, 0
        self._count += 1


class TokenBucket:
    """A bucket that holds the limit, full at first, and fills evenly over a period."""

    def __init__(self, limit: float, period_seconds: float) -> None:
        self._size, period = _whole(limit, period_seconds)
        self._per_second = self._size / period
        self._tokens = float(self._size)
        self._filled = 0.0

    def wait_seconds(self, now: float) -> float:
        """How long until a whole token is there."""
        return max(0.0, (1 - self._level(now)) / self._per_second)

    def book(self, now: float) -> None:
        """Take a token."""
        self._tokens, self._filled = self._level(now) - 1, now

    def _level(self, now: float) -> float:
        return min(float(self._size), self._tokens + max(0.0, now - self._filled) * self._per_second)


def open_window(kind: switches.Window, limit: float, period_seconds: float) -> Window:
    """A window of that kind that has counted nothing yet."""
    match kind:
        case switches.Window.SLIDING:
            return SlidingWindow(limit, period_seconds)
        case switches.Window.FIXED:
            return FixedWindow(limit, period_seconds)
        case switches.Window.BUCKET:
            return TokenBucket(limit, period_seconds)


def _whole(limit: float, period_seconds: float) -> tuple[int, float]:
    return (floor(limit), period_seconds) if limit >= 1 else (1, period_seconds / limit)
