"""Prints a run's rejects: all of them as they come from the API, or the first ones as a table."""

from contextlib import aclosing
from typing import Final, Literal

import click

from producer.cli.calling import Call, yaml
from producer.cli.printing import results, say
from producer.cli.tables import CHANGED_ADDRESSES, REJECTS, table
from producer.client.errors import NotTheApi
from producer.client.http import route
from wire.store import codec

FateOption = Literal["held_back", "changed_address"]

SHOWN: Final = 100
"""Lines of a table: nobody reads on, and a table is laid out as a whole."""


async def print_rejects(
    call: Call, run_id: str, form: Literal["table", "ndjson", "csv"], *, fate: FateOption | None = None
) -> int:
    """Print rejects in this form, or those of another fate, and for a program all of them; ApiError."""
    form = "ndjson" if call.for_programs and form == "table" else form
    query = {"format": "csv" if form == "csv" else "ndjson"} | ({"fate": fate} if fate else {})
    lines = call.api.stream(route("runs", run_id, "rejects"), query=query)
    async with aclosing(lines):
        if form != "table":
            async for line in lines:
                click.echo(yaml([_read(line)]) if call.form == "yaml" and form == "ndjson" else line.rstrip(b"\n"))
            return 0
        shown: list[dict[str, object]] = []
        async for line in lines:
            if len(shown) == SHOWN:
                say(f"These are the first {SHOWN}; --format csv or --format ndjson prints all.")
                break
            shown.append(_read(line))
    results().print(
        table(CHANGED_ADDRESSES if fate == "changed_address" else REJECTS, shown) if shown else "There are none."
    )
    return 0


def _read(line: bytes) -> dict[str, object]:
    try:
        document = codec.decode(line)
    except ValueError:
        raise NotTheApi("The answer is no list of rejects.") from None
    return dict(document)
