"""Reads CSV and its relatives, every column as text; what the header tells is found in `header`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import pyarrow as pa
from pyarrow import csv

from producer.snapshots.byte_streams import BLOCK_BYTES, ROW_BYTES_MAX, open_bytes
from producer.snapshots.decompression_limit import Unpacked
from producer.snapshots.errors import BadRow, Misquoted, SnapshotError, Truncated, UnclearColumns
from producer.snapshots.file import File
from producer.snapshots.formats.canonical_text import Undecodable, canonical
from producer.snapshots.formats.csv_quotes import Finder, QuoteFault, Quotes
from producer.snapshots.formats.delimited_header import Header, read_header
from producer.snapshots.formats.delimited_layouts import Layout
from producer.snapshots.snapshot import without_first

_LAST_FIELD = b"segment-export: end of file"


class DelimitedReader:
    """CSV, with or without a byte order mark, with fields in quotes and newlines in them; `layout` is told elsewhere."""

    same_columns = True
    tells_rows = False

    def __init__(self, layout: Layout | None = None) -> None:
        self._layout = layout

    def columns(self, file: File) -> list[str]:
        """Return the names in the header, without the spaces around them."""
        header = self._header(file)
        return [] if header is None else list(dict.fromkeys(header.names))

    def types(self, _: File) -> Mapping[str, str]:
        """Return what is told elsewhere; a CSV file itself knows text only."""
        return {} if self._layout is None else self._layout.types

    def count(self, file: File) -> int:
        """Return the number of rows, by reading them: a newline may be part of a field."""
        header = self._header(file)
        return 0 if header is None else sum(batch.num_rows for batch in _rows(header, (0,))) - header.rows

    def batches(self, file: File, columns: Sequence[str], from_row: int, found: set[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows; those before `from_row` are read and dropped, since only reading tells where a row ends."""
        header = self._header(file)
        if header is None:
            return
        positions = header.positions(columns)
        found.update(columns)
        # The header is read as a row, so that Arrow never sees its names: they may be doubled or padded.
        row = from_row
        for batch in without_first(_rows(header, positions), header.rows + from_row):
            texts = _texts(file, batch, columns, row)
            yield texts if self._layout is None else self._layout.typed(texts)
            row += batch.num_rows

    def _header(self, file: File) -> Header | None:
        return read_header(file) if self._layout is None else self._layout.header(file)


class _Ended:
    """
    A file with one more row behind it, by which we know that its end was the end of a row; its quotes keep the rules.

    Arrow takes a quote that is never closed for closed at the end of the file, with all rows after it in that field.
    """

    closed = False

    def __init__(self, header: Header, stream: pa.NativeFile | Unpacked, last_row: bytes) -> None:
        self._header = header
        self._stream = stream
        self._rest = last_row
        self._quotes = Quotes(header.delimiter)

    def read(self, size: int) -> bytes:
        block: bytes = self._stream.read(size)
        wanted = size - len(block)
        fault = self._quotes.feed(block) or (self._quotes.end() if wanted else None)
        if fault:
            raise _misquoted(self._header, fault)
        block, self._rest = block + self._rest[:wanted], self._rest[wanted:]
        return block

    def close(self) -> None:
        self._stream.close()


def _rows(header: Header, positions: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """Yield the fields at these positions as bytes, beginning with the header itself."""
    refusals: list[BadRow] = []
    row = -header.rows
    last: pa.RecordBatch | None = None
    with closing(open_bytes(header.file)) as stream:
        try:
            for batch in _open(header, stream, positions, refusals):
                if last is not None:
                    yield last
                    row += last.num_rows
                last = batch
        except (pa.ArrowException, OSError) as error:
            # Arrow's message repeats the row.
            raise _reason(header.file, error, refusals, max(row, 0)) from None
    if last is None or last.column(0)[-1].as_py() != _LAST_FIELD:
        raise Truncated(header.file, "it ends inside a quoted field: it is cut off, or a quote is never closed")
    yield last.slice(0, last.num_rows - 1)


def _open(
    header: Header, stream: pa.NativeFile | Unpacked, positions: Sequence[int], refusals: list[BadRow]
) -> csv.CSVStreamingReader:
    def refuse(row: csv.InvalidRow) -> str:
        problem = f"{row.actual_columns} columns where the header has {row.expected_columns}"
        refusals.append(BadRow(header.file, row.number - header.rows, problem))
        return "error"

    names = [str(position) for position in range(len(header.names))]
    wanted = [names[position] for position in positions]
    last_row = b"\n" + header.delimiter.encode().join([_LAST_FIELD] * len(names)) + b"\n"
    return csv.open_csv(
        _Ended(header, stream, last_row),
        read_options=csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=names),
        parse_options=csv.ParseOptions(delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=refuse),
        # As bytes, so that we can tell which row is not UTF-8.
        convert_options=csv.ConvertOptions(
            include_columns=wanted, column_types=dict.fromkeys(wanted, pa.binary()), check_utf8=False
        ),
    )


def _reason(file: File, error: Exception, refusals: Sequence[BadRow], row: int) -> SnapshotError:
    if refusals:
        return refusals[0]
    if "straddling object" in str(error):  # a row that does not fit into one block of Arrow's
        return BadRow(file, row + 1, f"it or a row soon after is over {ROW_BYTES_MAX} bytes, or a quote is not closed")
    return Truncated(file, f"damaged or cut off after row {row}")


def _misquoted(header: Header, fault: QuoteFault) -> SnapshotError:
    """Name row and column of a fault, for which the file is read again up to there."""
    finder, rest = Finder(header.delimiter), fault.offset
    with closing(open_bytes(header.file)) as stream:
        while rest and (block := stream.read(min(rest, BLOCK_BYTES))):
            finder.feed(block)
            rest -= len(block)
    lines, cells = finder.spot
    column = header.names[cells] if cells < len(header.names) else None
    if lines < header.rows:
        return UnclearColumns(header.file, f"in the first line: {fault.problem}")
    return Misquoted(header.file, lines - header.rows + 1, fault.problem, column=column)


def _texts(file: File, batch: pa.RecordBatch, columns: Sequence[str], before: int) -> pa.RecordBatch:
    texts = []
    for column, fields in zip(columns, batch.columns, strict=True):
        try:
            texts.append(canonical(fields))
        except Undecodable as error:
            raise BadRow(file, before + error.index + 1, "not UTF-8", column=column) from None
    return pa.RecordBatch.from_arrays(texts, names=list(columns))
