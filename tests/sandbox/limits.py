"""The account's three limits, decided together: a request is let in and counted by all that concern it, or by none.

A throttled request takes no room, and a Retry-After that was told is remembered, so that impatience can be seen. The limits and
their scope are documented; whether a single-contact import counts among the imports is not, so here it does.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from tests.sandbox.switches import Switches
from tests.sandbox.windows import Window, open_window


class Limit(StrEnum):
    """A limit by the name of its switch."""

    REQUESTS = "requests_per_second"
    IMPORTS = "imports_per_minute"
    SINGLE_IMPORTS = "single_imports_per_minute"


class Weight(Enum):
    """What a request counts as: the limits that concern it."""

    CALL = (Limit.REQUESTS,)
    IMPORT = (Limit.REQUESTS, Limit.IMPORTS)
    SINGLE_IMPORT = (Limit.REQUESTS, Limit.IMPORTS, Limit.SINGLE_IMPORTS)


_PERIOD_SECONDS: Final = {Limit.REQUESTS: 1.0, Limit.IMPORTS: 60.0, Limit.SINGLE_IMPORTS: 60.0}

_REMEMBERED: Final = 10_000
"""Requests kept to fill a window that a switch has just replaced; more than any published limit lets in."""


@dataclass(frozen=True, slots=True)
class Exceeded:
    """The request is one too many for `limit`; there would be room in `wait_seconds`."""

    limit: Limit
    wait_seconds: float


class Limits:
    """Counts what the account has let in."""

    def __init__(self, switches: Switches) -> None:
        self._let_in: dict[Limit, deque[float]] = {limit: deque(maxlen=_REMEMBERED) for limit in Limit}
        self._windows: dict[Limit, Window | None] = {}
        self._promised_until = 0.0
        self.set(switches)

    def set(self, switches: Switches) -> None:
        """Count by these switches from now on, with what was let in before."""
        for limit in Limit:
            rate = _rate(switches, limit)
            window = None if rate is None else open_window(switches.window, rate, _PERIOD_SECONDS[limit])
            if window is not None:
                for time in self._let_in[limit]:
                    window.book(time)
            self._windows[limit] = window

    def ask(self, weight: Weight, now: float) -> Exceeded | None:
        """Let a request in and count it, or say which limit it exceeds: the one with the longest wait."""
        exceeded = [
            Exceeded(limit, wait)
            for limit in weight.value
            if (window := self._windows[limit]) is not None and (wait := window.wait_seconds(now)) > 0
        ]
        if exceeded:
            return max(exceeded, key=lambda one: one.wait_seconds)
        for limit in weight.value:
            self._let_in[limit].append(now)
            if (window := self._windows[limit]) is not None:
                window.book(now)
        return None

    def promise(self, until: float) -> None:
        """Remember that a client was told to stay away until then."""
        self._promised_until = max(self._promised_until, until)

    def promised_seconds(self, now: float) -> float:
        """How long clients should still stay away; 0 when they need not."""
        return max(0.0, self._promised_until - now)


def _rate(switches: Switches, limit: Limit) -> float | None:
    match limit:
        case Limit.REQUESTS:
            return switches.requests_per_second
        case Limit.IMPORTS:
            return switches.imports_per_minute
        case Limit.SINGLE_IMPORTS:
            return switches.single_imports_per_minute
