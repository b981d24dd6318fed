"""How fast a run goes, measured from samples of its record: chunks that went out, and chunks that came to their end. Pure.

A mean over the whole run would hide for long that an account has become slow, so only the last minutes count; and a pace is
not believed from one or two chunks, unless a whole window has passed with no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wire.chunk_queue.run import Run

LONGEST_WINDOW_MS: Final = 300_000
SHORTEST_WINDOW_MS: Final = 30_000
WINDOWS_A_BUDGET: Final = 10
"""A run with a budget of three minutes is judged by its last half minute."""

SETTLED_SHARE: Final = 0.1
"""A pace is believed after this share of a window, if enough has happened by then."""

ENOUGH_CHUNKS: Final = 3.0
STILL_CHUNKS: Final = 0.5
"""What is taken to have happened in a window in which nothing did: slow, and not endless."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run was: chunks that were accepted or ended, and chunks that ended, `at` a moment in milliseconds."""

    at: int
    sent: float
    done: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Chunks a millisecond, lately; None where that cannot be said yet."""

    sent: float | None = None
    done: float | None = None


UNMEASURED: Final = Measured()


def progress(run: Run, at: int) -> RunProgress | None:
    """Take a sample of a run; None where nothing is to be measured: before its survey, while it stands, at its end."""
    if run.over or run.paused or run.block is not None or run.forecast is None:
        return None
    done = (run.contacts - run.pending) / chunk_contacts(run)
    return RunProgress(at, done + run.accepted_chunks, done)


def chunk_contacts(run: Run) -> float:
    """How many contacts a chunk of the run has, in the mean."""
    requests = run.forecast["requests"] if run.forecast else 0
    return max(1.0, run.contacts / max(requests, 1))


def window_ms(run: Run) -> float:
    """How far back samples of a run count."""
    return min(LONGEST_WINDOW_MS, max(SHORTEST_WINDOW_MS, (run.deadline - run.created) / WINDOWS_A_BUDGET))


def measured(samples: Sequence[RunProgress], window: float) -> Measured:
    """Measure a run by its samples, the oldest first; those further back than `window` milliseconds do not count."""
    if not samples:
        return UNMEASURED
    recent = [each for each in samples if each.at >= samples[-1].at - window]
    # Until the first batch has ended its duration is not known, and that none has ended says nothing.
    ended = [(each.at, each.done) for each in recent if each.done > 0]
    return Measured(_pace([(each.at, each.sent) for each in recent], window), _pace(ended, window))


def _pace(counts: Sequence[tuple[int, float]], window: float) -> float | None:
    if not counts:
        return None
    (began, before), (at, after) = counts[0], counts[-1]
    span, chunks = at - began, after - before
    whole = span >= window * (1 - SETTLED_SHARE)
    if span < window * SETTLED_SHARE or (chunks < ENOUGH_CHUNKS and not whole):
        return None
    return max(chunks, STILL_CHUNKS) / span
