"""One file of a snapshot, wherever it lives: what formats and sources know of each other."""

from typing import NamedTuple, Protocol

import pyarrow as pa


class FileState(NamedTuple):
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

    def state(self) -> FileState:
        """Ask what the file is now. Raises Missing."""
        ...

    def open(self) -> pa.NativeFile:
        """Open it at its first byte; it can seek. Raises Missing."""
        ...
