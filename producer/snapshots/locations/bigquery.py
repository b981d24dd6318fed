"""
Reads `bigquery://project/dataset?table=name&key=id` over ADBC (the extra `bigquery`).

Credentials are Google's application default ones: `GOOGLE_APPLICATION_CREDENTIALS`, workload identity, the machine's.
"""

from collections.abc import Sequence
from typing import Any, Final

from producer.snapshots.errors import Unsupported
from producer.snapshots.file import File
from producer.snapshots.locations.database import QueryResult, in_order, quoted, read_place, select
from producer.snapshots.optional_imports import needed
from producer.snapshots.uris import SnapshotUri

FORM: Final = "bigquery://project/dataset?table=name&key=id"


class BigQuery:
    """Google BigQuery."""

    def place(self, uri: str) -> SnapshotUri:
        """Read a URI of a table or query."""
        place = read_place(uri, FORM)
        if not place.owner or not place.path or "/" in place.path:
            raise Unsupported(f"not {FORM}")
        return place

    def find(self, place: SnapshotUri) -> Sequence[File]:
        """Return the answer, which is not asked for yet."""
        needed("adbc_driver_bigquery.dbapi", "bigquery")
        return [QueryResult(place, _connect, _statement, {})]


def _connect(place: SnapshotUri) -> Any:
    return needed("adbc_driver_bigquery.dbapi", "bigquery").connect(db_kwargs=options(place))


def options(place: SnapshotUri) -> dict[str, str]:
    """Return what the driver is told, by its names. Source: the ADBC driver's page on BigQuery."""
    return {
        "adbc.bigquery.sql.project_id": place.owner,
        "adbc.bigquery.sql.dataset_id": place.path,
        "adbc.bigquery.sql.auth_type": "adbc.bigquery.sql.auth_type.auth_bigquery",
    }


def _statement(_: Any, place: SnapshotUri) -> str:
    return f"{select(place, quote=_quoted)} {in_order(place, quote=_quoted)}"


def _quoted(name: str) -> str:
    return quoted(name, "`")
