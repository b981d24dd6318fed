"""Tells delimiter and columns from the first line of a CSV file; reads no rows."""

import codecs
import csv
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from producer.snapshots.byte_streams import open_bytes
from producer.snapshots.errors import MissingColumn, Truncated, UnclearColumns, Unsupported
from producer.snapshots.file import File
from producer.snapshots.formats.csv_quotes import Quotes

DELIMITERS = (",", ";", "\t", "|")
"""In order of preference where the header would allow several."""

HEADER_BYTES_MAX = 64 << 10


@dataclass(frozen=True)
class Header:
    """What tells the columns of a file: its delimiter, the names, and how many rows of the file are no data but they."""

    file: File
    delimiter: str
    names: tuple[str, ...]
    rows: int = 1

    def positions(self, columns: Sequence[str]) -> list[int]:
        """Return where these columns stand. Raises MissingColumn, and UnclearColumns where a name stands twice."""
        if missing := [column for column in columns if column not in self.names]:
            raise MissingColumn(self.file, missing, self.names)
        for column in columns:
            if self.names.count(column) > 1:
                raise UnclearColumns(self.file, f"there are two columns {column!r}")
        return [self.names.index(column) for column in columns]


def read_header(file: File) -> Header | None:
    """
    Return what the first line that is not blank tells, None for a file without any.

    Raises Missing, Truncated, Unsupported (UTF-16) and UnclearColumns (no header; its names are not repeated then,
    they may be a person's).
    """
    line = _first_line(file)
    if not line:
        return None
    outside = _outside_quotes(line)
    delimiter = max(DELIMITERS, key=outside.count)  # the first one where none occurs: then there is one column
    quotes = Quotes(delimiter)
    if fault := quotes.feed(line.encode()) or quotes.feed(b"\n") or quotes.end():
        raise UnclearColumns(file, f"in the first line: {fault.problem}")
    names = tuple(name.strip() for name in next(csv.reader([line], delimiter=delimiter)))
    if any("@" in name for name in names):
        raise UnclearColumns(file, "the first line holds an address where the names of the columns should be")
    return Header(file, delimiter, names)


def _first_line(file: File) -> str:
    with closing(open_bytes(file)) as stream:
        try:
            beginning: bytes = stream.read(HEADER_BYTES_MAX)
        except OSError as error:
            raise Truncated(file, "the compressed file ends early or is damaged") from error
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unsupported(f"{file}: UTF-16; save it as UTF-8")
    octets = beginning.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    outside = _outside_quotes(octets.decode("latin-1"))  # one character a byte, so that positions agree
    end = min((at for at in (outside.find("\r"), outside.find("\n")) if at >= 0), default=len(octets))
    if end == len(octets) and len(beginning) == HEADER_BYTES_MAX:
        raise UnclearColumns(file, f"the first line is over {HEADER_BYTES_MAX} bytes, or a quote in it is not closed")
    try:
        return octets[:end].decode()
    except UnicodeDecodeError:
        raise UnclearColumns(file, "the first line is not UTF-8") from None


def _outside_quotes(text: str) -> str:
    """Blank out what stands between quotes, keeping every position."""
    parts = text.split('"')
    return '"'.join(part if at % 2 == 0 else " " * len(part) for at, part in enumerate(parts))
