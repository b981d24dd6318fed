"""Reads a remote file from any byte on, and goes on at the byte where it was interrupted; knows no store."""

import io
import time
from collections.abc import Callable
from typing import Final, Protocol

import pyarrow as pa

from producer.snapshots.errors import SourceUnreachable

AHEAD_BYTES: Final = 8 << 20
"""What is fetched at once where a file is read from its beginning to its end."""

LEAST_BYTES: Final = 64 << 10

ATTEMPTS: Final = 8
"""Times that the same byte is asked for: with the pauses between them, about two minutes."""

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0


class Interrupted(Exception):
    """No byte came, and asking again may help; the message says what happened, in a few words."""


class Ranges(Protocol):
    """Bytes that lie elsewhere."""

    def fetch(self, offset: int, length: int) -> bytes:
        """
        Return the bytes from an offset on, at least one; fewer than asked for where the connection broke.

        Raises Interrupted, and SnapshotError where asking again does not help: Changed, Missing, Forbidden.
        """
        ...

    def close(self) -> None:
        """Let go of what is held open."""
        ...


class RangedFile(io.RawIOBase):
    """A file for Arrow over ranges of bytes. No request outlives a read, so that a reader may pause for an hour."""

    def __init__(self, ranges: Ranges, size: int, called: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._ranges = ranges
        self._size = size
        self._called = called
        self._pause = pause
        self._at = 0
        self._begin = 0
        self._held = b""
        self._most = AHEAD_BYTES

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def seekable(self) -> bool:
        """It can go anywhere."""
        return True

    def tell(self) -> int:
        """Return where it stands."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return as many bytes, fewer only at the end. Raises SnapshotError."""
        end = self._size if size < 0 else min(self._size, self._at + size)
        parts = []
        while self._at < end:
            inside = self._at - self._begin
            if not 0 <= inside < len(self._held):
                self._fetch(end - self._at)
                inside = 0
            part = self._held[inside : inside + end - self._at]
            parts.append(part)
            self._at += len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Forget what is held."""
        self._held = b""
        if not self.closed:
            self._ranges.close()
        super().close()

    def _fetch(self, wanted: int) -> None:
        """Hold the bytes that come next; more than wanted where the last ones were the ones before."""
        goes_on = self._held and self._at == self._begin + len(self._held)
        ask = min(max(wanted, AHEAD_BYTES if goes_on else LEAST_BYTES), self._most)
        for attempt in range(ATTEMPTS):
            try:
                self._held = self._ranges.fetch(self._at, min(ask, self._size - self._at))
            except Interrupted as error:
                problem = str(error)
                # A line that drops long answers lets shorter ones through, and will drop the next long one too.
                ask = self._most = max(LEAST_BYTES, ask // 2)
                if attempt + 1 < ATTEMPTS:
                    self._pause(min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS))
            else:
                self._begin = self._at
                self._most = min(AHEAD_BYTES, self._most + self._most // 16)
                return
        raise SourceUnreachable(f"{self._called}: no answer at byte {self._at} after {ATTEMPTS} attempts ({problem})")


def opened(ranges: Ranges, size: int, called: str) -> pa.NativeFile:
    """Open ranges for Arrow."""
    return pa.PythonFile(RangedFile(ranges, size, called), mode="r")
