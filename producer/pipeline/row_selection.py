"""What a survey finds out row by row: whose address was there before, and which rows are selected."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

_COUNT_BYTES = 8


class SeenAddresses:
    """
    The addresses that a run has read so far, as 64-bit hashes: 69 bytes each, 66 MiB at a million.

    Two addresses out of a million share a hash in one run of 37 million; the second would count as a duplicate.
    They are Python's own, seeded anew in every process: nobody can prepare addresses that collide.
    """

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def first(self, hashes: npt.NDArray[np.int64], missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell of each hash whether it is there for the first time; a row whose address is missing never is."""
        seen, answers = self._hashes, []
        present = hashes[~missing].tolist()
        fresh = set(present)
        if len(fresh) == len(present) and seen.isdisjoint(fresh):  # as nearly everywhere: a batch is told at once
            seen |= fresh
            return ~missing
        for hashed, is_missing in zip(hashes.tolist(), missing.tolist(), strict=True):
            before = len(seen)
            if not is_missing:
                seen.add(hashed)
            answers.append(len(seen) > before)
        return np.array(answers, np.bool_)


class Selection:
    """One bit for each row of a snapshot: whether it is sent. Rows count from 0, in the order of reading."""

    def __init__(self) -> None:
        self._rows = bytearray()

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, chosen: Sequence[bool] | npt.NDArray[np.bool_]) -> None:
        """Add what was decided about the next rows."""
        self._rows += np.asarray(chosen, dtype=np.bool_).tobytes()

    def count(self) -> int:
        """Return how many rows are selected."""
        return self._rows.count(1)

    def chosen(self, from_row: int, rows: int) -> list[int]:
        """Return which of these rows are selected, counted from `from_row`: what `Mapper.contacts` takes."""
        part = np.frombuffer(self._rows, dtype=np.bool_)[from_row : from_row + rows]
        found: list[int] = np.flatnonzero(part).tolist()
        return found

    @classmethod
    def of_rows(cls, rows: Iterable[int]) -> Self:
        """Select just these, counted from 0."""
        chosen, selection = sorted(rows), cls()
        bits = np.zeros(chosen[-1] + 1 if chosen else 0, np.bool_)
        bits[chosen] = True
        selection.append(bits)
        return selection

    def to_bytes(self) -> bytes:
        """Return the selection for the record: the number of rows, then the bits, compressed."""
        bits = np.packbits(np.frombuffer(self._rows, dtype=np.bool_))
        return len(self._rows).to_bytes(_COUNT_BYTES) + zlib.compress(bits.tobytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the selection that `to_bytes` wrote. Raises ValueError for anything else."""
        rows = int.from_bytes(data[:_COUNT_BYTES])
        try:
            bits = np.frombuffer(zlib.decompress(data[_COUNT_BYTES:]), dtype=np.uint8)
        except zlib.error as error:
            raise ValueError("not a selection") from error
        if len(data) < _COUNT_BYTES or len(bits) != -(-rows // 8):
            raise ValueError("not a selection, or not a whole one")
        selection = cls()
        selection._rows = bytearray(np.unpackbits(bits, count=rows).tobytes())
        return selection
