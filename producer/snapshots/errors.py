"""
What can be wrong with a snapshot, as exceptions whose message names file, row and column.

Each of them ends the run before anything is sent; they differ in what a person has to mend:

* SnapshotError
  x OutsideRoots      the place is not below SNAPSHOT_ROOTS. Allow it, or put the snapshot elsewhere.
  x Missing           there is no such file, or it may not be read.
  x Forbidden         a store refuses our credentials, or they have expired. Renew them.
  x Unreachable       a store gave no answer, however often it was asked. Start another run when it does.
  x Unsupported       the place or the format is none that we read, or what reads it is not installed.
  x Empty             there is not a single row.
  x Changed           the files are no longer those that the run began with. Start another run.
  x Truncated         a file ends early or is damaged. Write it again.
  x Swollen           a file unpacks to more than it could hold. Look at who wrote it.
  x ColumnError
    x MissingColumn     a mapped column is not there. Mend the mapping or the file.
    x UnlikeColumns     two files of one snapshot have different columns.
    x UnclearColumns    the header names a column twice, or is no header.
    x TextlessColumn    the column's type has no text: structs, maps, unions.
  x BadRow            one row cannot be read.
    x Misquoted         a quote stands where it may end a cell or a row elsewhere than meant. Write the file again.

Messages never repeat a value: an address in an error would end in a log.
Rows are counted from 1 within the named file, without its header: what an editor or a notebook shows.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

NAMES_SHOWN: Final = 50
NAME_CHARACTERS_SHOWN: Final = 100

Named: TypeAlias = object
"""A file or place of whatever kind; its `str` is what a person calls it."""


class SnapshotError(Exception):
    """A snapshot cannot be read as asked."""


class OutsideRoots(SnapshotError):
    """The place, its links resolved, is not below any of the allowed roots."""


class Missing(SnapshotError):
    """No file is there, or none that we may read."""


class SourceForbidden(SnapshotError):
    """Whoever keeps the snapshot does not let us read it."""


class SourceUnreachable(SnapshotError):
    """Whoever keeps the snapshot does not answer."""


class Unsupported(SnapshotError):
    """The place or the format is none that we read."""


class Empty(SnapshotError):
    """The snapshot holds no rows."""


class SnapshotChanged(SnapshotError):
    """The files are not those that were pinned."""


class Truncated(SnapshotError):
    """A file ends before its time, or is damaged."""

    def __init__(self, file: Named, problem: str) -> None:
        super().__init__(f"{file}: {problem}")


class Swollen(SnapshotError):
    """A file unpacks to more than a segment would."""

    def __init__(self, file: Named, problem: str) -> None:
        super().__init__(f"{file}: {problem}")


class ColumnError(SnapshotError):
    """The columns are not what the mapping or the other files need."""


class MissingColumn(ColumnError):
    """The mapping names columns that are not there."""

    def __init__(self, place: Named, missing: Sequence[str], present: Sequence[str]) -> None:
        super().__init__(f"{place}: no column {_some(missing)}; there is {_some(present) or 'none'}")


class UnlikeColumns(ColumnError):
    """Two files of one snapshot have different columns."""

    def __init__(self, one: Named, other: Named, differing: Sequence[str]) -> None:
        super().__init__(f"{one} and {other} have different columns: {_some(differing)} is in one of them only")


class UnclearColumns(ColumnError):
    """The header does not tell which column is which."""

    def __init__(self, file: Named, problem: str) -> None:
        super().__init__(f"{file}: {problem}")


class TextlessColumn(ColumnError):
    """The column is of a type that has no text."""

    def __init__(self, file: Named, column: str, kind: str) -> None:
        self.column = column
        super().__init__(f"{file}, column {column!r}: {kind} cannot be written as text")


class BadRow(SnapshotError):
    """One row cannot be read; without it the file would lose data silently."""

    def __init__(self, file: Named, row: int, problem: str, *, column: str | None = None) -> None:
        self.column = column
        where = f"{file}, row {row}" + (f", column {column!r}" if column is not None else "")
        super().__init__(f"{where}: {problem}")


class Misquoted(BadRow):
    """A quote breaks RFC 4180's rules: whose cells follow it cannot be known."""


def _some(names: Sequence[str]) -> str:
    """Name columns; of very many, or of very long ones, the beginning."""
    shown = [repr(name[:NAME_CHARACTERS_SHOWN]) for name in names[:NAMES_SHOWN]]
    return ", ".join(shown) + (f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else "")
