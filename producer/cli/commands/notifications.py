"""`segment-export notifications`: who is told when an export starts or stops doing well, and what became of the messages."""

import functools
from collections.abc import Callable
from typing import Any, Final

import click

from producer.cli.calling import Call, calls_api, pages, show_page
from producer.cli.deleting import confirm
from producer.cli.examples import ExampleGroup
from producer.cli.printing import say
from producer.cli.secret_files import private_file, read_secret
from producer.cli.tables import DELIVERIES, channels, details, page
from producer.client.http import route

SECRET: Final = "secret of the webhook"  # noqa: S105  what it is called
EVENTS: Final = ("failed", "partial", "blocked", "will_miss_budget", "stale", "recovered")


def _described(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that describe a channel."""
    options = (
        click.option("--post-to", "endpoint", metavar="URL", help="A webhook: messages are posted there, signed."),
        click.option("--mail-to", "addresses", multiple=True, metavar="ADDRESS", help="An e-mail; may be repeated."),
        click.option(
            "--event", "events", multiple=True, type=click.Choice(EVENTS), help="What it is told of; may be repeated."
        ),
        click.option(
            "--export", "exports", multiple=True, metavar="NAME", help="Only of this export; may be repeated."
        ),
        click.option(
            "--secret-file", metavar="FILE", help="A file with a secret of yours, whsec_...; - is standard input."
        ),
        click.option("--enable/--disable", "enabled", default=None, help="Whether it is told of anything."),
    )
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


@click.group(cls=ExampleGroup)
def notifications() -> None:
    """Say who is told, by webhook or e-mail, when an export starts or stops doing well."""


@notifications.command("list", examples=("segment-export notifications list",))
@pages
@calls_api
async def list_(call: Call, *, limit: int, after: str) -> int:
    """List channels by name, never their secrets."""
    return await show_page(call, route("notifications"), channels, limit=limit, after=after)


@notifications.command(examples=("segment-export notifications show night",))
@click.argument("name")
@calls_api
async def show(call: Call, *, name: str) -> int:
    """Show a channel, never its secret."""
    call.show(await call.api.ask("GET", route("notifications", name)), details)
    return 0


@notifications.command(
    examples=(
        "segment-export notifications add night --post-to https://hooks.example.com/export --save-to night.secret",
        "segment-export notifications add team --mail-to team@example.com --event failed --event recovered --export vip",
    )
)
@click.argument("name")
@click.option("--save-to", metavar="FILE", help="A new file for the secret that is made, for your eyes only.")
@_described
@calls_api
async def add(call: Call, *, name: str, save_to: str | None, **said: Any) -> int:
    """Make a channel: of all events and all exports, if none are said.

    A webhook without --secret-file is given a secret, by which the receiver knows our messages. It is told this once.
    """
    body = {"name": name, **_body(said)}
    if ("url" in body) == ("addresses" in body):
        raise click.UsageError("Say --post-to for a webhook, or --mail-to for an e-mail.")
    body["kind"] = "webhook" if "url" in body else "email"
    file = None if save_to is None else private_file(save_to)
    try:
        reply = await call.api.ask("POST", route("notifications"), body=body)
    except BaseException:
        if file is not None:
            file.unlink()
        raise
    made = reply.document["secret"]
    if file is None:
        if made:
            say("This is the only time that the secret is shown.")
        call.show(reply, details)
        return 0
    if made:
        file.write_text(made + "\n")
    else:
        file.unlink()
        say("No secret was made: there is nothing to save.")
    call.show_without(reply, "secret", details)
    return 0


@notifications.command(
    examples=(
        "segment-export notifications update night --event failed --event blocked --event recovered",
        "segment-export notifications update night --all-exports",
        "segment-export notifications update night --secret-file new.secret",
    )
)
@click.argument("name")
@click.option("--rename", "new_name", metavar="NAME", help="Give it another name.")
@click.option("--all-exports", is_flag=True, help="Tell it of every export.")
@_described
@calls_api
async def update(call: Call, *, name: str, new_name: str | None, all_exports: bool, **said: Any) -> int:
    """Change a channel: only what is said changes; events, exports and addresses change all together."""
    body = _body(said)
    if new_name is not None:
        body["name"] = new_name
    if all_exports:
        if "exports" in body:
            raise click.UsageError("Say --export or --all-exports, not both.")
        body["exports"] = None
    if not body:
        raise click.UsageError("Nothing to change: say at least one option.")
    call.show(await call.api.ask("PATCH", route("notifications", name), body=body), details)
    return 0


@notifications.command(examples=("segment-export notifications delete night",))
@click.argument("name")
@confirm("Delete notification channel {name} and its messages?")
@calls_api
async def delete(call: Call, *, name: str) -> int:
    """Delete a channel with its messages."""
    call.show(await call.api.ask("DELETE", route("notifications", name)), details)
    return 0


@notifications.command(examples=("segment-export notifications test night",))
@click.argument("name")
@calls_api
async def test(call: Call, *, name: str) -> int:
    """Send a test message and say what came of it; the exit code is 1 if it was not delivered."""
    reply = await call.api.ask("POST", route("notifications", name, "test"))
    call.show(reply, details)
    return 0 if reply.document["delivered"] else 1


@notifications.command(examples=("segment-export notifications deliveries night --state dead",))
@click.argument("name")
@click.option("--state", type=click.Choice(["pending", "delivered", "dead"]), help="Only messages in this state.")
@pages
@calls_api
async def deliveries(call: Call, *, name: str, state: str | None, limit: int, after: str) -> int:
    """List a channel's messages, the newest first, with what came of them."""
    path = route("notifications", name, "deliveries")
    return await show_page(call, path, functools.partial(page, DELIVERIES), limit=limit, after=after, state=state)


@notifications.command(
    examples=(
        "segment-export notifications redeliver night msg_0123456789abcdef",
        "segment-export notifications redeliver night --all",
    )
)
@click.argument("name")
@click.argument("message", required=False)
@click.option("--all", "every", is_flag=True, help="Every dead message of the channel.")
@calls_api
async def redeliver(call: Call, *, name: str, message: str | None, every: bool) -> int:
    """Send a message once more, under its id."""
    if every == (message is not None):
        raise click.UsageError("Say which message, or --all for every dead one.")
    ids = [message] if message is not None else await _dead(call, name)
    for one in ids:
        await call.api.ask("POST", route("notifications", name, "deliveries", one, "redeliver"))
    say(f"On their way again: {len(ids)}.")
    return 0


async def _dead(call: Call, name: str) -> list[str]:
    found: list[str] = []
    after = ""
    while True:
        query = {"state": "dead", "limit": "200"} | ({"after": after} if after else {})
        document = (await call.api.ask("GET", route("notifications", name, "deliveries"), query=query)).document
        found += [one["id"] for one in document["items"]]
        if not (after := document["next"] or ""):
            return found


def _body(said: dict[str, Any]) -> dict[str, Any]:
    """Write what was said of a channel; what was not is left to the API."""
    body: dict[str, Any] = {name: list(said[name]) for name in ("addresses", "events", "exports") if said[name]}
    body |= {name: said[of] for name, of in (("url", "endpoint"), ("enabled", "enabled")) if said[of] is not None}
    if said["secret_file"] is not None:
        body["secret"] = read_secret(said["secret_file"], SECRET)
    return body
