"""What came of an attempt to deliver a message, and when the next one is. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wire.process.units import HOUR_SECONDS, MINUTE_SECONDS

WAITS_SECONDS: Final = (
    5,
    30,
    2 * MINUTE_SECONDS,
    10 * MINUTE_SECONDS,
    30 * MINUTE_SECONDS,
    HOUR_SECONDS,
    2 * HOUR_SECONDS,
    4 * HOUR_SECONDS,
    8 * HOUR_SECONDS,
    12 * HOUR_SECONDS,
)
"""Between attempts: a receiver may be down for a night and a day."""

JITTER: Final = 0.1


class AttemptOutcome(StrEnum):
    """What came of an attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it, in a sentence without anything of the receiver's own; `retry_after_seconds`, if it said so."""

    outcome: AttemptOutcome
    note: str
    retry_after_seconds: float = 0


def given_up(attempt: int) -> bool:
    """Whether this was the last one."""
    return attempt > len(WAITS_SECONDS)


def wait_seconds(attempt: int, retry_after_seconds: float, dice: float) -> float:
    """Say how long to wait after the how many-th attempt; `dice` from 0 to 1 spreads what failed together."""
    wait = WAITS_SECONDS[attempt - 1] * (1 + JITTER * (2 * dice - 1))
    return max(wait, retry_after_seconds)
