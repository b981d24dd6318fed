"""
A bucket through an Arrow filesystem: Amazon S3 and Azure.

Arrow cannot ask for "these bytes, if the object is still that one". So every block that was read is followed by a look at the
object: where its version is the pinned one then, the block is of the pinned one too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from pyarrow import fs

from producer.snapshots.errors import Missing, SnapshotChanged, SnapshotError, SourceForbidden
from producer.snapshots.file import FileState
from producer.snapshots.locations.range_reader import Interrupted, Ranges
from producer.snapshots.uris import SnapshotUri

_VERSIONS: Final = ("etag", "versionid", "last-modified")
"""What stores call the version of an object; a bucket of S3 may keep several with the same ETag."""

_FORBIDDEN: Final = re.compile(
    r"access.?denied|forbidden|expired|invalid.?(?:access.?key|token|client)|signature|unauthori|authenticat|credential|\b40[013]\b",
    re.IGNORECASE,
)
"""400 is what S3 answers to a HEAD with an expired token: without a body there is no other word for it."""

_GONE: Final = re.compile(
    r"no.?such|not.?found|does not exist|\b404\b|not a regular file|is a directory", re.IGNORECASE
)
_CODE: Final = re.compile(r"AWS Error ([A-Z_]+)|\b([45]\d\d [A-Z][A-Za-z ]+)")


@dataclass(frozen=True)
class ArrowBucket:
    """A bucket or container, by the name that its filesystem knows."""

    filesystem: fs.FileSystem
    name: str
    place: SnapshotUri

    def below(self, folder: str) -> Sequence[tuple[str, FileState | None]]:
        """List everything below a folder."""
        selector = fs.FileSelector(f"{self.name}/{folder}".rstrip("/"), recursive=True, allow_not_found=True)
        try:
            found = self.filesystem.get_file_info(selector)
        except (OSError, pa.ArrowException) as error:
            raise self.explained(error, folder) from None
        return [(info.path.removeprefix(f"{self.name}/"), None) for info in found if info.type == fs.FileType.File]

    def holds(self, folder: str) -> bool:
        """Ask whether anything lies below a folder."""
        try:
            found: fs.FileInfo = self.filesystem.get_file_info(f"{self.name}/{folder}")
        except (OSError, pa.ArrowException) as error:
            raise self.explained(error, folder) from None
        return bool(found.type == fs.FileType.Directory)

    def look(self, key: str) -> FileState:
        """Return what an object is now."""
        return self.head(key)[1]

    def ranges(self, key: str, pinned: FileState) -> Ranges:
        """Return the bytes of an object that must stay the same."""
        return _ArrowRanges(self, key, pinned)

    def head(self, key: str) -> tuple[pa.NativeFile, FileState]:
        """Open an object, which asks what it is now and for no byte of it."""
        try:
            handle = self.filesystem.open_input_file(f"{self.name}/{key}")
            return handle, FileState(handle.size(), _version(handle.metadata()))
        except (OSError, pa.ArrowException) as error:
            raise self.explained(error, key) from None

    def explained(self, error: Exception, key: str) -> SnapshotError | Interrupted:
        """Say in our words what Arrow says in a store's; its text stays here, since it may repeat a request."""
        said, called = str(error), self.place._replace(path=key)
        code = next((found[1] or found[2] for found in _CODE.finditer(said)), type(error).__name__)
        if isinstance(error, FileNotFoundError) or _GONE.search(said):
            return Missing(f"{called}: there is no such object, or none that we may see ({code})")
        if isinstance(error, PermissionError) or _FORBIDDEN.search(said):
            return SourceForbidden(f"{called}: the store refuses our credentials, or they have expired ({code})")
        return Interrupted(code)


class _ArrowRanges:
    """The bytes of an object that must stay the same."""

    def __init__(self, bucket: ArrowBucket, key: str, pinned: FileState) -> None:
        self._bucket = bucket
        self._key = key
        self._pinned = pinned
        self._handle: pa.NativeFile | None = None

    def fetch(self, offset: int, length: int) -> bytes:
        """Return bytes that are surely of the pinned version."""
        handle, self._handle = self._handle or self._checked(), None
        try:
            octets: bytes = handle.read_at(length, offset)
        except (OSError, pa.ArrowException) as error:
            raise self._bucket.explained(error, self._key) from None
        if not octets:
            raise Interrupted("an empty answer")
        # Versions only go forward: still the pinned one after reading, it was that while reading too.
        self._handle = self._checked()
        return octets

    def close(self) -> None:
        """Let go of the object."""
        self._handle = None

    def _checked(self) -> pa.NativeFile:
        handle, state = self._bucket.head(self._key)
        if state != self._pinned:
            called = self._bucket.place._replace(path=self._key)
            raise SnapshotChanged(f"{called}: the object was replaced while the run was reading it")
        return handle


def _version(metadata: dict[bytes | str, bytes]) -> str:
    told = {
        (name.decode() if isinstance(name, bytes) else name).lower(): value.decode() for name, value in metadata.items()
    }
    return " ".join(told[name] for name in _VERSIONS if told.get(name))
