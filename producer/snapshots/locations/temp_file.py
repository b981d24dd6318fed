"""
A file on this machine's disk that nobody else can open: what was taken out of a place that cannot be read from any byte.

It has no name (it is unlinked while it is written), so that whatever happens to the process, nothing personal stays behind.
`TMPDIR` says on which disk.
"""

import hashlib
import os
import tempfile
import weakref
from contextlib import closing
from pathlib import Path
from typing import IO

import pyarrow as pa

from producer.snapshots.byte_streams import BLOCK_BYTES
from producer.snapshots.file import FileState
from producer.snapshots.locations.range_reader import opened


class TempFile:
    """Bytes on disk, written once through `file`, read from any byte and by several readers."""

    def __init__(self, called: str) -> None:
        self.number, name = tempfile.mkstemp(prefix="segment-export-")
        Path(name).unlink()
        weakref.finalize(self, os.close, self.number)
        self.file: IO[bytes] = os.fdopen(self.number, "wb", closefd=False)
        self._called = called

    def open(self) -> pa.NativeFile:
        """Open it at its first byte."""
        self.file.flush()
        return opened(_Positions(self), os.fstat(self.number).st_size, self._called)

    def state(self) -> FileState:
        """Return its size and the digest of what is in it."""
        digest, size = hashlib.blake2b(digest_size=16), 0
        with closing(self.open()) as octets:
            while block := octets.read(BLOCK_BYTES):
                digest.update(block)
                size += len(block)
        return FileState(size, digest.hexdigest())


class _Positions:
    """Reads at positions, each reader at its own."""

    def __init__(self, spool: TempFile) -> None:
        self._spool = spool  # keeps the file open

    def fetch(self, offset: int, length: int) -> bytes:
        return os.pread(self._spool.number, length, offset)

    def close(self) -> None:
        """Nothing is held but the spool."""
