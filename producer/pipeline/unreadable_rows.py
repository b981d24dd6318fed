"""Counts the rows of a snapshot that do not say whose they are: no readable address, and no id of a known person. Pure."""

import numpy as np
import numpy.typing as npt

RowFlags = npt.NDArray[np.bool_]
TextHashes = npt.NDArray[np.int64]


class UnreadableRows:
    """Rows are added batch by batch. A row that repeats an unreadable text is as unreadable as the first one of it.

    Rows with an id that is not on record are counted apart: they may only be those of members whose id is not on record.
    """

    def __init__(self) -> None:
        self._wrong: list[TextHashes] = []
        self._again: tuple[list[TextHashes], list[TextHashes]] = ([], [])
        self._firsts = [0, 0]

    def add(
        self, hashes: TextHashes, wrong: npt.NDArray[np.int64], *, again: RowFlags, named: RowFlags, known: RowFlags
    ) -> None:
        """Add a batch: the places of rows whose address was found unreadable, and rows that have the address of an earlier one.

        `named`: the row has an id; `known`: and it is on record.
        """
        self._wrong.append(hashes[wrong])
        wrong = wrong[~known[wrong]]
        for has_id in (False, True):
            self._firsts[has_id] += int(np.count_nonzero(named[wrong] == has_id))
            self._again[has_id].append(hashes[again & ~known & (named == has_id)])

    def count(self, *, with_ids: bool) -> int:
        """Count them; those with an id only if that is asked for."""
        kinds = (False, True) if with_ids else (False,)
        return sum(self._firsts[kind] + self._repeated(self._again[kind]) for kind in kinds)

    def _repeated(self, again: list[TextHashes]) -> int:
        if not self._wrong or not again:
            return 0
        return int(np.count_nonzero(np.isin(np.concatenate(again), np.concatenate(self._wrong))))
