"""Halves a chunk: the way to find one contact among many when nobody is named; pure."""

from dataclasses import replace

from worker.verdict.memory import Memory
from worker.verdict.verdicts import Part, Split


def halves(count: int, memory: Memory, *, delay_seconds: float = 0.0) -> Split:
    """Split a chunk of two or more. Those set aside come back: that they were to blame was never proved."""
    middle = count // 2
    fresh = replace(memory, attempts=0, lost=0, rounds=0, aside=())
    return Split(
        (Part(tuple(range(middle)), fresh), Part(tuple(range(middle, count)), fresh)), delay_seconds=delay_seconds
    )
