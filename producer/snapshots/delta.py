"""
Tells which Parquet files of a folder are a Delta Lake table now, from its log (the extra `delta`); reads no row of them.

Without the log a table's folder holds rows that were deleted long ago. The library would hand the rows over through
`pyarrow.dataset`, which holds several times the memory; so it is only asked for names, of a copy of the log, and the files are
read like all others, with the same credentials.
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from producer.snapshots.errors import Missing, SnapshotError, Truncated, Unsupported
from producer.snapshots.extras import needed
from producer.snapshots.file import File
from producer.snapshots.places import scheme_of
from producer.snapshots.streams import BLOCK_BYTES

LOG: Final = "_delta_log"
UNREAD: Final = ("deletionVectors", "columnMapping", "v2Checkpoint", "typeWidening")
"""Features with which the files alone do not say what the table holds."""

Find = Callable[[str], Sequence[File]]
"""Return the files of a place. Raises SnapshotError."""


def live_files(files: Sequence[File], find: Find) -> Sequence[File]:
    """Return those of the files that the table holds which they are of; all of them where there is no table."""
    folder = str(files[0]).rpartition("/")[0]
    while "=" in folder.rpartition("/")[2]:
        folder = folder.rpartition("/")[0]
    if scheme_of(folder) not in {None, "s3", "abfss", "gs"}:
        return files
    try:
        log = find(f"{folder}/{LOG}")
    except SnapshotError:  # a store may say "forbidden" of what is not there
        return files
    there = {str(file)[len(folder) + 1 :]: file for file in find(folder)}
    if len(there) != len(files):
        raise Unsupported(f"{files[0]}: it is a part of the Delta Lake table {folder}; name the table")
    names = _names(folder, log)
    if gone := [name for name in names if name not in there]:
        raise Missing(f"{folder}/{gone[0]}: the log of the table names it, and there is no such file")
    if not names:
        raise Missing(f"{folder}: the Delta Lake table holds no files")
    return [there[name] for name in sorted(names, key=lambda name: name.split("/"))]


def _names(folder: str, log: Sequence[File]) -> list[str]:
    deltalake = needed("deltalake", "delta")
    with tempfile.TemporaryDirectory(prefix="segment-export-") as copy:
        (Path(copy) / LOG).mkdir()
        for file in log:
            _save(file, Path(copy) / LOG / file.name)
        try:
            table = deltalake.DeltaTable(copy)
            features = _features(table)
            names = [uri.removeprefix(f"{copy}/") for uri in table.file_uris()]
        except deltalake.exceptions.DeltaError:
            raise Truncated(f"{folder}/{LOG}", "not a whole log of a Delta Lake table") from None
    if features:
        raise Unsupported(f"{folder}: the Delta Lake table uses {', '.join(features)}, which we do not read")
    return names


def _features(table: Any) -> list[str]:
    used = set(table.protocol().reader_features or ())
    if table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
        used.add("columnMapping")
    return [feature for feature in UNREAD if feature in used]


def _save(file: File, to: Path) -> None:
    with closing(file.open()) as octets, to.open("wb") as copy:
        while block := octets.read(BLOCK_BYTES):
            copy.write(block)
