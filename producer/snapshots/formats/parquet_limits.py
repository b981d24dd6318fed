"""Keeps what a Parquet file unpacks to within bounds, by what it tells of itself; reads no row but the first.

Columns are encoded before they are compressed: a value that stands in a file once may be a million rows, so neither its
size nor the average tells what a batch of rows takes.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from producer.snapshots.byte_streams import BATCH_ROWS
from producer.snapshots.errors import Swollen
from producer.snapshots.file import File

FOOTER_BYTES_MAX = 16 << 20
"""What describes columns and row groups is read as a whole, and takes a multiple of that in memory."""

CHUNK_BYTES_MAX = 128 << 20
"""One column of one row group: its pages are unpacked one at a time, and a page may be all of it."""

BATCH_BYTES = 16 << 20
"""What the rows of one batch may take; wide rows come in smaller batches."""

LIST_VALUES_A_ROW_MAX = 32
LIST_VALUES_ALWAYS_FINE = 1 << 20

PREFIXED_ROWS = 64
"""Rows of a batch where values are told by what they share with the one before: what they take is not known before."""

_TAIL_BYTES = 8


def check_footer(file: File, octets: pa.NativeFile) -> None:
    """Raise Swollen before a footer is read that is too large; what is no footer is not judged here."""
    size = octets.size()
    octets.seek(max(0, size - _TAIL_BYTES))
    tail = octets.read(_TAIL_BYTES)
    octets.seek(0)
    if tail[4:] == b"PAR1" and FOOTER_BYTES_MAX < int.from_bytes(tail[:4], "little") <= size:
        raise Swollen(file, f"what describes its columns and row groups is over {FOOTER_BYTES_MAX} bytes")


def batch_rows(file: File, octets: pa.NativeFile, metadata: pq.FileMetaData, columns: Sequence[str]) -> int:
    """Return how many rows may be read at once. Raises Swollen where not even one may."""
    row_bytes, prefixed = 1, False
    for number in range(metadata.num_row_groups):
        parts = list(_parts(metadata.row_group(number), columns))
        for part in parts:
            _check_part(file, part, metadata.row_group(number).num_rows)
            prefixed = prefixed or "DELTA_BYTE_ARRAY" in part.encodings
        taken = sum(part.total_uncompressed_size for part in parts) // max(1, metadata.row_group(number).num_rows)
        row_bytes = max(row_bytes, taken)
    row_bytes = max(row_bytes, _longest(octets, metadata, columns))
    return max(1, min(PREFIXED_ROWS if prefixed else BATCH_ROWS, BATCH_BYTES // row_bytes))


def _parts(group: pq.RowGroupMetaData, columns: Sequence[str]) -> Iterator[pq.ColumnChunkMetaData]:
    for at in range(group.num_columns):
        part = group.column(at)
        if any(part.path_in_schema == column or part.path_in_schema.startswith(f"{column}.") for column in columns):
            yield part


def _check_part(file: File, part: pq.ColumnChunkMetaData, rows: int) -> None:
    if part.total_uncompressed_size > CHUNK_BYTES_MAX:
        problem = (
            f"column {part.path_in_schema!r} has over {CHUNK_BYTES_MAX} bytes in one row group: write smaller ones"
        )
        raise Swollen(file, problem)
    if part.num_values > LIST_VALUES_ALWAYS_FINE + LIST_VALUES_A_ROW_MAX * rows:
        raise Swollen(file, f"column {part.path_in_schema!r} has over {LIST_VALUES_A_ROW_MAX} values a row")


def _longest(octets: pa.NativeFile, metadata: pq.FileMetaData, columns: Sequence[str]) -> int:
    """Return what a row of the longest values takes that stand in dictionaries: each may be that of every row.

    A first row brings the whole dictionary of its row group with it.
    """
    groups = range(metadata.num_row_groups)
    parts = (part for number in groups for part in _parts(metadata.row_group(number), columns))
    names = list(dict.fromkeys(part.path_in_schema for part in parts if _is_coded_text(part)))
    if not names:
        return 0
    parquet = pq.ParquetFile(octets, metadata=metadata, read_dictionary=names, pre_buffer=False)
    longest = 0
    for number in groups:
        first = next(parquet.iter_batches(batch_size=1, row_groups=[number], columns=names, use_threads=False), None)
        found = [] if first is None else [_longest_value(column) for column in first.columns]
        longest = max(longest, sum(found))
    return longest


def _is_coded_text(part: pq.ColumnChunkMetaData) -> bool:
    return bool(part.physical_type == "BYTE_ARRAY" and part.has_dictionary_page)


def _longest_value(column: pa.Array) -> int:
    kind = column.type
    if types.is_list(kind) or types.is_large_list(kind):
        return LIST_VALUES_A_ROW_MAX * _longest_value(column.values)
    if not types.is_dictionary(kind) or not len(column.dictionary):
        return 0
    return int(pc.max(pc.binary_length(column.dictionary)).as_py() or 0)
