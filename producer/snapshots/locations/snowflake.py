"""
Reads `snowflake://account/database/schema?warehouse=W&table=NAME&key=ID` over ADBC (the extra `snowflake`).

Credentials come from the environment, by the names of Snowflake's own command: `SNOWFLAKE_USER` with `SNOWFLAKE_PASSWORD`, or with
`SNOWFLAKE_PRIVATE_KEY_PATH`; `SNOWFLAKE_ROLE` and `SNOWFLAKE_WAREHOUSE` where they are wanted.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from producer.snapshots.errors import Unsupported
from producer.snapshots.file import File
from producer.snapshots.locations.database import QueryResult, in_order, quoted, read_place, select
from producer.snapshots.optional_imports import needed
from producer.snapshots.uris import SnapshotUri

FORM: Final = "snowflake://account/database/schema?warehouse=W&table=NAME&key=ID"
LEVELS: Final = 2


class Snowflake:
    """Snowflake."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def place(self, uri: str) -> SnapshotUri:
        """Read a URI of a table or query."""
        place = read_place(uri, FORM, also=frozenset({"warehouse"}))
        if not place.owner or place.path.count("/") >= LEVELS:
            raise Unsupported(f"not {FORM}")
        return place

    def find(self, place: SnapshotUri) -> Sequence[File]:
        """Return the answer, which is not asked for yet."""
        needed("adbc_driver_snowflake.dbapi", "snowflake")
        return [QueryResult(place, self._connect, _statement, {})]

    def _connect(self, place: SnapshotUri) -> Any:
        dbapi = needed("adbc_driver_snowflake.dbapi", "snowflake")
        return dbapi.connect(db_kwargs=options(place, self._environment))


def options(place: SnapshotUri, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the driver is told, by its names. Source: the ADBC driver's page on Snowflake."""
    database, _, schema = place.path.partition("/")
    told = {
        "adbc.snowflake.sql.account": place.owner,
        "adbc.snowflake.sql.db": database,
        "adbc.snowflake.sql.schema": schema,
        "adbc.snowflake.sql.warehouse": place.ask("warehouse") or environment.get("SNOWFLAKE_WAREHOUSE"),
        "adbc.snowflake.sql.role": environment.get("SNOWFLAKE_ROLE"),
        "username": environment.get("SNOWFLAKE_USER"),
    }
    if key := environment.get("SNOWFLAKE_PRIVATE_KEY_PATH"):
        told["adbc.snowflake.sql.auth_type"] = "auth_jwt"
        told["adbc.snowflake.sql.client_option.jwt_private_key"] = key
    else:
        told["password"] = environment.get("SNOWFLAKE_PASSWORD")
    return {name: value for name, value in told.items() if value}


def _statement(_: Any, place: SnapshotUri) -> str:
    return f"{select(place, quote=_quoted)} {in_order(place, quote=_quoted)}"


def _quoted(name: str) -> str:
    """Leave plain names as they are: Snowflake keeps those in capitals, and finds them however they are written."""
    return name if all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*", step) for step in name.split(".")) else quoted(name)
