"""`segment-export events`: the events that could not be taken, and why."""

import functools

import click

from producer.cli.calling import Call, calls_api, pages, show_page
from producer.cli.examples import ExampleGroup
from producer.cli.tables import EVENTS, page
from producer.client.http import route


@click.group(cls=ExampleGroup)
def events() -> None:
    """Look at events that came in."""


@events.command("list", examples=("segment-export events list --state dead",))
@click.option("--state", type=click.Choice(["dead"]), default="dead", show_default=True, help="Which events.")
@pages
@calls_api
async def list_(call: Call, *, state: str, limit: int, after: str) -> int:
    """List events that could not be taken, with the reason."""
    human = functools.partial(page, EVENTS)
    return await show_page(call, route("events"), human, limit=limit, after=after, state=state)
