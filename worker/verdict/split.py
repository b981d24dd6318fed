"""Halves a chunk: the way to find one contact among many when nobody is named, or too many are, one by one; pure.

Pure.
"""

from dataclasses import replace

from worker.verdict.chunk_history import ChunkHistory
from worker.verdict.verdicts import Part, Split


def halves(count: int, memory: ChunkHistory, *, delay_seconds: float = 0.0) -> Split:
    """Split a chunk of two or more. Those set aside stay so in their part, which has to be accepted without them to prove it.

    Where they are a whole part they come back: there would be nothing to send.
    """
    middle = count // 2
    parts = (_part(range(middle), memory), _part(range(middle, count), memory))
    return Split(parts, delay_seconds=delay_seconds)


def _part(positions: range, memory: ChunkHistory) -> Part:
    named = [one for one in memory.aside if one.position in positions]
    kept = named if len(named) < len(positions) else []
    aside = tuple(replace(one, position=one.position - positions.start) for one in kept)
    return Part(tuple(positions), replace(memory, attempts=0, lost=0, rounds=0, aside=aside))
