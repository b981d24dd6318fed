"""How long to wait, from how often and a throw of the dice (`jitter`, 0 to 1) that somebody else has thrown; pure.

Pure.
"""

from typing import Final

LONGEST_BACKOFF_SECONDS: Final = 60.0
LONGEST_POLL_SECONDS: Final = 120.0
"""A batch that takes long is asked after seldom: a thousand of them share what imports leave of 5 requests a second."""


def unread_seconds(times: int, jitter: float) -> float:
    """Return how long to wait after an answer that could not be read, the first, second ... about a chunk: 3, 12, 48, 60 seconds."""
    whole = min(3.0 * 4.0 ** min(times - 1, 10), LONGEST_BACKOFF_SECONDS)
    return whole * (0.75 + jitter / 2)


def backoff_seconds(troubles: int, jitter: float) -> float:
    """Return between half and the whole of 1, 2, 4 ... 60 seconds, after the first, second, third trouble in a row."""
    whole = min(2.0 ** min(troubles - 1, 10), LONGEST_BACKOFF_SECONDS)
    return whole * (0.5 + jitter / 2)


def poll_seconds(since_accepted_seconds: float, jitter: float) -> float:
    """Return about a quarter of the batch's age, at least a second: its end is known at most a quarter too late."""
    whole = min(max(since_accepted_seconds / 4, 1.0), LONGEST_POLL_SECONDS)
    return whole * (0.75 + jitter / 2)
