"""When a batch is asked after for the first time: learnt on each account, so that most batches take one question. Pure.

Polls have what imports leave of the account's requests, about 1.3 a batch. So the first question comes when four batches
in five have ended. An account that has become quicker would be found out only after that time, so one chunk in twenty,
the first of every run among them, is a scout: it is asked after early.
"""

from math import ceil
from typing import Final

from wire.chunk_queue.chunk import LeasedChunk
from worker.verdict import ChunkHistory

FIRST_POLL_MS: Final = 2_000
"""From acceptance to the first question, for scouts and where nothing has been learnt on the account."""

ONE_SCOUT_IN: Final = 20

SOONER: Final = 0.95
LATER: Final = SOONER**-4
"""One question in five may come too early: at 4 to 1 these two keep the first one where four batches in five have ended."""

SOONEST_POLL_MS: Final = 1_000.0
LATEST_FIRST_POLL_MS: Final = 300_000.0

MUCH_SOONER: Final = 1 / 3
"""Of the time sought. The quickest of an account's usual batches take more than this."""


def first_poll_ms(leased: LeasedChunk) -> int:
    """From the acceptance of this chunk to the first question about its batch."""
    sought = leased.first_poll_ms or FIRST_POLL_MS
    return ceil(min(sought, FIRST_POLL_MS) if _is_scout(leased.chunk) else sought)


def next_first_poll_ms(leased: LeasedChunk, *, ended: bool) -> float | None:
    """Move what the account has taught toward the time by which four batches in five have ended.

    The first question about a batch tells, since it came at the time that is being sought; a scout tells when its batch
    has ended much sooner. None where nothing is told.
    """
    sought = leased.first_poll_ms or FIRST_POLL_MS
    age_ms = leased.now - leased.accepted_at
    if _is_scout(leased.chunk) and age_ms < sought:
        return _bounded(age_ms / (2 * MUCH_SOONER)) if ended and age_ms < sought * MUCH_SOONER else None
    if age_ms > 1.5 * sought or ChunkHistory.read(leased.facts).asked:
        return None
    return _bounded(sought * (SOONER if ended else LATER))


def _bounded(milliseconds: float) -> float:
    return round(min(max(milliseconds, SOONEST_POLL_MS), LATEST_FIRST_POLL_MS), 1)


def _is_scout(chunk: str) -> bool:
    """Chunks are numbered from 0; what a chunk was split into is named after it."""
    return int(chunk.partition(".")[0]) % ONE_SCOUT_IN == 0
