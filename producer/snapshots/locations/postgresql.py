"""
Reads `postgresql://host:5432/database?table=schema.name&key=id` over ADBC (the extra `postgresql`).

User and password come from PostgreSQL's own chain: `PGUSER`, `PGPASSWORD`, `PGPASSFILE`, `PGSERVICE`, `PGSSLMODE` and so on.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from producer.snapshots.file import File
from producer.snapshots.locations.database import QueryResult, in_order, read_place, select
from producer.snapshots.optional_imports import needed
from producer.snapshots.uris import SnapshotUri

FORM: Final = "postgresql://host/database?table=schema.name&key=id"
READ_ONLY: Final = quote("-c default_transaction_read_only=on", safe="")
BATCH_BYTES: Final = 1 << 20


class PostgreSQL:
    """PostgreSQL, and what speaks its protocol."""

    def place(self, uri: str) -> SnapshotUri:
        """Read a URI of a table or query."""
        return read_place(uri, FORM)._replace(scheme="postgresql")

    def find(self, place: SnapshotUri) -> Sequence[File]:
        """Return the answer, which is not asked for yet."""
        needed("adbc_driver_postgresql.dbapi", "postgresql")
        options = {"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
        return [QueryResult(place, _connect, _statement, options)]


def _connect(place: SnapshotUri) -> Any:
    dbapi = needed("adbc_driver_postgresql.dbapi", "postgresql")
    return dbapi.connect(f"postgresql://{place.owner}/{quote(place.path)}?options={READ_ONLY}")


def _statement(_: Any, place: SnapshotUri) -> str:
    return f"{select(place)} {in_order(place)}"
