"""`segment-export runs`: looks at runs, follows them, and steers them at a chunk's edge."""

import functools
from typing import Any, Literal

import click
from rich.table import Table

from producer.cli.calling import Call, calls_api, pages, show_page
from producer.cli.examples import ExampleGroup
from producer.cli.rejected import FateOption, print_rejects
from producer.cli.tables import RUNS, details, page, table
from producer.cli.waiting import wait_for
from producer.client.http import route


@click.group(cls=ExampleGroup)
def runs() -> None:
    """Look at runs and steer them."""


@runs.command("list", examples=("segment-export runs list --export vip --limit 5",))
@click.option("--export", metavar="NAME", help="Only runs of this export.")
@pages
@calls_api
async def list_(call: Call, *, export: str | None, limit: int, after: str) -> int:
    """List runs, the newest first."""
    human = functools.partial(page, RUNS)
    return await show_page(call, route("runs"), human, limit=limit, after=after, export=export)


@runs.command(examples=("segment-export runs show 5f2c",))
@click.argument("run_id", metavar="ID")
@calls_api
async def show(call: Call, *, run_id: str) -> int:
    """Show a run with its books."""
    call.show(await call.api.ask("GET", route("runs", run_id)), details)
    return 0


@runs.command(examples=("segment-export runs watch 5f2c",))
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@calls_api
async def watch(call: Call, *, run_ids: tuple[str, ...]) -> int:
    """Follow runs to their end, with a bar on a terminal and a line now and then elsewhere.

    The exit code is 0 if all succeeded, 3 if one is partial, 1 otherwise.
    """
    return await wait_for(call, run_ids)


@runs.command(
    examples=(
        "segment-export runs rejects 5f2c",
        "segment-export runs rejects 5f2c --format csv > rejects.csv",
        "segment-export runs rejects 5f2c --held-back",
        "segment-export runs rejects 5f2c --changed-addresses",
    )
)
@click.argument("run_id", metavar="ID")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "ndjson", "csv"]),
    default="table",
    show_default=True,
    help="A table of the first ones, or all of them for a program or a spreadsheet; --json is ndjson.",
)
@click.option(
    "--held-back",
    "fate",
    flag_value="held_back",
    help="Instead, those known to be refused, whose data did not change.",
)
@click.option(
    "--changed-addresses", "fate", flag_value="changed_address", help="Instead, those known by another address before."
)
@calls_api
async def rejects(call: Call, *, run_id: str, form: Literal["table", "ndjson", "csv"], fate: FateOption | None) -> int:
    """Print every invalid or refused profile of a run, with the reason."""
    return await print_rejects(call, run_id, form, fate=fate)


@runs.command(examples=("segment-export runs cancel 5f2c",))
@click.argument("run_id", metavar="ID")
@calls_api
async def cancel(call: Call, *, run_id: str) -> int:
    """End a run at a chunk's edge: what is not under way is not sent."""
    return await _steer(call, run_id, "cancel")


@runs.command(examples=("segment-export runs pause 5f2c",))
@click.argument("run_id", metavar="ID")
@calls_api
async def pause(call: Call, *, run_id: str) -> int:
    """Stop sending at a chunk's edge; what ActiveCampaign has accepted is followed all the same."""
    return await _steer(call, run_id, "pause")


@runs.command(examples=("segment-export runs resume 5f2c", "segment-export runs resume 5f2c --accept"))
@click.argument("run_id", metavar="ID")
@click.option("--accept", is_flag=True, help="I have seen what the run was stopped for, and it may go on.")
@calls_api
async def resume(call: Call, *, run_id: str, accept: bool) -> int:
    """Go on after a pause or a block; where leavers are accepted by hand, without them unless --accept is said."""
    return await _steer(call, run_id, "resume", {"accept": True} if accept else None)


@runs.command(examples=("segment-export runs retry 5f2c --wait",))
@click.argument("run_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Wait for the end: exit code 0 if succeeded, 3 if partial, 1 otherwise.")
@calls_api
async def retry(call: Call, *, run_id: str, wait: bool) -> int:
    """Send again whom a run that is over left refused, unconfirmed or unsent, as the latest snapshot has them.

    Asked again for the same run, it is the same new run.
    """
    reply = await call.api.ask("POST", route("runs", run_id, "retry"))
    if wait:
        return await wait_for(call, [reply.document["run"]["id"]])
    call.show(reply, _steered)
    return 0


async def _steer(call: Call, run_id: str, action: str, body: dict[str, Any] | None = None) -> int:
    call.show(await call.api.ask("POST", route("runs", run_id, action), body=body), _steered)
    return 0


def _steered(document: dict[str, Any]) -> Table:
    """Show the run that a steering was answered with."""
    return table(RUNS, [document["run"]]) if "run" in document else details(document)
