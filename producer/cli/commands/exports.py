"""`segment-export exports`: which segment goes to which list, and runs on demand."""

import functools
from collections.abc import Callable
from typing import Any

import click

from producer.cli.bodies import export_body
from producer.cli.calling import Call, calls_api, pages, show_page
from producer.cli.deleting import confirm
from producer.cli.examples import ExampleGroup
from producer.cli.printing import say
from producer.cli.snapshot_paths import reachable
from producer.cli.tables import EXPORTS, details, page, printable, scheduled_runs
from producer.cli.waiting import wait_for
from producer.client.http import route


def _described(*, new: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options that describe an export; a new one needs some of them."""
    options = (
        click.option("--connection", required=new, metavar="NAME", help="The connection it goes over."),
        click.option("--segment", required=new, metavar="NAME", help="The segment it takes."),
        click.option("--list", "list_id", required=new, metavar="ID", help="The id of the list it goes to."),
        click.option("--email", required=new, metavar="COLUMN", help="The column with the e-mail address."),
        click.option("--first-name", metavar="COLUMN", help="The column with the first name."),
        click.option("--last-name", metavar="COLUMN", help="The column with the last name."),
        click.option("--phone", metavar="COLUMN", help="The column with the phone number."),
        click.option("--field", "fields", multiple=True, metavar="ID=COLUMN", help="A custom field; may be repeated."),
        click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag for everybody; may be repeated."),
        click.option("--tags-column", metavar="COLUMN", help="The column with each profile's own tags."),
        click.option("--id", metavar="COLUMN", help="The column with the platform's id of a person."),
        click.option(
            "--changed-address", metavar="RULE", help="Who has another address: update or leaver_and_newcomer."
        ),
        click.option("--default-region", metavar="CC", help="The country of phone numbers without one, like GB."),
        click.option("--leavers", metavar="RULE", help="Those who left the segment: keep, field or unsubscribe."),
        click.option(
            "--leavers-field", metavar="ID=LEFT:PRESENT", help="Where leavers are marked, like 9=left:present."
        ),
        click.option("--confirm-unsubscribe", is_flag=True, default=None, help="Leavers are unsubscribed, for ever."),
        click.option(
            "--leavers-confirm",
            metavar="RULE",
            help="When they are unsubscribed: next_refresh (if it agrees), at_once or by_hand.",
        ),
        click.option(
            "--leavers-guard",
            metavar="SHARE:NUMBER",
            help='What stops a run: more than 0.05 of the members unsubscribed, or more than 1000; "" for nothing.',
        ),
        click.option(
            "--brake", metavar="SHARE:NUMBER", help='What stops a run: more than 0.3:1000 changed, say; "" for nothing.'
        ),
        click.option("--full-every-runs", type=int, metavar="N", help="Send everybody again with every N-th run."),
        click.option("--full-every-days", type=float, metavar="DAYS", help="Send everybody again after so many days."),
        click.option("--schedule", metavar="CRON", help='Run by the clock, too, like "0 6 * * 1-5".'),
        click.option(
            "--zone", metavar="ZONE", help="The time zone of the schedule, like Europe/Zurich; UTC, if not said."
        ),
        click.option(
            "--enable/--disable", "enabled", default=None, help="Whether it runs by itself; on demand it does."
        ),
        click.option("--stale-after-hours", type=float, metavar="HOURS", help="How long ago the last refresh may be."),
        click.option("--automations/--no-automations", default=None, help="Whether ActiveCampaign's automations run."),
        click.option("--budget-minutes", type=float, help="How soon a run is due."),
        click.option("--patience-minutes", type=float, help="How long to wait for ActiveCampaign to work off a batch."),
        click.option("--delivery-patience-minutes", type=float, help="How long to go on trying to send."),
    )
    return lambda command: functools.reduce(lambda made, option: option(made), reversed(options), command)


@click.group(cls=ExampleGroup)
def exports() -> None:
    """Say which segment goes to which list."""


@exports.command("list", examples=("segment-export exports list",))
@pages
@calls_api
async def list_(call: Call, *, limit: int, after: str) -> int:
    """List exports by name."""
    return await show_page(call, route("exports"), functools.partial(page, EXPORTS), limit=limit, after=after)


@exports.command(examples=("segment-export exports show vip",))
@click.argument("name")
@calls_api
async def show(call: Call, *, name: str) -> int:
    """Show an export."""
    call.show(await call.api.ask("GET", route("exports", name)), details)
    return 0


@exports.command(
    examples=(
        "segment-export exports add vip --connection acme --segment vip --list 12 --email Email --first-name FirstName",
        "segment-export exports add vip --connection acme --segment vip --list 12 --email Email --field 7=Tier --tag vip",
    )
)
@click.argument("name")
@_described(new=True)
@calls_api
async def add(call: Call, *, name: str, **said: Any) -> int:
    """Save an export: the list is checked first, and nothing runs."""
    body = {"name": name, **export_body(said)}
    call.show(await call.api.ask("POST", route("exports"), body=body), details)
    return 0


@exports.command(
    examples=(
        "segment-export exports update vip --list 13 --field 8=City",
        'segment-export exports update vip --phone "" --field 7=',
        'segment-export exports update vip --schedule "0 6 * * 1-5" --zone Europe/Zurich',
        "segment-export exports update vip --brake 0.5:5000",
        "segment-export exports update vip --disable",
    )
)
@click.argument("name")
@click.option("--rename", "new_name", metavar="NAME", help="Give it another name.")
@_described(new=False)
@calls_api
async def update(call: Call, *, name: str, new_name: str | None, **said: Any) -> int:
    """Change an export: only what is said changes, and what is said empty goes.

    A run under way keeps its copy. Fields are changed one by one, tags all together.
    """
    body = export_body({"name": new_name, **said})
    if not body:
        raise click.UsageError("Nothing to change: say at least one option.")
    call.show(await call.api.ask("PATCH", route("exports", name), body=body), details)
    return 0


@exports.command(examples=("segment-export exports delete vip",))
@click.argument("name")
@confirm("Delete export {name} and end its runs?")
@calls_api
async def delete(call: Call, *, name: str) -> int:
    """Delete an export and end its runs."""
    call.show(await call.api.ask("DELETE", route("exports", name)), details)
    return 0


@exports.command(
    examples=(
        "segment-export exports run vip --wait",
        "segment-export exports run vip --snapshot /data/vip.parquet --mode full --dry-run",
        "segment-export exports run --scheduled",
    )
)
@click.argument("name", required=False)
@click.option("--scheduled", is_flag=True, help="Run every export that has a schedule, now.")
@click.option("--snapshot", metavar="URI", help="A URI or path; without it, the segment's latest.")
@click.option("--mode", type=click.Choice(["changes", "full"]), help="What to send; changes, if not said.")
@click.option("--dry-run", is_flag=True, help="Count and check, and send nothing.")
@click.option("--include-refused", is_flag=True, help="Send those again, too, who were refused before.")
@click.option("--wait", is_flag=True, help="Wait for the end: exit code 0 if succeeded, 3 if partial, 1 otherwise.")
@calls_api
async def run(
    call: Call,
    *,
    name: str | None,
    scheduled: bool,
    snapshot: str | None,
    mode: str | None,
    wait: bool,
    **said: bool,
) -> int:
    """Run an export on demand, or all that have a schedule."""
    if scheduled:
        if name is not None or snapshot is not None or mode is not None or any(said.values()):
            raise click.UsageError(
                "--scheduled runs every export that has a schedule, as it is: say nothing but --wait."
            )
        return await _run_scheduled(call, wait=wait)
    if name is None:
        raise click.UsageError("Say which export, or --scheduled.")
    body: dict[str, Any] = {option: True for option, chosen in said.items() if chosen}
    if snapshot is not None:
        body["snapshot"] = reachable(snapshot)
    if mode is not None:
        body["mode"] = mode
    reply = await call.api.ask("POST", route("exports", name, "runs"), body=body)
    if wait:
        return await wait_for(call, [reply.document["run"]["id"]])
    call.show(reply, details)
    return 0


async def _run_scheduled(call: Call, *, wait: bool) -> int:
    reply = await call.api.ask("POST", route("scheduled-runs"))
    if not (wait and reply.document["runs"]):
        call.show(reply, scheduled_runs)
        return 0
    for skipped in reply.document["skipped"]:
        say(f"{printable(skipped['export'])} was not run: {printable(skipped['reason'])}.")
    return await wait_for(call, [opened["run"] for opened in reply.document["runs"]])
