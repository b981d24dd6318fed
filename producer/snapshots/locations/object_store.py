"""Finds the objects of a store by key, prefix or glob, pinned by version or ETag, whichever store keeps them."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import pyarrow as pa

from producer.snapshots.errors import Missing, SourceUnreachable
from producer.snapshots.file import File, FileState
from producer.snapshots.formats.table_marks import Listing, marks_among
from producer.snapshots.locations.range_reader import Interrupted, Ranges, opened
from producer.snapshots.snapshot import FILES_AT_ONCE
from producer.snapshots.uris import SnapshotUri

T = TypeVar("T")

_WILD: Final = re.compile(r"[*?[]")


class Bucket(Protocol):
    """
    A bucket or container of a store. `place` is what it is called, with an empty path.

    Raises Missing and Forbidden, and Interrupted for what may pass.
    """

    @property
    def place(self) -> SnapshotUri:
        """What it is called."""
        ...

    def below(self, folder: str) -> Sequence[tuple[str, FileState | None]]:
        """List everything below a folder ("" is the bucket): keys, and states where listing tells them."""
        ...

    def holds(self, folder: str) -> bool:
        """Ask whether anything lies below a folder, without listing it."""
        ...

    def look(self, key: str) -> FileState:
        """Return what an object is now."""
        ...

    def ranges(self, key: str, pinned: FileState) -> Ranges:
        """Return the bytes of an object, which raise Changed as soon as it is another one."""
        ...


@dataclass(frozen=True)
class StoredObject:
    """An object as it was when it was found; `listing` is None where its own key was named."""

    bucket: Bucket
    key: str
    pinned: FileState
    listing: Listing | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return str(self.bucket.place._replace(path=self.key))

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.key.rpartition("/")[2]

    def state(self) -> FileState:
        """Ask what it is now."""
        return _patient(lambda: self.bucket.look(self.key), self)

    def open(self) -> pa.NativeFile:
        """Open it as it was when it was found."""
        return opened(self.bucket.ranges(self.key, self.pinned), self.pinned.size, str(self))


def find(bucket: Bucket, place: SnapshotUri) -> Sequence[File]:
    """
    Return the object of a key, or what is below a prefix or matches a glob, in order of name.

    What Spark and stores leave beside the data is passed over: names that begin with `.` or `_`, and checksums.
    """
    found: list[tuple[str, FileState | None]] = [*_at(bucket, place)]
    listing = None
    if not found:
        found, listing = _listed(bucket, place)
    if not found and _WILD.search(place.path):
        steps = place.path.split("/")
        first_wild = next(at for at, step in enumerate(steps) if _WILD.search(step))
        folder = place._replace(path="/".join(steps[:first_wild]))
        found, listing = _listed(bucket, folder, named=False)
        found = [each for each in found if _matches(each[0].split("/"), steps)]
    if not found:
        raise Missing(f"{place}: there is no object")

    def pinned(each: tuple[str, FileState | None]) -> StoredObject:
        key, state = each
        asked = state or _patient(lambda: bucket.look(key), place._replace(path=key))
        return StoredObject(bucket, key, asked, listing)

    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        return list(pool.map(pinned, sorted(found, key=lambda each: each[0].split("/"))))


def holds(bucket: Bucket, folder: str) -> bool:
    """Ask whether anything lies below a folder. Raises SnapshotError."""
    return _patient(lambda: bucket.holds(folder), bucket.place._replace(path=folder))


def below(bucket: Bucket, folder: str) -> list[str]:
    """Return the keys of everything below a folder. Raises SnapshotError."""
    return [key for key, _ in _patient(lambda: bucket.below(folder), bucket.place._replace(path=folder))]


def _at(bucket: Bucket, place: SnapshotUri) -> list[tuple[str, FileState]]:
    try:
        return [(place.path, _patient(lambda: bucket.look(place.path), place))] if place.path else []
    except Missing:
        return []


def _listed(
    bucket: Bucket, place: SnapshotUri, *, named: bool = True
) -> tuple[list[tuple[str, FileState | None]], Listing]:
    """List what is below a folder, less housekeeping, and the tables that this shows."""
    start = f"{place.path}/" if place.path else ""
    found = _patient(lambda: bucket.below(place.path), place)
    listing = Listing(place.path, named, marks_among(key for key, _ in found))
    return [each for each in found if not _is_housekeeping(each[0].removeprefix(start))], listing


def _patient(ask: Callable[[], T], called: object) -> T:
    """Stores' clients try again by themselves; when they have given up, so do we, in our words."""
    try:
        return ask()
    except Interrupted as error:
        raise SourceUnreachable(f"{called}: no answer ({error})") from None


def _is_housekeeping(path: str) -> bool:
    return path.endswith(".crc") or any(step.startswith((".", "_")) for step in path.split("/"))


def _matches(steps: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether an object's key matches a glob, or lies below a folder that does; `**` stands for any number of folders."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_matches(steps[at:], pattern[1:]) for at in range(len(steps)))
    return bool(steps) and fnmatch.fnmatchcase(steps[0], pattern[0]) and _matches(steps[1:], pattern[1:])
