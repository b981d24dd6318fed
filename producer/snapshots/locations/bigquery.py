"""
Reads `bigquery://project/dataset?table=name&key=id` over ADBC (the extra `bigquery`).

Credentials are Google's application default ones: `GOOGLE_APPLICATION_CREDENTIALS`, workload identity, the machine's.
"""

from collections.abc import Sequence
from typing import Any, Final

from producer.snapshots.errors import Unsupported
from producer.snapshots.file import File
from producer.snapshots.locations.database import Answer, in_order, quoted, read_place, select
from producer.snapshots.optional_imports import needed
from producer.snapshots.uris import Place

FORM: Final = "bigquery://project/dataset?table=name&key=id"


class BigQuery:
    """Google BigQuery."""

    def place(self, uri: str) -> Place:
        """Read a URI of a table or query."""
        place = read_place(uri, FORM)
        if not place.owner or not place.path or "/" in place.path:
            raise Unsupported(f"not {FORM}")
        return place

    def find(self, place: Place) -> Sequence[File]:
        """Return the answer, which is not asked for yet."""
        needed("adbc_driver_bigquery.dbapi", "bigquery")
        return [Answer(place, _connect, _statement, {})]


def _connect(place: Place) -> Any:
    return needed("adbc_driver_bigquery.dbapi", "bigquery").connect(db_kwargs=options(place))


def options(place: Place) -> dict[str, str]:
    """Return what the driver is told, by its names. Source: the ADBC driver's page on BigQuery."""
    return {
        "adbc.bigquery.sql.project_id": place.owner,
        "adbc.bigquery.sql.dataset_id": place.path,
        "adbc.bigquery.sql.auth_type": "adbc.bigquery.sql.auth_type.auth_bigquery",
    }


def _statement(_: Any, place: Place) -> str:
    return f"{select(place, quote=_quoted)} {in_order(place, quote=_quoted)}"


def _quoted(name: str) -> str:
    return quoted(name, "`")
