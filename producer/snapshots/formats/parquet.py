"""Reads Parquet files a few thousand rows at a time, whatever the size of their row groups."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from producer.snapshots.byte_streams import BLOCK_BYTES, ROW_BYTES_MAX
from producer.snapshots.decompression_limit import proportionate
from producer.snapshots.errors import BadRow, MissingColumn, TextlessColumn, Truncated, UnclearColumns
from producer.snapshots.file import File
from producer.snapshots.formats.canonical_text import Textless, Undecodable, canonical
from producer.snapshots.formats.parquet_limits import batch_rows, check_footer
from producer.snapshots.snapshot import without_first


class ParquetReader:
    """Parquet through `ParquetFile`: `pyarrow.dataset` holds whole row groups in memory."""

    same_columns = True
    tells_rows = True

    def columns(self, file: File) -> list[str]:
        """Return the top-level columns."""
        with _open(file) as (parquet, _):
            return list(dict.fromkeys(parquet.schema_arrow.names))

    def numbers(self, file: File) -> list[tuple[str, int | None]]:
        """Return the columns with the number that table formats give them, None where there is none."""
        with _open(file) as (parquet, _):
            fields = [(field.name, (field.metadata or {}).get(b"PARQUET:field_id")) for field in parquet.schema_arrow]
            return [(name, None if number is None else int(number)) for name, number in fields]

    def types(self, file: File) -> Mapping[str, str]:
        """Return Arrow's names of the types."""
        with _open(file) as (parquet, _):
            return {field.name: str(field.type) for field in parquet.schema_arrow}

    def count(self, file: File) -> int:
        """Return the number of rows that the file's last bytes tell."""
        with _open(file) as (parquet, _):
            return int(parquet.metadata.num_rows)

    def batches(self, file: File, columns: Sequence[str], from_row: int, found: set[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows, passing over the row groups before `from_row` without reading them."""
        with _open(file) as (parquet, octets):
            _check_columns(file, parquet.schema_arrow.names, columns)
            found.update(columns)
            groups, skipped = _groups_from(parquet.metadata, from_row)
            typed = parquet.iter_batches(
                batch_size=_batch_rows(file, octets, parquet.metadata, columns),
                row_groups=groups,
                columns=list(columns),
                use_threads=False,
            )
            row = skipped
            whole = proportionate(file, octets.size(), _whole(file, typed, skipped))
            for batch in without_first(whole, from_row - skipped):
                row = max(row, from_row)
                yield _texts(file, batch, columns, row)
                row += batch.num_rows


@contextmanager
def _open(file: File) -> Iterator[tuple[pq.ParquetFile, pa.NativeFile]]:
    with closing(file.open()) as octets:
        check_footer(file, octets)
        try:
            parquet = pq.ParquetFile(octets, pre_buffer=False, buffer_size=BLOCK_BYTES)
        except (pa.ArrowException, OSError) as error:
            raise Truncated(file, "not a whole Parquet file: it ends early or is damaged") from error
        yield parquet, octets


def _check_columns(file: File, present: Sequence[str], wanted: Sequence[str]) -> None:
    if missing := [column for column in wanted if column not in present]:
        raise MissingColumn(file, missing, present)
    for column in wanted:
        if present.count(column) > 1:
            raise UnclearColumns(file, f"there are two columns {column!r}")


def _groups_from(metadata: pq.FileMetaData, from_row: int) -> tuple[list[int], int]:
    """Return the row groups that hold rows after `from_row`, and how many rows lie before them."""
    before = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if before + rows > from_row:
            return list(range(group, metadata.num_row_groups)), before
        before += rows
    return [], before


def _batch_rows(file: File, octets: pa.NativeFile, metadata: pq.FileMetaData, columns: Sequence[str]) -> int:
    try:
        return batch_rows(file, octets, metadata, columns)
    except (pa.ArrowException, OSError) as error:
        raise Truncated(file, "damaged") from error


def _whole(file: File, typed: Iterator[pa.RecordBatch], row: int) -> Iterator[pa.RecordBatch]:
    try:
        for batch in typed:
            yield batch
            row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise Truncated(file, f"damaged after row {row}") from error


def _texts(file: File, batch: pa.RecordBatch, columns: Sequence[str], before: int) -> pa.RecordBatch:
    texts = []
    for column in columns:
        try:
            text = canonical(batch.column(column))
        except Textless as error:
            raise TextlessColumn(file, column, f"the type {error}") from None
        except Undecodable as error:
            raise BadRow(file, before + error.index + 1, "not UTF-8", column=column) from None
        long = pc.index(pc.greater(pc.binary_length(text), ROW_BYTES_MAX), value=True).as_py()
        if long >= 0:
            raise BadRow(file, before + long + 1, f"longer than {ROW_BYTES_MAX} bytes", column=column)
        texts.append(text)
    return pa.RecordBatch.from_arrays(texts, names=list(columns))
