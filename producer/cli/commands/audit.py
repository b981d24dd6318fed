"""`segment-export audit`: who changed what, and what was decided without anybody."""

import re
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
from rich.console import RenderableType
from rich.text import Text

from producer.cli.calling import Call, calls_api_in, pages, show_page
from producer.cli.examples import ExampleCommand
from producer.cli.tables import AUDIT, cell, printable, table
from producer.client.http import route

AGO: Final = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@click.command(
    cls=ExampleCommand,
    examples=(
        "segment-export audit --since 12h",
        "segment-export audit --run 20261124T020000-5f2c81aa",
        "segment-export audit --who ann --what connection --until 2026-11-24T06:00:00Z",
        "segment-export audit --what run.blocked --kind run --name vip",
        "segment-export audit -o ndjson --after 1795572000000-0 >> audit.ndjson",
    ),
)
@click.option("--who", metavar="NAME", help="Only what this one did; system: what was decided by itself.")
@click.option("--what", metavar="WORD", help="Only this, like run.blocked, or all that begins with it: run.")
@click.option("--kind", metavar="KIND", help="Only what is about a connection, export, run, token, contact, ...")
@click.option("--name", metavar="NAME", help="Only what is about the one of this name; of a run, its export's.")
@click.option("--run", metavar="ID", help="Only what is about this run.")
@click.option("--since", metavar="TIME", help="From then on: 2026-11-24T02:00:00Z, or so long ago: 90s, 30m, 12h, 7d.")
@click.option("--until", metavar="TIME", help="Up to then, said the same way.")
@pages
@calls_api_in("table", "json", "yaml", "ndjson")
async def audit(
    call: Call, *, limit: int, after: str, since: str | None, until: str | None, **filters: str | None
) -> int:
    """Read the trail of changes and decisions, the newest first.

    With -o ndjson all that is wanted is printed, the oldest first, and --after goes on behind the last id of an export.
    """
    wanted = filters | {"since": _moment(since, "--since"), "until": _moment(until, "--until")}
    if call.form != "ndjson":
        return await show_page(call, route("audit"), _shown, limit=limit, after=after, **wanted)
    query = {name: value for name, value in {**wanted, "after": after, "format": "ndjson"}.items() if value}
    async with aclosing(call.api.stream(route("audit"), query=query)) as lines:
        async for line in lines:
            click.echo(line, nl=False)
    return 0


def _moment(said: str | None, option: str) -> str | None:
    """Read a time, or how long ago it is; UsageError."""
    if said is None:
        return None
    if ago := AGO.fullmatch(said):
        return (datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})).isoformat()
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise click.UsageError(f"{option} must be like 2026-11-24T02:00:00Z or 12h, not {said!r}.")
    return moment.isoformat()


def _shown(document: Mapping[str, Any]) -> RenderableType:
    rows = [_row(entry) for entry in document["items"]]
    return table(AUDIT, rows) if rows else Text("There is nothing.")


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    about = entry["name"] or entry["object_id"] or ""
    changes = [f"{name}: {cell(old)} -> {cell(new)}" for name, (old, new) in entry["changes"].items()]
    facts = [f"{name}: {cell(value)}" for name, value in entry["facts"].items()]
    return {
        "at": entry["at"],
        "who": f"{entry['who']} ({entry['role']})" if entry["who"] != entry["role"] else entry["who"],
        "remote": entry["remote"],
        "what": entry["what"],
        "about": printable(f"{entry['kind']} {about}".strip()),
        "run": entry["run"],
        "says": "; ".join([*changes, *facts]) or None,
    }
