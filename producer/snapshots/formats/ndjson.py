"""Reads NDJSON, one object a line; a key that a line leaves out is null, and values get the text that Arrow's have."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import orjson
import pyarrow as pa

from producer.snapshots.byte_streams import BATCH_ROWS, BLOCK_BYTES, ROW_BYTES_MAX, open_bytes
from producer.snapshots.decompression_limit import Unpacked
from producer.snapshots.errors import BadRow, Truncated
from producer.snapshots.file import File
from producer.snapshots.formats.canonical_text import EXACT_FLOATS_BELOW, canonical, joined

BATCH_BYTES = 4 << 20
"""What the lines of one batch may take together before it is closed early."""

_KINDS = {str: "text", bool: "boolean", int: "number", float: "number", list: "list", type(None): "null"}


class NdjsonReader:
    """NDJSON through a line reader: it holds the least memory of all."""

    same_columns = False
    tells_rows = False

    def columns(self, file: File) -> list[str]:
        """Return the keys of the first rows: no line need have them all."""
        return list(dict.fromkeys(key for row in _rows(file, _lines(file), 0) for key in row))

    def types(self, file: File) -> Mapping[str, str]:
        """Return what JSON calls the values of the first rows."""
        found: dict[str, set[str]] = {}
        for row in _rows(file, _lines(file), 0):
            for key, value in row.items():
                found.setdefault(key, set()).add(_KINDS.get(type(value), "object"))
        return {key: " or ".join(sorted(kinds - {"null"})) or "null" for key, kinds in found.items()}

    def count(self, file: File) -> int:
        """Return the number of rows."""
        return sum(1 for _ in _lines(file))

    def batches(self, file: File, columns: Sequence[str], from_row: int, found: set[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows; those before `from_row` are passed over without a look into them."""
        lines = islice(_lines(file), from_row, None)
        row = from_row
        while rows := _rows(file, lines, row):
            found.update(column for column in columns if column not in found and any(column in each for each in rows))
            yield _texts(file, rows, columns, row)
            row += len(rows)


def _lines(file: File) -> Iterator[bytes]:
    """Yield the lines that are not blank."""
    number = 0
    with closing(open_bytes(file)) as stream:
        rest = _block(file, stream, number, len(BOM_UTF8)).removeprefix(BOM_UTF8)
        while block := _block(file, stream, number, BLOCK_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            for line in (*lines, rest):
                if len(line) > ROW_BYTES_MAX:
                    raise BadRow(file, number + 1, f"at or soon after it a line is over {ROW_BYTES_MAX} bytes")
            for line in lines:
                if line.strip():
                    number += 1
                    yield line
    if rest.strip():
        if not _is_json(rest):
            raise Truncated(file, f"it ends in the middle of row {number + 1}")
        yield rest


def _block(file: File, stream: pa.NativeFile | Unpacked, row: int, size: int) -> bytes:
    try:
        return bytes(stream.read(size))
    except OSError as error:
        raise Truncated(file, f"damaged or cut off after row {row}") from error


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _rows(file: File, lines: Iterator[bytes], before: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    taken_bytes = 0
    for line in islice(lines, BATCH_ROWS):
        rows.append(_row(file, before + len(rows) + 1, line))
        taken_bytes += len(line)
        if taken_bytes > BATCH_BYTES:
            break
    return rows


def _row(file: File, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if number == 1 and line.startswith(b"["):
            raise BadRow(file, number, "a JSON array; one object a line is wanted") from None
        # orjson's error carries the line.
        raise BadRow(file, number, f"not JSON in UTF-8 ({error.msg})") from None
    if not isinstance(row, dict):
        raise BadRow(file, number, "not a JSON object")
    return row


def _texts(file: File, rows: Sequence[dict[str, Any]], columns: Sequence[str], before: int) -> pa.RecordBatch:
    texts = [_column(file, [row.get(column) for row in rows], column, before) for column in columns]
    return pa.RecordBatch.from_arrays(texts, names=list(columns))


def _column(file: File, values: list[Any], column: str, before: int) -> pa.StringArray:
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return canonical(pa.array(values, pa.string()))
    if kinds == {float} and all(value is None or abs(value) < EXACT_FLOATS_BELOW for value in values):
        return canonical(pa.array(values, pa.float64()))
    texts: list[str | None] = []
    for row, value in enumerate(values, start=before + 1):
        try:
            texts.append(_text(value))
        except ValueError as error:
            raise BadRow(file, row, str(error), column=column) from None
    return canonical(pa.array(texts, pa.string()))


def _text(value: Any) -> str | None:
    """Return the text that `canonical` gives to such a value. Raises ValueError, with the reason."""
    match value:
        case None:
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if abs(value) >= EXACT_FLOATS_BELOW:
            # orjson reads whole numbers of more than 64 bits as floats, losing digits.
            raise ValueError("a number too long to be read exactly: write it as text")
        case float():
            return str(int(value)) if value.is_integer() else str(pa.scalar(value).cast(pa.string()))
        case list():
            return joined([text for item in value if (text := _item(item))])
        case _:
            raise ValueError("an object cannot be written as text")


def _item(value: Any) -> str | None:
    if isinstance(value, list):
        raise ValueError("a list within a list cannot be written as text")  # noqa: TRY004 - said of the row
    return _text(value)
