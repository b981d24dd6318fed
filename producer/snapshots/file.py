"""One file of a snapshot, wherever it lives: what formats and sources know of each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from producer.snapshots.errors import Missing
from producer.snapshots.locations.local_open import open_plain


class State(NamedTuple):
    """What tells a file from a later one of the same name: its version is a time of change, an ETag, a digest."""

    size: int
    version: str


class File(Protocol):
    """
    A file that can be read from any byte on; `str` is what messages call it, never holding a secret.

    Errors are those of `producer.snapshots.errors`, also from what `open` returns.
    """

    @property
    def name(self) -> str:
        """The last part of its path; the ending tells the format."""
        ...

    def state(self) -> State:
        """Ask what the file is now. Raises Missing."""
        ...

    def open(self) -> pa.NativeFile:
        """Open it at its first byte; it can seek. Raises Missing."""
        ...


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.name

    def state(self) -> State:
        """Return its size and time of change."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise Missing(f"{self}: there is no such file") from error
        return State(found.st_size, str(found.st_mtime_ns))

    def open(self) -> pa.NativeFile:
        """Open it for reading, if it is still the one that was found. Raises Unsupported and Changed, too."""
        return open_plain(self.path)
