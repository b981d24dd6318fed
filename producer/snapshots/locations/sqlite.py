"""
Reads `sqlite:///path/to/file.db?table=name&key=id` over ADBC (the extra `sqlite`); the file is below a local root.

SQLite's columns have no types, and its driver takes them from the first rows: every value is asked for as text, therefore.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from producer.snapshots.errors import Unsupported
from producer.snapshots.file import File
from producer.snapshots.locations.database import QueryResult, in_order, read_place, select
from producer.snapshots.optional_imports import needed
from producer.snapshots.uris import SnapshotUri

FORM: Final = "sqlite:///path/to/file.db?table=name&key=id"


class SQLite:
    """SQLite."""

    def place(self, uri: str) -> SnapshotUri:
        """Read a URI of a table or query in a file."""
        place = read_place(uri, FORM)
        if place.owner not in {"", "localhost"} or not place.path:
            raise Unsupported(f"not {FORM}")
        return place._replace(owner="")

    def find(self, place: SnapshotUri) -> Sequence[File]:
        """Return the answer, which is not asked for yet."""
        needed("adbc_driver_sqlite.dbapi", "sqlite")
        return [QueryResult(place, _connect, _statement, {"adbc.sqlite.query.batch_rows": "5000"})]


def _connect(place: SnapshotUri) -> Any:
    dbapi = needed("adbc_driver_sqlite.dbapi", "sqlite")
    return dbapi.connect(f"file:/{quote(place.path)}?mode=ro")


def _statement(connection: Any, place: SnapshotUri) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"{select(place)} LIMIT 0")
        names = [column[0] for column in cursor.description]
    columns = [f"{_text(_name(name))} AS {_name(name)}" for name in names]
    return f"{select(place, columns=columns)} {in_order(place)}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(name: str) -> str:
    """Ask for a value as text: whole floats without `.0`, and no NULL, which tells the driver no type. Empty text is null to us."""
    whole = f"{name} = CAST({name} AS INTEGER) AND abs({name}) < 9007199254740992"
    real = f"typeof({name}) = 'real'"
    return f"COALESCE(CAST(CASE WHEN {real} AND {whole} THEN CAST({name} AS INTEGER) ELSE {name} END AS TEXT), '')"
