"""Made-up segments as files: the same rows in any format, of which a share can differ; every address is an ordinary one."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import orjson
import pyarrow as pa
from pyarrow import parquet

Format = Literal["csv", "parquet", "ndjson"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "parquet", "ndjson")

COLUMNS: Final = ("Email", "FirstName", "LastName", "Phone")
MAPPING: Final = {"email": "Email", "first_name": "FirstName", "last_name": "LastName", "phone": "Phone"}
ROWS_A_GROUP: Final = 50_000

_SCHEMA: Final = pa.schema([(name, pa.string()) for name in COLUMNS])


def write_people(path: Path, count: int, *, start: int = 0, changed_every: int | None = None) -> Path:
    """Write so many people, numbered from `start`; every `changed_every`-th has another first name than otherwise."""
    groups = _groups(count, start, changed_every)
    match path.suffix:
        case ".parquet":
            with parquet.ParquetWriter(path, _SCHEMA) as writer:
                for group in groups:
                    writer.write_table(pa.table(dict(zip(COLUMNS, zip(*group, strict=True), strict=True)), _SCHEMA))
        case ".csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                lines = csv.writer(file)
                lines.writerow(COLUMNS)
                for group in groups:
                    lines.writerows(group)
        case ".ndjson":
            with path.open("wb") as file:
                for group in groups:
                    file.writelines(orjson.dumps(dict(zip(COLUMNS, row, strict=True))) + b"\n" for row in group)
        case suffix:
            raise ValueError(f"people are not written as {suffix!r}")
    return path


def people(count: int) -> list[tuple[str, ...]]:
    """The first people, as rows."""
    return [_row(number, None) for number in range(count)]


def address(number: int) -> str:
    """The address of a person."""
    return f"person.{number}@example.com"


def _groups(count: int, start: int, changed_every: int | None) -> Iterator[list[tuple[str, ...]]]:
    for first in range(start, start + count, ROWS_A_GROUP):
        yield [_row(number, changed_every) for number in range(first, min(start + count, first + ROWS_A_GROUP))]


def _row(number: int, changed_every: int | None) -> tuple[str, ...]:
    is_changed = changed_every is not None and number % changed_every == 0
    first_name = "Renamed" if is_changed else f"Ann{number % 97}"
    return address(number), first_name, f"Miller{number % 89}", f"+44207946{number % 10_000:04}"
