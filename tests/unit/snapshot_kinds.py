"""Makes one snapshot of the same rows in memory and in real files, so that one test body holds the double to the deed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from producer.snapshots import Snapshot, open_snapshot
from tests.unit.in_memory import InMemorySnapshot, Row

MakeSnapshot = Callable[[Sequence[Row]], Snapshot]

KINDS: Final = ("memory", "csv", "parquet")


def maker(kind: str, folder: Path) -> MakeSnapshot:
    """Return what makes a snapshot of this kind; in files every row must have the columns of the first."""

    def in_memory(rows: Sequence[Row]) -> Snapshot:
        return InMemorySnapshot(list(rows))

    def in_a_file(rows: Sequence[Row]) -> Snapshot:
        file = folder / f"segment.{kind}"
        table = pa.Table.from_pylist(
            [dict(row) for row in rows], schema=pa.schema([(column, pa.string()) for column in rows[0]])
        )
        if kind == "csv":
            pyarrow.csv.write_csv(table, file)
        else:
            pyarrow.parquet.write_table(table, file)
        return open_snapshot(str(file), [folder])

    return in_memory if kind == "memory" else in_a_file
