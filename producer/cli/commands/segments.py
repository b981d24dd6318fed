"""`segment-export segments`: what was refreshed, and what waits to be."""

import functools

import click

from producer.cli.calling import Call, calls_api, pages, show_page
from producer.cli.examples import ExampleGroup
from producer.cli.tables import SEGMENTS, page
from producer.client.http import route


@click.group(cls=ExampleGroup)
def segments() -> None:
    """Look at segments: their last refresh, and which exports name them."""


@segments.command("list", examples=("segment-export segments list",))
@pages
@calls_api
async def list_(call: Call, *, limit: int, after: str) -> int:
    """List every segment heard of or named by an export."""
    return await show_page(call, route("segments"), functools.partial(page, SEGMENTS), limit=limit, after=after)
