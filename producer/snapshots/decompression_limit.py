"""Tells when a file grows out of all proportion while it is unpacked: a decompression bomb, and no segment.

Text of real addresses shrinks to a tenth; only made-up people who are counted through, with the same long text for each,
shrink to a hundredth. What unpacks to more than 200 times its size is refused, once it is so much that it matters.
"""

from collections.abc import Callable, Iterator

import pyarrow as pa

from producer.snapshots.errors import Swollen
from producer.snapshots.file import File

ALWAYS_FINE_BYTES = 256 << 20
RATIO_MAX = 200


class Unpacked:
    """A compressed file, as `read` and `close` of its unpacked bytes."""

    def __init__(self, file: File, packed: pa.NativeFile, codec: str) -> None:
        self._file = file
        self._packed = packed
        self._stream = pa.CompressedInputStream(packed, codec)
        self._bytes = 0

    def read(self, size: int) -> bytes:
        """Read at most so many bytes. Raises Swollen, and OSError where the file is damaged or ends early."""
        block: bytes = self._stream.read(size)
        self._bytes += len(block)
        _check(self._file, self._bytes, self._packed.tell)
        return block

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def proportionate(file: File, size: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a file of so many bytes. Raises Swollen."""
    taken = 0
    for batch in batches:
        taken += batch.nbytes
        _check(file, taken, lambda: size)
        yield batch


def _check(file: File, unpacked: int, packed: Callable[[], int]) -> None:
    if unpacked > ALWAYS_FINE_BYTES and unpacked > RATIO_MAX * packed():
        raise Swollen(file, f"it unpacks to more than {RATIO_MAX} times its size")
