"""
Reads the answer of a database through ADBC: a table or a query, in the order of a key; knows no kind of database.

The whole answer is taken at once, in batches, into a spool (Parquet on this machine's disk), and the run reads that: twice, and as
slowly as ActiveCampaign works. An open cursor would hold a transaction for 40 minutes, which keeps a server from cleaning up and
is cut by its timeouts; paging by key would see each page at another time, so that nothing could say that both readings of a run
saw the same rows. Its pin is the digest of the spool: a producer that takes a run over asks again, and goes on if it got the
same answer. That is why there must be a key: without an order the same rows would look like others.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from producer.snapshots.errors import Missing, SourceForbidden, SourceUnreachable, Unsupported
from producer.snapshots.file import FileState
from producer.snapshots.locations.temp_file import TempFile
from producer.snapshots.optional_imports import needed
from producer.snapshots.uris import SnapshotUri, plain_path, refuse_secrets, refuse_user

GROUP_ROWS: Final = 5_000
"""Rows of a row group. Always as many, whatever batches a driver makes: equal answers must be equal bytes."""

KNOWN: Final = frozenset({"table", "query", "key"})

Connect = Callable[[SnapshotUri], AbstractContextManager[Any]]
"""Open a DBAPI connection of ADBC that cannot write."""

_FORBIDDEN: Final = re.compile(
    r"password|authenticat|permission denied|not authorized|role .* does not exist|forbidden|\b40[13]\b", re.IGNORECASE
)
_MISSING: Final = re.compile(
    r"no such (?:table|column)|does not exist|not found|unable to open database", re.IGNORECASE
)


def read_place(uri: str, form: str, *, also: frozenset[str] = frozenset()) -> SnapshotUri:
    """Read `scheme://host/database?table=schema.name&key=id`, or `query=` in place of `table=`. Raises Unsupported."""
    refuse_user(uri)
    parts = urlsplit(uri)
    refuse_secrets(parts.query, innocent=KNOWN)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(set(asked) - KNOWN - also):
        raise Unsupported(f"not {form}: {', '.join(unknown)} is not known")
    if bool(asked.get("table")) == bool(asked.get("query")):
        raise Unsupported(f"not {form}: name a table, or a query")
    if not asked.get("key"):
        raise Unsupported(
            f"not {form}: name the key, a column whose values are all different, by which rows are ordered"
        )
    if asked.get("query") and not re.match(r"\s*(?:select|with)\b", asked["query"], re.IGNORECASE):
        raise Unsupported("a query begins with SELECT or WITH")
    return SnapshotUri(
        parts.scheme.lower(), parts.netloc.lower(), plain_path(unquote(parts.path)), tuple(asked.items())
    )


def quoted(name: str, quote: str = '"') -> str:
    """Write a name as SQL does, dots in it between schema and table."""
    return ".".join(quote + step.replace(quote, quote * 2) + quote for step in name.split("."))


def select(place: SnapshotUri, *, quote: Callable[[str], str] = quoted, columns: Iterable[str] = ("*",)) -> str:
    """Write the query of a place, without its order."""
    query = place.ask("query")
    wanted = f"({query.strip().rstrip(';')})" if query else quote(place.ask("table") or "")
    return f"SELECT {', '.join(columns)} FROM {wanted} AS segment"  # noqa: S608  the operator allowed the database, read-only


def in_order(place: SnapshotUri, *, quote: Callable[[str], str] = quoted) -> str:
    """Write the order of a place."""
    return f"ORDER BY segment.{quote(place.ask('key') or '')}"


@dataclass
class QueryResult:
    """The answer of a database as a file: asked for when it is first read, and kept as long as this object."""

    place: SnapshotUri
    connect: Connect
    statement: Callable[[Any, SnapshotUri], str]
    options: Mapping[str, str]
    most: int | None = None
    _spool: TempFile | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.place} ({self.place.ask('table') or 'query'})"

    @property
    def name(self) -> str:
        """What tells the format of the spool."""
        return "answer.parquet"

    def state(self) -> FileState:
        """Return the size and digest of the answer."""
        return self._taken().state()

    def open(self) -> pa.NativeFile:
        """Open the spool."""
        return self._taken().open()

    def beginning(self, rows: int) -> "QueryResult":
        """Return the same with so many rows at most."""
        return QueryResult(self.place, self.connect, self.statement, self.options, rows)

    def _taken(self) -> TempFile:
        if self._spool is None:
            self._spool = self._take()
        return self._spool

    def _take(self) -> TempFile:
        spool = TempFile(str(self))
        try:
            with self.connect(self.place) as connection, connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**self.options)
                limit = "" if self.most is None else f" LIMIT {self.most}"
                cursor.execute(self.statement(connection, self.place) + limit)
                _write(cursor.fetch_record_batch(), spool)
        except (pa.ArrowException, OSError, _errors()) as error:
            raise self._explained(error) from None
        return spool

    def _explained(self, error: Exception) -> Exception:
        """Say in our words what a driver says: its own may repeat values or where a password was looked for."""
        said, kind = str(error), type(error).__name__
        code = getattr(error, "sqlstate", None) or kind
        if _FORBIDDEN.search(said):
            return SourceForbidden(f"{self}: the database does not let us in, or not read this ({code})")
        if _MISSING.search(said):
            return Missing(f"{self}: there is no such database, table or column ({code})")
        if kind == "OperationalError" or "connect" in said.lower():
            return SourceUnreachable(f"{self}: the database did not answer to its end ({code})")
        return Unsupported(f"{self}: the database refuses the query ({code})")


def _errors() -> type[Exception]:
    error: type[Exception] = needed("adbc_driver_manager", "sqlite").Error
    return error


def _write(batches: Iterable[pa.RecordBatch], spool: TempFile) -> None:
    reader: Any = batches
    kept = pa.schema(
        [pa.field(each.name, each.type if _is_kept(each.type) else _unwritten(each.type)) for each in reader.schema]
    )
    with pq.ParquetWriter(spool.file, kept, compression="zstd") as writer:
        for table in _groups(reader):
            columns = [
                column if column.type == kind else pa.nulls(len(table), kind)
                for column, kind in zip(table.columns, kept.types, strict=True)
            ]
            writer.write_table(pa.table(columns, schema=kept), row_group_size=GROUP_ROWS)


def _is_kept(kind: pa.DataType) -> bool:
    """Whether Parquet has a form for a type; intervals have none."""
    try:
        pq.write_metadata(pa.schema([("column", kind)]), pa.BufferOutputStream())
    except pa.ArrowNotImplementedError:
        return False
    return True


def _unwritten(kind: pa.DataType) -> pa.DataType:
    """A type that has no text either and says what it stands for: whoever maps the column is told so."""
    return pa.struct([(str(kind), pa.string())])


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield tables of `GROUP_ROWS` rows, and what is left."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        while rows >= GROUP_ROWS:
            table = pa.Table.from_batches(held)
            yield table.slice(0, GROUP_ROWS)
            held = table.slice(GROUP_ROWS).to_batches()
            rows -= GROUP_ROWS
    if rows:
        yield pa.Table.from_batches(held)
