"""
Tells which Parquet files an Apache Iceberg table holds now, from its metadata (the extra `iceberg`); reads no row of them.

The library would hand whole files over. So it only takes metadata and manifests apart, and the files are read like all others,
with the same credentials. Names in the metadata are absolute; only the part below the table's own location counts, so that a
copy of a table is read from the copy and nothing outside its folder is ever opened.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from producer.snapshots.byte_streams import open_bytes
from producer.snapshots.errors import Missing, SnapshotError, Truncated, UnclearColumns, Unsupported
from producer.snapshots.file import File
from producer.snapshots.formats.parquet import ParquetReader
from producer.snapshots.formats.table_marks import METADATA, is_metadata_file
from producer.snapshots.locations.object_store import StoredObject
from producer.snapshots.optional_imports import needed

HINT: Final = "version-hint.text"
METADATA_BYTES_MAX: Final = 64 << 20
"""Of one file of metadata: it is taken apart in memory."""

_VERSION: Final = re.compile(r"v?(\d+)(?:-[^/]*)?(?:\.gz)?\.metadata\.json(?:\.gz)?", re.IGNORECASE)

FindIcebergFiles = Callable[[str], Sequence[File]]
"""Return the files of a place. Raises SnapshotError."""


class IcebergReader(ParquetReader):
    """Parquet files whose columns are the table's: Iceberg knows a column by its number, and names may have changed."""

    def __init__(self, numbers: Mapping[str, int], named: Mapping[str, int]) -> None:
        self._numbers = numbers
        self._named = named

    def columns(self, file: File) -> list[str]:
        """Return the columns. Raises UnclearColumns where they are not those that the table has now."""
        held = {name: self._named.get(name) if number is None else number for name, number in self.numbers(file)}
        if held != self._numbers:
            raise UnclearColumns(
                file, "its columns are not those that the Iceberg table has now; rewrite the table's data files"
            )
        return super().columns(file)


@dataclass(frozen=True)
class IcebergTable:
    """The files of one snapshot of a table, and how they are read."""

    files: Sequence[File]
    reader: IcebergReader


def read_table(folder: str, files: Sequence[File], find: FindIcebergFiles) -> IcebergTable:
    """Return what a table holds by its current metadata, or by the metadata file that was named. Raises SnapshotError."""
    if len(files) == 1 and is_metadata_file(str(files[0])):
        metadata, files = files[0], find(folder)
    else:
        metadata = _current(folder, files)
    there = {str(file)[len(folder) + 1 :]: file for file in files}
    try:
        return _read(folder, metadata, there)
    except SnapshotError:
        raise
    except Exception:  # noqa: BLE001 # the library says what is wrong with a foreign file by whatever error comes up first
        raise Truncated(
            metadata, "the metadata of the Iceberg table is damaged, or of a version that is not read"
        ) from None


def current(names: Iterable[str], hint: str | None) -> str | None:
    """
    Return which metadata file is a table's current one, None where the names do not tell.

    A hint is where to begin, as versions may be newer than it. Without it the highest version counts, if there is only one file
    of it: of two, only a catalog knows which was committed.
    """
    versions: dict[int, list[str]] = {}
    for name in names:
        if found := _VERSION.fullmatch(name):
            versions.setdefault(int(found[1]), []).append(name)
    if hint is not None and hint.isascii() and hint.isdecimal():
        version = int(hint)
        while version + 1 in versions:
            version += 1
        hinted = [name for name in versions.get(version, []) if name.lower().startswith("v")]
        found_names = hinted or versions.get(version, [])
    elif hint is not None:
        found_names = [name for held in versions.values() for name in held if name.startswith(f"{hint}.")]
    else:
        found_names = versions[max(versions)] if versions else []
    return found_names[0] if len(found_names) == 1 else None


def _current(folder: str, files: Sequence[File]) -> File:
    named = {file.name: file for file in files if is_metadata_file(str(file)) and _depth(folder, file) == 1}
    hints = [file for file in files if file.name == HINT and _depth(folder, file) == 1]
    hint = _text(hints[0]).decode(errors="replace").strip() if hints else None
    name = current(named, hint)
    if name is None:
        raise Unsupported(
            f"{folder}: which metadata file of the Iceberg table is the current one is not clear;"
            f" name the one that the catalog names, {METADATA}/....metadata.json"
        )
    return named[name]


