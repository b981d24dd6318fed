"""
Finds the table that files belong to, between the snapshot root and the files, and says whether they are the whole of it.

A part of a table, a table with loose files beside it and several tables are refused: which rows count is not known then.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from producer.snapshots.errors import Missing, SourceForbidden, Unsupported
from producer.snapshots.file import File
from producer.snapshots.formats.by_extension import is_text
from producer.snapshots.formats.table_marks import (
    FOLDERS,
    HUDI,
    HUDI_PARTITION,
    ICEBERG,
    METADATA,
    METADATA_FILES,
    Mark,
    is_metadata_file,
    marks_among,
)
from producer.snapshots.locations.local_files import LocalFile, named_directory
from producer.snapshots.locations.object_store import Bucket, StoredObject, below, holds
from producer.snapshots.snapshot import FILES_AT_ONCE
from producer.snapshots.uris import Root, SnapshotUri, covers

FindFiles = Callable[[str], Sequence[File]]
"""Return the files of a place. Raises SnapshotError."""


def table_of(uri: str, files: Sequence[File], roots: Sequence[Root], find: FindFiles) -> Mark | None:
    """Return the table that these files are, None where there is none. Raises Unsupported for what is no whole table."""
    if len(files) == 1 and is_metadata_file(str(files[0])):
        return Mark(str(files[0]).rsplit("/", 2)[0], ICEBERG)
    if all(is_text(file) for file in files) and not marks_among(map(str, files)):
        return None  # no table keeps its rows in texts
    tables = _without_partitions(_tables(files, roots))
    holding = [table for table in tables if all(_is_below(str(file), table.folder) for file in files)]
    if not tables:
        return None
    if not holding:
        _refuse_mixture(files, tables)
    named = _named(uri, files)
    folders = sorted((table.folder for table in holding), key=len)
    folder = named if named is not None and named in folders else folders[-1]
    first, *others = sorted(table for table in holding if table.folder == folder)
    if others:
        kinds = f"{first.kind} and {others[0].kind}"
        raise Unsupported(
            f"{folder}: it is a table of {kinds} at once; name the metadata file of Iceberg, or export it"
        )
    if first.kind == HUDI:
        raise Unsupported(
            f"{folder}: an Apache Hudi table, which is not read; export its rows into a folder of their own"
        )
    if named != folder and not _is_whole(named, files, folder, find):
        raise Unsupported(f"{files[0]}: it is a part of the {first.kind} table {folder}; name the table's folder")
    return first


def _without_partitions(tables: Sequence[Mark]) -> list[Mark]:
    """Leave out what is only a part of a Hudi table: each of its folders has a mark of its own."""
    whole = [each.folder for each in tables if each.kind == HUDI]
    return [each for each in tables if each.kind != HUDI or not any(_is_below(each.folder, folder) for folder in whole)]


def _refuse_mixture(files: Sequence[File], tables: Sequence[Mark]) -> None:
    outermost = [each for each in tables if not any(_is_below(each.folder, other.folder) for other in tables)]
    first = outermost[0]
    loose = next((file for file in files if not any(_is_below(str(file), each.folder) for each in tables)), None)
    if loose is not None:
        raise Unsupported(f"{loose}: it lies beside the {first.kind} table {first.folder}; name the table's folder")
    other = outermost[1]
    raise Unsupported(
        f"{first.folder} and {other.folder} are two tables ({first.kind}, {other.kind}); name the folder of one"
    )


def _is_whole(named: str | None, files: Sequence[File], folder: str, find: FindFiles) -> bool:
    """Whether files that were not named by their table's folder are all that is in it."""
    if named is not None and not _is_below(folder, named):
        return False
    return {str(file) for file in find(folder)} == {str(file) for file in files}


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/")


def _named(uri: str, files: Sequence[File]) -> str | None:
    """Return the folder, or the file, that a URI names; None for a pattern."""
    match files[0]:
        case LocalFile():
            directory = named_directory(uri)
            return str(directory) if directory else str(files[0]) if len(files) == 1 else None
        case StoredObject(bucket=bucket, listing=listing):
            if listing is None:
                return str(files[0])
            return _called(bucket, listing.folder) if listing.named else None
        case _:
            return None


def _tables(files: Sequence[File], roots: Sequence[Root]) -> list[Mark]:
    """Return the tables in whose folders some of the files lie, as messages call them."""
    match files[0]:
        case LocalFile():
            return sorted(_in_directories([Path(str(file)) for file in files], roots))
        case StoredObject() as first:
            return sorted(_in_bucket(first, [file.key for file in files if isinstance(file, StoredObject)], roots))
        case _:
            return []  # a web server cannot be asked what lies beside a file, and a database's answer lies nowhere


def _in_directories(paths: Sequence[Path], roots: Sequence[Root]) -> Iterator[Mark]:
    allowed = [root.resolve() for root in roots if isinstance(root, Path)]
    above = {folder for path in paths for folder in path.parents if folder != Path("/")}
    for folder in above:
        if any(folder.is_relative_to(root) for root in allowed):
            yield from (Mark(str(folder), kind) for kind in _marked(folder))


def _marked(folder: Path) -> Iterator[str]:
    names: list[str] = [*FOLDERS, METADATA]
    with suppress(OSError):  # a directory that may be entered and not listed
        names = os.listdir(folder)  # noqa: PTH208 # names are enough, of what may be a hundred thousand files
    for name in names:
        if name.lower() in FOLDERS and (folder / name).is_dir():
            yield FOLDERS[name.lower()]
        elif name.lower().startswith(HUDI_PARTITION):
            yield HUDI
        elif name.lower() == METADATA:
            with suppress(OSError):
                if any(each.name.lower().endswith(METADATA_FILES) for each in (folder / name).iterdir()):
                    yield ICEBERG


def _in_bucket(first: StoredObject, keys: Sequence[str], roots: Sequence[Root]) -> set[Mark]:
    """What lies at the listed folder or below was listed; the folders above it are asked about, each for three marks."""
    bucket, listing = first.bucket, first.listing
    folders = {folder for key in keys for folder in _folders_above(key)}
    found = {mark for mark in listing.marks if mark.folder in folders} if listing else set()
    above = _folders_above(listing.folder if listing else first.key)
    allowed = [folder for folder in above if _is_allowed(bucket, folder, roots)]
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        found = found.union(*pool.map(lambda folder: _asked(bucket, folder), allowed))
    return {Mark(_called(bucket, folder), kind) for folder, kind in found if _is_allowed(bucket, folder, roots)}


def _folders_above(key: str) -> list[str]:
    steps = key.split("/")
    return ["/".join(steps[:at]) for at in range(len(steps))] if key else []


def _is_allowed(bucket: Bucket, folder: str, roots: Sequence[Root]) -> bool:
    place = bucket.place._replace(path=folder)
    return any(isinstance(root, SnapshotUri) and covers(root, place) for root in roots)


def _asked(bucket: Bucket, folder: str) -> list[Mark]:
    """Ask for the marks of one folder. A store may say "forbidden" of what is not there."""
    start = f"{folder}/" if folder else ""
    found = []
    for name in (*FOLDERS, METADATA):
        with suppress(SourceForbidden, Missing):
            if holds(bucket, start + name):
                paths = [f"{start}{name}/x"] if name in FOLDERS else below(bucket, start + name)
                found += [mark for mark in marks_among(paths) if mark.folder == folder]
    return found


def _called(bucket: Bucket, folder: str) -> str:
    return str(bucket.place._replace(path=folder)).rstrip("/")
