"""A snapshot as the rest of the producer sees it: pinned, and read in batches of text; knows no file format."""

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeVar

import pyarrow as pa

from producer.snapshots.errors import Empty, MissingColumn, SnapshotChanged, UnlikeColumns, Unsupported
from producer.snapshots.file import File, FileState
from producer.snapshots.partitions import partition_keys, partitions
from producer.snapshots.uris import SnapshotUri

T = TypeVar("T")

FILES_AT_ONCE: Final = 16
"""Files that a store is asked about at the same time."""


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

    tells_rows: bool
    """Whether `count` knows without reading the rows."""

    def columns(self, file: File) -> list[str]:
        """Return the file's columns."""
        ...

    def types(self, file: File, /) -> Mapping[str, str]:
        """Return what the values of the file's columns are, in words for people."""
        ...

    def count(self, file: File) -> int:
        """Return the number of rows."""
        ...

    def batches(self, file: File, columns: Sequence[str], from_row: int, found: set[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows after the first `from_row` ones as text, adding to `found` what columns the file has."""
        ...


class Source(Protocol):
    """
    A kind of place where snapshots live. To add one is to write this and to name it in `producer.snapshots.locations.by_scheme`.

    A source only says which files a place holds; how they are read, pinned and compared is the same for all.
    """

    def place(self, uri: str) -> SnapshotUri:
        """Read a URI. It asks nobody, since events are answered meanwhile. Raises Unsupported."""
        ...

    def find(self, place: SnapshotUri) -> Sequence[File]:
        """Return the files of a place in order of name, at least one. Raises SnapshotError."""
        ...


@dataclass(frozen=True)
class FileSnapshot:
    """
    A snapshot in one or more files of one format, read one after the other.

    `folders_are_columns` says whether a folder `country=AT` is one. `may_be_log`: whether the files may be an append-only
    export, in which a row is not yet a person. A database's answer is none: its query says which rows count.
    """

    files: Sequence[File]
    reader: Reader
    folders_are_columns: bool = True
    may_be_log: bool = True

    def pin(self) -> Pin:
        """Return names, sizes and versions, digested: a directory may hold thousands of files."""
        digest, total_bytes = hashlib.blake2b(digest_size=16), 0
        for file, state in zip(self.files, states(self.files), strict=True):
            total_bytes += state.size
            digest.update(f"{file}\0{state.size}\0{state.version}\0".encode(errors="surrogateescape"))
        return Pin(f"{len(self.files)}:{total_bytes}:{digest.hexdigest()}")

    def verify(self, pin: Pin) -> None:
        """Raise Changed unless the files are still those of the pin."""
        if self.pin() != pin:
            raise SnapshotChanged(f"{self._place()}: the snapshot changed while the run was reading it")

    def columns(self) -> list[str]:
        """Return the first file's columns and those that its folders name; reading checks that the others agree."""
        found = list(dict.fromkeys([*self.reader.columns(self.files[0]), *self._folder_columns()]))
        if self.may_be_log:
            check_no_log(self.files[0], found)
        return found

    def read(self, columns: Sequence[str], from_row: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield the rows after the first `from_row` ones; see Snapshot."""
        pinned = self.pin()
        if self.may_be_log:
            self.columns()
        if self.reader.same_columns:
            self._agree()
        found: set[str] = set()
        keys = self._folder_columns()
        rows, skip = 0, from_row
        for file in self.files:
            if skip and file != self.files[-1]:
                held = self.reader.count(file)
                if held <= skip:
                    skip -= held
                    continue
            for batch in self._batches(file, keys, columns, skip, found):
                rows += batch.num_rows
                yield batch
            skip = 0
        self.verify(pinned)
        if from_row == 0:
            self._settle(columns, found, rows)

    def beginning(self, columns: Sequence[str]) -> Generator[pa.RecordBatch, None, None]:
        """Yield rows like `read`, for a look: without a pin, and files that are not reached are not opened."""
        keys = self._folder_columns()
        for file in self.files:
            yield from self._batches(file, keys, columns, 0, set())

    def _folder_columns(self) -> list[str]:
        return partition_keys(self.files) if self.folders_are_columns else []

    def _batches(
        self, file: File, partition: Sequence[str], columns: Sequence[str], from_row: int, found: set[str]
    ) -> Iterator[pa.RecordBatch]:
        """Yield a file's rows, with the columns of the partition that only its folders name."""
        told = partitions(file)
        keys = [key for key in partition if key in columns]
        if keys:
            present = self.reader.columns(file)
            keys = [key for key in keys if key not in present]  # what a file says itself counts
        if not keys:
            yield from self.reader.batches(file, columns, from_row, found)
            return
        inside = [column for column in columns if column not in keys]
        for batch in self.reader.batches(file, inside or present[:1], from_row, found):
            found.update(keys)
            texts = [
                pa.repeat(pa.scalar(told[column], pa.string()), batch.num_rows)
                if column in keys
                else batch.column(column)
                for column in columns
            ]
            yield pa.RecordBatch.from_arrays(texts, names=list(columns))

    def _agree(self) -> None:
        first, *others = self.files
        expected = set(self.reader.columns(first))
        for file, columns in zip(others, at_once(self.reader.columns, others), strict=True):
            if differing := expected ^ set(columns):
                raise UnlikeColumns(first, file, sorted(differing))

    def _settle(self, columns: Sequence[str], found: set[str], rows: int) -> None:
        if rows == 0:
            raise Empty(f"{self._place()}: no rows")
        if missing := [column for column in columns if column not in found]:
            raise MissingColumn(self._place(), missing, self.columns())

    def _place(self) -> str:
        first, *others = self.files
        return str(first).rpartition("/")[0] if others else str(first)


def check_no_log(file: File, columns: Sequence[str]) -> None:
    """Raise Unsupported for an append-only export: it has a row for every change, also for those of people who were deleted."""
    for column in columns:
        if column.casefold().replace("_", "") == "isdelete":
            raise Unsupported(
                f"{file}: it has a column {column!r}, as append-only exports have, with several rows of one person and with"
                " deleted people; export the rows that count now, without that column"
            )


def states(files: Sequence[File]) -> list[FileState]:
    """Ask for the states of many files."""
    return at_once(lambda file: file.state(), files)


def at_once(ask: Callable[[File], T], files: Sequence[File]) -> list[T]:
    """Ask about many files at the same time, in order: each may be a request to a store."""
    if len(files) == 1:
        return [ask(files[0])]
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        return list(pool.map(ask, files))


def without_first(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the batches less their first `rows` rows, for formats that can only be read from the beginning."""
    for batch in batches:
        if rows < batch.num_rows:
            yield batch.slice(rows)
        rows = max(0, rows - batch.num_rows)
