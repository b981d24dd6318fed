"""`segment-export snapshots`: a look at one; and what a person at a shell means by a snapshot: a path is one of here."""

from collections.abc import Mapping
from typing import Any

import click
from rich.console import Group
from rich.text import Text

from producer.cli.calling import Call, calls_api
from producer.cli.examples import ExampleGroup
from producer.cli.snapshot_paths import reachable
from producer.cli.tables import SNAPSHOT_COLUMNS, details, rows, table
from producer.client.http import route


@click.group(cls=ExampleGroup)
def snapshots() -> None:
    """Look at snapshots where they live."""


@snapshots.command(
    examples=(
        "segment-export snapshots preview /data/vip.parquet",
        "segment-export snapshots preview 's3://segments/vip/2026-11-24/*.parquet'",
        "segment-export snapshots preview 'postgresql://db/crm?table=segments.vip&key=id'",
    )
)
@click.argument("uri")
@calls_api
async def preview(call: Call, *, uri: str) -> int:
    """Show columns, their types and the first ten rows; addresses are masked."""
    call.show(await call.api.ask("GET", route("snapshots", "preview"), query={"snapshot": reachable(uri)}), _shown)
    return 0


def _shown(document: Mapping[str, Any]) -> Group:
    told = {name: document[name] for name in ("snapshot", "files", "bytes", "rows")}
    parts = (details(told), table(SNAPSHOT_COLUMNS, document["columns"]), rows(document["beginning"]))
    return Group(*(line for part in parts for line in (part, Text())))
