"""A snapshot in memory: what `producer.snapshots.snapshot.Snapshot` promises, without files; its rows may be changed by a test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa

from producer.snapshots.errors import Empty, MissingColumn, SnapshotChanged
from producer.snapshots.snapshot import Pin

Row = Mapping[str, str | None]

_PLACE = Path("memory")


@dataclass
class InMemorySnapshot:
    """Rows as they were last put, in batches of `batch_rows`; `reads` has from which row each reading began."""

    rows: list[Row]
    batch_rows: int = 3
    reads: list[int] = field(default_factory=list)

    def pin(self) -> Pin:
        """Tell these rows from others."""
        return Pin(blake2b(repr(self.rows).encode(), digest_size=16).hexdigest())

    def verify(self, pin: Pin) -> None:
        """Raise Changed unless the rows are still those of the pin."""
        if self.pin() != pin:
            raise SnapshotChanged("memory: the snapshot changed while the run was reading it")

    def columns(self) -> list[str]:
        """Return the columns of the first row."""
        return list(self.rows[0])

    def read(self, columns: Sequence[str], from_row: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield the rows after the first `from_row` ones."""
        self.reads.append(from_row)
        pinned = self.pin()
        schema = pa.schema([(column, pa.string()) for column in columns])
        for begin in range(from_row, len(self.rows), self.batch_rows):
            rows = self.rows[begin : begin + self.batch_rows]
            yield pa.RecordBatch.from_pylist(
                [{column: row.get(column) for column in columns} for row in rows], schema=schema
            )
        self.verify(pinned)
        if from_row == 0:
            if not self.rows:
                raise Empty("memory: no rows")
            found = {column for row in self.rows for column in row}
            if missing := [column for column in columns if column not in found]:
                raise MissingColumn(_PLACE, missing, sorted(found))
