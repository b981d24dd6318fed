"""Shows the beginning of a snapshot to a person who is about to map its columns: addresses are masked, nothing is read to its end."""

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from producer.snapshots.errors import BadRow, Misquoted, TextlessColumn
from producer.snapshots.locations.database import QueryResult
from producer.snapshots.snapshot import FileSnapshot, at_once, states

ROWS: Final = 10
CHARACTERS: Final = 200
"""What is shown of a value."""

_ADDRESS: Final = re.compile(r"([^\s@,;|<>\"'])[^\s@,;|<>\"']*@")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a snapshot is and how it begins; `rows` and `size` are None where only reading it all would tell."""

    files: int
    size: int | None
    rows: int | None
    columns: Mapping[str, str]
    beginning: Sequence[Mapping[str, str | None]]


def preview(snapshot: FileSnapshot) -> Preview:
    """Read the first rows of a snapshot. It blocks; raises SnapshotError."""
    files, reader = snapshot.files, snapshot.reader
    if isinstance(files[0], QueryResult):
        begun, rows = replace(snapshot, files=[files[0].beginning(ROWS)]), None
    else:
        begun, rows = snapshot, sum(at_once(reader.count, files)) if reader.tells_rows else None
    types = dict(reader.types(begun.files[0]))
    columns = {name: types.get(name, "text") for name in begun.columns()}
    return Preview(len(files), size_of(snapshot), rows, columns, _beginning(begun, list(columns)))


def size_of(snapshot: FileSnapshot) -> int | None:
    """Ask how many bytes a snapshot has; None where only reading it all would tell. Raises SnapshotError."""
    if isinstance(snapshot.files[0], QueryResult):
        return None
    size = sum(state.size for state in states(snapshot.files))
    return size if size >= 0 else None


def _beginning(snapshot: FileSnapshot, columns: list[str]) -> list[dict[str, str | None]]:
    """Return the first rows; a column that has no text is left out, as it cannot be mapped."""
    while columns:
        try:
            # A part may be empty: the first rows are those of the first batch, whichever file it is from.
            with closing(snapshot.beginning(columns)) as batches:
                batch: pa.RecordBatch | None = next(batches, None)
        except (TextlessColumn, BadRow) as error:
            if error.column not in columns or isinstance(error, Misquoted):
                raise
            columns = [column for column in columns if column != error.column]
        else:
            rows = [] if batch is None else batch.slice(0, ROWS).to_pylist()
            return [{name: masked(value) for name, value in row.items()} for row in rows]
    return []


def masked(value: str | None) -> str | None:
    """Hide whose address a value holds, and show whether it is one."""
    return None if value is None else _ADDRESS.sub(r"\1***@", value[:CHARACTERS])
