"""
Reads what a segment held at one refresh: Parquet, CSV or NDJSON from files, object stores and web servers, or a database's answer.

Every format gives the same batches of text. Everything here blocks and belongs into a thread.
"""

from collections.abc import Sequence

from producer.snapshots.errors import SnapshotError
from producer.snapshots.file import File
from producer.snapshots.formats.by_extension import is_delimited, reader_of
from producer.snapshots.formats.cdm import MODEL, described, split_entity
from producer.snapshots.formats.delimited import DelimitedReader
from producer.snapshots.formats.delta import live_files
from producer.snapshots.formats.iceberg import read_table
from producer.snapshots.formats.table_marks import ICEBERG
from producer.snapshots.formats.tables import table_of
from producer.snapshots.locations.by_scheme import check_place, find, read_root
from producer.snapshots.locations.database import QueryResult
from producer.snapshots.preview import Preview, preview, size_of
from producer.snapshots.snapshot import FileSnapshot, Pin, Snapshot
from producer.snapshots.uris import Root

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
    def find_(place: str) -> Sequence[File]:
        return find(place, roots, trusted_hosts)

    place, entity = split_entity(uri)
    files = find_(place)
    if isinstance(files[0], QueryResult):
        return FileSnapshot(files, reader_of(files), may_be_log=False)
    table = table_of(place, files, roots, find_)
    if table is not None and table.kind == ICEBERG:
        found = read_table(table.folder, files, find_)
        return FileSnapshot(found.files, found.reader, folders_are_columns=False)
    if table is not None:
        files = live_files(table.folder, files, find_)
    elif any(file.name == MODEL for file in files) or is_delimited(files[0]):
        model = described(files, entity, find_)
        if model is not None and is_delimited(model.files[0]):
            return FileSnapshot(model.files, DelimitedReader(model.layout))
        files = files if model is None else model.files
    return FileSnapshot(files, reader_of(files))
