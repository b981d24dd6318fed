"""A snapshot as the rest of the producer sees it: pinned, and read in batches of text; knows no file format."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from producer.snapshots.errors import Changed, Empty, Missing, MissingColumn, UnlikeColumns


class Pin(NamedTuple):
    """What tells a snapshot's files from later ones, as a short text that can be kept in the record and compared."""

    text: str


class Snapshot(Protocol):
    """
    What a segment held at one refresh.

    Everything here blocks: call it in a thread. Errors are those of `producer.snapshots.errors`.
    """

    def pin(self) -> Pin:
        """Return what the files are now: names, sizes in bytes and times of change."""
        ...

    def verify(self, pin: Pin) -> None:
        """Raise Changed unless the files are still those of the pin."""
        ...

    def columns(self) -> list[str]:
        """Return the names of the columns (of formats without a header: those of the first rows)."""
        ...

    def read(self, columns: Sequence[str], from_row: int = 0) -> Iterator[pa.RecordBatch]:
        """
        Yield the rows after the first `from_row` ones, in order, about 5,000 in a batch.

        Every column is text in canonical form, null where there is nothing. Memory is flat, whatever the size.
        Read to its end, it has also seen that the files did not change meanwhile, and, from the first row, that
        there is a row and that every column occurs.
        """
        ...


class Reader(Protocol):
    """One file format. Readers raise errors about their file and know of no other file."""

    same_columns: bool
    """Whether every file of a snapshot must have the same columns."""

    def columns(self, file: Path) -> list[str]:
        """Return the file's columns."""
        ...

    def count(self, file: Path) -> int:
        """Return the number of rows."""
        ...

    def batches(self, file: Path, columns: Sequence[str], from_row: int, found: set[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows after the first `from_row` ones as text, adding to `found` what columns the file has."""
        ...


@dataclass(frozen=True)
class FileSnapshot:
    """A snapshot in one or more files of one format, read one after the other."""

    files: tuple[Path, ...]
    reader: Reader

    def pin(self) -> Pin:
        """Return names, sizes and times of change, digested: a directory may hold thousands of files."""
        digest, total_bytes = hashlib.blake2b(digest_size=16), 0
        for file in self.files:
            try:
                state = file.stat()
            except OSError as error:
                raise Missing(f"{file}: there is no such file") from error
            total_bytes += state.st_size
            digest.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\0".encode(errors="surrogateescape"))
        return Pin(f"{len(self.files)}:{total_bytes}:{digest.hexdigest()}")

    def verify(self, pin: Pin) -> None:
        """Raise Changed unless the files are still those of the pin."""
        if self.pin() != pin:
            raise Changed(f"{self._place()}: the snapshot changed while the run was reading it")

    def columns(self) -> list[str]:
        """Return the first file's columns; reading checks that the others agree."""
        return self.reader.columns(self.files[0])

    def read(self, columns: Sequence[str], from_row: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield the rows after the first `from_row` ones; see Snapshot."""
        pinned = self.pin()
        if self.reader.same_columns:
            self._agree()
        found: set[str] = set()
        rows, skip = 0, from_row
        for file in self.files:
            if skip and file != self.files[-1]:
                held = self.reader.count(file)
                if held <= skip:
                    skip -= held
                    continue
            for batch in self.reader.batches(file, columns, skip, found):
                rows += batch.num_rows
                yield batch
            skip = 0
        self.verify(pinned)
        if from_row == 0:
            self._settle(columns, found, rows)

    def _agree(self) -> None:
        first, *others = self.files
        expected = set(self.reader.columns(first))
        for file in others:
            if differing := expected ^ set(self.reader.columns(file)):
                raise UnlikeColumns(first, file, sorted(differing))

    def _settle(self, columns: Sequence[str], found: set[str], rows: int) -> None:
        if rows == 0:
            raise Empty(f"{self._place()}: no rows")
        if missing := [column for column in columns if column not in found]:
            raise MissingColumn(self._place(), missing, self.columns())

    def _place(self) -> Path:
        first, *others = self.files
        return first.parent if others else first


def without_first(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the batches less their first `rows` rows, for formats that can only be read from the beginning."""
    for batch in batches:
        if rows < batch.num_rows:
            yield batch.slice(rows)
        rows = max(0, rows - batch.num_rows)
