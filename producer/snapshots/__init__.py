"""
Reads what a segment held at one refresh: Parquet, CSV or NDJSON; a file, a directory or a glob; plain or compressed.

Every format gives the same batches of text. Everything here blocks and belongs into a thread.
"""

from collections.abc import Sequence
from pathlib import Path

from producer.snapshots.delimited import DelimitedReader
from producer.snapshots.errors import SnapshotError, Unsupported
from producer.snapshots.files import find_files
from producer.snapshots.ndjson import NdjsonReader
from producer.snapshots.parquet import ParquetReader
from producer.snapshots.source import FileSnapshot, Pin, Reader, Snapshot

__all__ = ["Pin", "Snapshot", "SnapshotError", "open_snapshot"]

_PARQUET, _DELIMITED, _NDJSON = ParquetReader(), DelimitedReader(), NdjsonReader()

_READERS: dict[str, Reader] = {
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
    ".csv": _DELIMITED,
    ".tsv": _DELIMITED,
    ".txt": _DELIMITED,
    ".ndjson": _NDJSON,
    ".jsonl": _NDJSON,
    ".json": _NDJSON,
}
_COMPRESSED = frozenset({".gz", ".zst", ".zstd"})


def open_snapshot(uri: str, roots: Sequence[Path]) -> Snapshot:
    """Find the files behind a URI below the roots, and how to read them. Raises SnapshotError."""
    files = find_files(uri, roots)
    first, *others = files
    reader = _reader(first)
    for file in others:
        if _reader(file) is not reader:
            raise Unsupported(f"{first} and {file} are of different formats; a snapshot has one")
    return FileSnapshot(files, reader)


def _reader(file: Path) -> Reader:
    ending = file.suffix.lower()
    if ending in _COMPRESSED:
        ending = Path(file.stem).suffix.lower()
        if _READERS.get(ending) is _PARQUET:
            raise Unsupported(f"{file}: Parquet compresses its own pages; unpack it")
    if ending not in _READERS:
        raise Unsupported(f"{file}: the name ends in none of {' '.join(_READERS)} (and .gz or .zst)")
    return _READERS[ending]
