"""`segment-export connections`: ActiveCampaign accounts, whose keys go in and never come out."""

import functools
from collections.abc import Callable
from typing import Any, Final

import click

from producer.cli.bodies import connection_body
from producer.cli.calling import Call, calls_api, pages, show_page
from producer.cli.deleting import confirm
from producer.cli.examples import ExampleGroup
from producer.cli.printing import say
from producer.cli.secret_files import STDIN, read_secret
from producer.cli.tables import CONNECTIONS, details, page
from producer.client.http import route

CONSENT: Final = (
    "With this connection contacts leave our systems for ActiveCampaign at {host}: of every profile in an exported "
    "segment the e-mail address, and whatever its export maps of names, phone, custom fields and tags."
)
KEY: Final = "ActiveCampaign API key"


def _described(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that describe a connection."""
    options = (
        click.option("--display-name", metavar="TEXT", help="What people call it."),
        click.option(
            "--account",
            metavar="NAME",
            help="Which ActiveCampaign account answers at the host, where that is found out wrongly; '' finds it out again.",
        ),
        click.option("--allow", type=click.Choice(["admins", "contributors"]), help="Who may use it in exports."),
        click.option("--imports-per-minute", type=float, help="The account's allowance of imports."),
        click.option("--single-imports-per-minute", type=float, help="The same, for imports of one contact."),
        click.option("--requests-per-second", type=float, help="The account's allowance of all requests."),
    )
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


@click.group(cls=ExampleGroup)
def connections() -> None:
    """Connect ActiveCampaign accounts."""


@connections.command("list", examples=("segment-export connections list",))
@pages
@calls_api
async def list_(call: Call, *, limit: int, after: str) -> int:
    """List connections by name."""
    return await show_page(call, route("connections"), functools.partial(page, CONNECTIONS), limit=limit, after=after)


@connections.command(examples=("segment-export connections show acme",))
@click.argument("name")
@calls_api
async def show(call: Call, *, name: str) -> int:
    """Show a connection, never its key."""
    call.show(await call.api.ask("GET", route("connections", name)), details)
    return 0


@connections.command(
    examples=(
        "segment-export connections add acme --host acme.api-us1.com --key-file acme.key --consent",
        "segment-export connections add acme --host acme.api-us1.com --consent < acme.key",
    )
)
@click.argument("name")
@click.option("--host", required=True, metavar="HOST", help="As ActiveCampaign shows it in Settings > Developer.")
@click.option(
    "--key-file",
    metavar="FILE",
    default=STDIN,
    show_default=True,
    help="A file with the API key; - is standard input, on a terminal a prompt that hides it.",
)
@click.option("--consent", is_flag=True, help="I agree that contacts leave our systems for this account.")
@_described
@calls_api
async def add(call: Call, *, name: str, key_file: str, consent: bool, **said: Any) -> int:
    """Connect an account: host and key are checked first.

    The key is read from a file or from standard input, never from the command line.
    """
    sentence = CONSENT.format(host=said["host"])
    if not consent:
        raise click.UsageError(f"{sentence}\nIf you agree, say --consent.")
    say(sentence)
    body = {"name": name, "consent": True, "api_key": read_secret(key_file, KEY), **connection_body(said)}
    call.show(await call.api.ask("POST", route("connections"), body=body), details)
    return 0


@connections.command(
    examples=(
        "segment-export connections update acme --imports-per-minute 60",
        "segment-export connections update acme --key-file new.key",
    )
)
@click.argument("name")
@click.option("--rename", "new_name", metavar="NAME", help="Give it another name.")
@click.option("--host", metavar="HOST", help="As ActiveCampaign shows it in Settings > Developer.")
@click.option("--key-file", metavar="FILE", help="A file with the new API key; - is standard input.")
@_described
@calls_api
async def update(call: Call, *, name: str, new_name: str | None, key_file: str | None, **said: Any) -> int:
    """Change a connection: only what is said changes; another host or key is checked first."""
    body = connection_body({"name": new_name, **said})
    if key_file is not None:
        body["api_key"] = read_secret(key_file, KEY)
    if not body:
        raise click.UsageError("Nothing to change: say at least one option.")
    if host := said.get("host"):
        say(CONSENT.format(host=host))
    call.show(await call.api.ask("PATCH", route("connections", name), body=body), details)
    return 0


@connections.command(examples=("segment-export connections delete acme",))
@click.argument("name")
@confirm("Delete connection {name} and its key, detach its exports and end its runs?")
@calls_api
async def delete(call: Call, *, name: str) -> int:
    """Delete a connection and its key: its exports are detached and its runs end."""
    call.show(await call.api.ask("DELETE", route("connections", name)), details)
    return 0


@connections.command(examples=("segment-export connections check acme",))
@click.argument("name")
@calls_api
async def check(call: Call, *, name: str) -> int:
    """Look whether host and key are still good; the exit code is 1 if not."""
    reply = await call.api.ask("POST", route("connections", name, "check"))
    call.show(reply, details)
    return 0 if reply.document.get("ok") else 1