def _depth(folder: str, file: File) -> int:
    return str(file)[len(folder) + 1 :].count("/")


def _text(file: File) -> bytes:
    with closing(open_bytes(file)) as octets:
        text = octets.read(METADATA_BYTES_MAX)
        if octets.read(1):
            raise Truncated(file, f"it is over {METADATA_BYTES_MAX} bytes")
        return bytes(text)


def _read(folder: str, metadata: File, there: Mapping[str, File]) -> IcebergTable:
    manifests = needed("pyiceberg.manifest", "iceberg")
    table = needed("pyiceberg.table.metadata", "iceberg").TableMetadataUtil.parse_raw(_text(metadata).decode())
    snapshot = table.snapshot_by_id(table.current_snapshot_id) if table.current_snapshot_id is not None else None
    if snapshot is None:
        raise Missing(f"{folder}: the Iceberg table holds no files")
    if not snapshot.manifest_list:
        raise Unsupported(
            f"{folder}: the Iceberg table has no list of manifests; rewrite its metadata, or export its rows"
        )
    io = _Files(folder, table.location, there)
    found: dict[str, File] = {}
    for manifest in manifests.read_manifest_list(io.new_input(snapshot.manifest_list)):
        for entry in manifest.fetch_manifest_entry(io):
            held = entry.data_file
            if held.content != manifests.DataFileContent.DATA:
                raise Unsupported(f"{folder}: the Iceberg table has delete files, which are not read; compact it first")
            if held.file_format != manifests.FileFormat.PARQUET:
                raise Unsupported(f"{folder}: the Iceberg table has data files that are no Parquet; export its rows")
            file = io.file(held.file_path)
            if _size(file) != held.file_size_in_bytes:
                raise Truncated(file, "its size is not the one that the metadata of the Iceberg table tells")
            found[str(file)] = file
    if not found:
        raise Missing(f"{folder}: the Iceberg table holds no files")
    return IcebergTable([found[name] for name in sorted(found, key=lambda name: name.split("/"))], _reader(table))


def _reader(table: Any) -> IcebergReader:
    numbers = {field.name: field.field_id for field in table.schema().fields}
    mapping = table.name_mapping()
    fields = () if mapping is None else mapping.root
    return IcebergReader(numbers, {name: field.field_id for field in fields for name in field.names})


def _size(file: File) -> int:
    return file.pinned.size if isinstance(file, StoredObject) else file.state().size


@dataclass(frozen=True)
class _Files:
    """The table's own files, by the names in its metadata: what of pyiceberg's `FileIO` reading needs."""

    folder: str
    location: str
    there: Mapping[str, File]

    def file(self, name: str) -> File:
        """Return a file below the table's folder. Raises Missing."""
        start = f"{_plain(self.location).rstrip('/')}/"
        relative = _plain(name).removeprefix(start)
        if not _plain(name).startswith(start) or relative not in self.there:
            called = name.rpartition("/")[2]
            raise Missing(
                f"{self.folder}: the metadata of the Iceberg table names {called!r}, which is not in its folder"
            )
        return self.there[relative]

    def new_input(self, name: str) -> "_Input":
        """Return a file to be opened."""
        return _Input(self.file(name))


@dataclass(frozen=True)
class _Input:
    file: File

    def open(self, **_: bool) -> Any:
        """Open it; Arrow's file has what pyiceberg calls an input stream."""
        if _size(self.file) > METADATA_BYTES_MAX:
            raise Truncated(self.file, f"it is over {METADATA_BYTES_MAX} bytes")
        return self.file.open()


def _plain(location: str) -> str:
    """Spell a location in one way: schemes that mean the same store, and paths with and without one."""
    scheme, separator, rest = location.partition(":")
    if not separator or "/" in scheme:
        return location
    return f"{_SAME.get(scheme.lower(), scheme.lower())}:{rest}" if scheme.lower() != "file" else f"/{rest.lstrip('/')}"


_SAME: Final = {"s3a": "s3", "s3n": "s3", "abfs": "abfss"}
