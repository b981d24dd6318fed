"""
Reads what a segment held at one refresh: Parquet, CSV or NDJSON from files, object stores and web servers, or a database's answer.

Every format gives the same batches of text. Everything here blocks and belongs into a thread.
"""

from collections.abc import Sequence

from producer.snapshots.cdm import MODEL, described, split_entity
from producer.snapshots.delimited import DelimitedReader
from producer.snapshots.delta import live_files
from producer.snapshots.errors import SnapshotError
from producer.snapshots.formats import is_delimited, is_parquet, reader_of
from producer.snapshots.places import Root
from producer.snapshots.preview import Preview, preview, size_of
from producer.snapshots.source import FileSnapshot, Pin, Snapshot
from producer.snapshots.sources import check_place, find, read_root

__all__ = [
    "FileSnapshot",
    "Pin",
    "Preview",
    "Root",
    "Snapshot",
    "SnapshotError",
    "check_place",
    "open_snapshot",
    "preview_snapshot",
    "read_root",
    "size_of",
]


def open_snapshot(uri: str, roots: Sequence[Root], trusted_hosts: frozenset[str] = frozenset()) -> FileSnapshot:
    """Find the files behind a URI below the roots, and how to read them. Raises SnapshotError."""
    return _opened(uri, roots, trusted_hosts)


def preview_snapshot(uri: str, roots: Sequence[Root], trusted_hosts: frozenset[str] = frozenset()) -> Preview:
    """Look at the beginning of what is behind a URI below the roots. Raises SnapshotError."""
    return preview(_opened(uri, roots, trusted_hosts))


def _opened(uri: str, roots: Sequence[Root], trusted_hosts: frozenset[str]) -> FileSnapshot:
    place, entity = split_entity(uri)
    files = find(place, roots, trusted_hosts)
    if any(file.name == MODEL for file in files) or is_delimited(files[0]):
        model = described(files, entity, lambda each: find(each, roots, trusted_hosts))
        if model is not None and is_delimited(model.files[0]):
            return FileSnapshot(model.files, DelimitedReader(model.layout))
        files = files if model is None else model.files
    reader = reader_of(files)
    if is_parquet(files[0]):
        files = live_files(files, lambda each: find(each, roots, trusted_hosts))
    return FileSnapshot(files, reader)
