"""Tells how files are read by the endings of their names; opens none of them."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from producer.snapshots.errors import Unsupported
from producer.snapshots.file import File
from producer.snapshots.formats.delimited import DelimitedReader
from producer.snapshots.formats.ndjson import NdjsonReader
from producer.snapshots.formats.parquet import ParquetReader
from producer.snapshots.snapshot import Reader

_PARQUET, _DELIMITED, _NDJSON = ParquetReader(), DelimitedReader(), NdjsonReader()

_READERS: Final[dict[str, Reader]] = {
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
    ".csv": _DELIMITED,
    ".tsv": _DELIMITED,
    ".txt": _DELIMITED,
    ".ndjson": _NDJSON,
    ".jsonl": _NDJSON,
    ".json": _NDJSON,
}
_COMPRESSED: Final = frozenset({".gz", ".zst", ".zstd"})


def reader_of(files: Sequence[File]) -> Reader:
    """Return what reads these files, which are of one format. Raises Unsupported."""
    first, *others = files
    reader = _reader(first)
    for file in others:
        if _reader(file) is not reader:
            raise Unsupported(f"{first} and {file} are of different formats; a snapshot has one")
    return reader


def is_delimited(file: File) -> bool:
    """Whether a file is CSV or one of its relatives."""
    return _reader(file) is _DELIMITED


def is_parquet(file: File) -> bool:
    """Whether a file is Parquet."""
    return _reader(file) is _PARQUET


def is_text(file: File) -> bool:
    """Whether a file's name ends like that of CSV or NDJSON."""
    endings = [ending.lower() for ending in PurePosixPath(file.name).suffixes]
    ending = next((each for each in reversed(endings) if each not in _COMPRESSED), "")
    return _READERS.get(ending, _PARQUET) is not _PARQUET


def _reader(file: File) -> Reader:
    name = PurePosixPath(file.name)
    ending = name.suffix.lower()
    if ending in _COMPRESSED:
        ending = PurePosixPath(name.stem).suffix.lower()
        if _READERS.get(ending) is _PARQUET:
            raise Unsupported(f"{file}: Parquet compresses its own pages; unpack it")
    if ending not in _READERS:
        raise Unsupported(f"{file}: the name ends in none of {' '.join(_READERS)} (and .gz or .zst)")
    return _READERS[ending]
