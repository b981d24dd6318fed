"""`segment-export get`, `diff`, `apply` and `schema`: connections and exports as files."""

import functools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from producer.cli.calling import Call, calls_api, calls_api_in
from producer.cli.examples import ExampleCommand
from producer.cli.printing import say
from producer.client.errors import NotTheApi, RequestRefused

if TYPE_CHECKING:
    from producer.cli.files.plan import PlannedChange

T = TypeVar("T")

STDIN: Final = "-"
FORBIDDEN: Final = 403
DIFFERENT: Final = 3
"""The exit code of `diff` when something differs; 1 and 2 are errors, as everywhere."""


def _from_files(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which files, and what they mean for the rest."""
    options = (
        click.option(
            "-f",
            "--file",
            "places",
            required=True,
            multiple=True,
            metavar="FILE",
            help="A file of connections, exports and notification channels; may be repeated; - is standard input.",
        ),
        click.option("--prune", is_flag=True, help="Delete what is not in the files, of the kinds that they list."),
        click.option(
            "--send-keys", is_flag=True, help="Send the keys of what stands there already, too: after a change."
        ),
    )
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


@click.command(cls=ExampleCommand, examples=("segment-export get -o yaml > exports.yaml", "segment-export get -o json"))
@calls_api_in("yaml", "json")
async def get(call: Call) -> int:
    """Write all connections, exports and notification channels as a file that `apply` takes.

    Secrets are never told: in their places are variables to set, ACTIVECAMPAIGN_KEY_ and the connection's name, and
    NOTIFICATION_SECRET_ and the channel's. Whoever is no administrator gets the exports alone.
    """
    from producer.cli.apply import standing  # noqa: PLC0415  as `serve`: other commands do without these libraries
    from producer.cli.files import yaml_text  # noqa: PLC0415
    from producer.cli.files.plan import exported  # noqa: PLC0415

    connections = await standing(call.api, "connections")
    channels = await _channels(call)
    visible = [one for one in connections if "host" in one]
    document = exported(visible, await standing(call.api, "exports"), channels or ())
    if any("host" not in one for one in connections):
        say("Only an administrator sees connections: they are left out.")
        del document["connections"]
    if channels is None:
        say("Only an administrator sees notification channels: they are left out.")
        del document["notifications"]
    if call.form == "json":
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(yaml_text.write(document), nl=False)
    return 0


@click.command(cls=ExampleCommand, examples=("segment-export diff -f exports.yaml --prune",))
@_from_files
@calls_api
async def diff(call: Call, *, places: tuple[str, ...], prune: bool, send_keys: bool) -> int:
    """Say what `apply` would change: nothing and exit code 0, or each difference and exit code 3."""
    from producer.cli.apply import show  # noqa: PLC0415  as `get`

    changes = await _planned(call, places, prune=prune, send_keys=send_keys)
    show(call, changes)
    return DIFFERENT if changes else 0


@click.command(
    cls=ExampleCommand,
    examples=(
        "segment-export apply -f exports.yaml --dry-run",
        "segment-export apply -f connections.yaml -f exports.yaml --prune --yes",
    ),
)
@_from_files
@click.option("--dry-run", is_flag=True, help="Read files and keys, say what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before something is deleted.")
@calls_api
async def apply(call: Call, *, places: tuple[str, ...], prune: bool, send_keys: bool, dry_run: bool, yes: bool) -> int:
    """Make the server as the files say: connections first, then exports, then what --prune deletes.

    First everything is rehearsed: the server checks all of it, keys and lists at ActiveCampaign too, and where anything
    is wrong, every fault is told with its line and nothing is changed. If something changes in between and the server
    refuses after all, the rest is left as it is, and told is what was done.
    """
    from producer.cli.apply import keys, named, perform, rehearse, show  # noqa: PLC0415  as `get`
    from producer.cli.files.load import Faulty  # noqa: PLC0415
    from producer.cli.files.plan import Action  # noqa: PLC0415

    changes = await _planned(call, places, prune=prune, send_keys=send_keys)
    secrets = _or_usage_error(lambda: keys(changes))
    try:
        await rehearse(call, changes, secrets)
    except Faulty as faulty:
        raise click.ClickException(_nothing_changed(faulty.faults)) from None
    if dry_run:
        show(call, changes)
        say(f"Nothing was changed; {len(changes)} would be.")
        return 0
    gone = [change for change in changes if change.action is Action.DELETE]
    if gone and not yes and sys.stdin.isatty():
        say(*(f"delete {named(change)}" for change in gone))
        click.confirm("Delete these, and end their runs?", abort=True, err=True)
    await perform(call, changes, secrets)
    if not changes:
        say("Nothing differs.")
    return 0


@click.command(cls=ExampleCommand, examples=("segment-export schema > segment-export.schema.json",))
def schema() -> None:
    """Print the JSON Schema of the files, for editors."""
    from producer.cli.files.schema import schema as made  # noqa: PLC0415  as `get`

    click.echo(json.dumps(made(), indent=2))


async def _planned(call: Call, places: tuple[str, ...], *, prune: bool, send_keys: bool) -> "list[PlannedChange]":
    from producer.cli.apply import standing  # noqa: PLC0415  as `get`
    from producer.cli.files.load import read  # noqa: PLC0415
    from producer.cli.files.plan import plan  # noqa: PLC0415

    files = _or_usage_error(lambda: read({place: _text(place) for place in dict.fromkeys(places)}))
    connections = {one["name"]: one for one in await standing(call.api, "connections")}
    exports = {one["name"]: one for one in await standing(call.api, "exports")}
    if "connections" in files.kinds and any("host" not in one for one in connections.values()):
        raise click.UsageError("Only an administrator sees connections: leave them out of the files, or ask one.")
    channels = await _channels(call) if "notifications" in files.kinds else []
    if channels is None:
        raise click.UsageError("Only an administrator sees notification channels: leave them out, or ask one.")
    notifications = {one["name"]: one for one in channels}
    try:
        return _or_usage_error(
            lambda: plan(files, connections, exports, notifications, prune=prune, send_keys=send_keys)
        )
    except (KeyError, ValueError):
        raise NotTheApi("What stands there cannot be read by this version of segment-export.") from None


async def _channels(call: Call) -> list[dict[str, Any]] | None:
    """Read all notification channels; None for whoever is no administrator."""
    from producer.cli.apply import standing  # noqa: PLC0415  as `get`

    try:
        return await standing(call.api, "notifications")
    except RequestRefused as refused:
        if refused.status == FORBIDDEN:
            return None
        raise


def _or_usage_error(act: Callable[[], T]) -> T:
    """Do something with files; their faults are a wrong call."""
    from producer.cli.files.load import Faulty  # noqa: PLC0415  as `get`

    try:
        return act()
    except Faulty as faulty:
        raise click.UsageError(_nothing_changed(faulty.faults)) from None


def _nothing_changed(faults: Sequence[str]) -> str:
    from producer.cli.tables import printable  # noqa: PLC0415  as `get`

    return "\n".join(["Nothing was changed:", *(f"  {printable(fault)}" for fault in faults)])


def _text(place: str) -> str:
    try:
        return sys.stdin.read() if place == STDIN else Path(place).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.UsageError(f"--file: {place!r} is no text in UTF-8.") from None
    except OSError as error:
        raise click.UsageError(f"--file: {place!r} cannot be read: {error.strerror}.") from None
