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

from producer.snapshots.byte_streams import BLOCK_BYTES
from producer.snapshots.errors import Missing, Truncated, Unsupported
from producer.snapshots.file import File
from producer.snapshots.optional_imports import needed

LOG: Final = "_delta_log"
READ: Final = frozenset({"timestampNtz", "variantType", "variantType-preview", "vacuumProtocolCheck"})
"""Features of a table that change nothing in which rows its files hold."""

FindTableFiles = Callable[[str], Sequence[File]]
"""Return the files of a place. Raises SnapshotError."""


def live_files(folder: str, files: Sequence[File], find: FindTableFiles) -> Sequence[File]:
    """Return those of a table's files that its log names. Raises SnapshotError."""
    there = {str(file)[len(folder) + 1 :]: file for file in files}
    names = _names(folder, find(f"{folder}/{LOG}"))
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
        except Exception:  # noqa: BLE001 # the library says what is wrong with a log by several errors, and ValueError
            raise Truncated(
                f"{folder}/{LOG}", "not a whole log of a Delta Lake table, or of a version that is not read"
            ) from None
    if features:
        used = ", ".join(features)
        raise Unsupported(
            f"{folder}: the Delta Lake table uses {used}, which we do not read; export its rows as Parquet"
        )
    return names


def _features(table: Any) -> list[str]:
    used = set(table.protocol().reader_features or ()) - READ - {"columnMapping"}
    if table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
        used.add("columnMapping")
    return sorted(used)


def _save(file: File, to: Path) -> None:
    with closing(file.open()) as octets, to.open("wb") as copy:
        while block := octets.read(BLOCK_BYTES):
            copy.write(block)
