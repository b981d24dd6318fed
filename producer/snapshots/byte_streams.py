"""Opens a file's bytes, decompressed while they are read; knows nothing of rows."""

import pyarrow as pa

from producer.snapshots.decompression_limit import Unpacked
from producer.snapshots.file import File

ROW_BYTES_MAX = 1 << 20
"""A longer row, as text, is refused: rows are held in memory 5,000 at a time."""

BLOCK_BYTES = 1 << 20
"""How much of a file is read at once."""

BATCH_ROWS = 5_000

_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def open_bytes(file: File) -> pa.NativeFile | Unpacked:
    """
    Open a file for reading; gzip and zstd are told by their first bytes, since downloads often unpack silently.

    Raises Missing. Reading a compressed file that ends early raises OSError, one that grows out of proportion Swollen.
    """
    plain = file.open()
    beginning = plain.read(4)
    plain.seek(0)
    codec = next((name for magic, name in _CODECS.items() if beginning.startswith(magic)), None)
    return plain if codec is None else Unpacked(file, plain, codec)
