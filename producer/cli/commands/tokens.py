"""`segment-export tokens`: who may call the API; a token is told once, to a file or on standard output."""

import functools
from typing import Any

import click

from producer.cli.calling import Call, calls_api, pages, show_page
from producer.cli.deleting import confirm
from producer.cli.examples import ExampleGroup
from producer.cli.printing import say
from producer.cli.secret_files import private_file
from producer.cli.tables import TOKENS, details, page
from producer.client.http import route


@click.group(cls=ExampleGroup)
def tokens() -> None:
    """Say who may call the API, in which role and until when."""


@tokens.command("list", examples=("segment-export tokens list",))
@pages
@calls_api
async def list_(call: Call, *, limit: int, after: str) -> int:
    """List tokens by name, never their secrets."""
    return await show_page(call, route("tokens"), functools.partial(page, TOKENS), limit=limit, after=after)


@tokens.command(
    examples=(
        "segment-export tokens add cdp --role publisher --save-to cdp.token",
        "segment-export tokens add ann --role contributor --days 90",
        "segment-export tokens add board --role viewer --until 2027-06-30T00:00:00Z",
    )
)
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["admin", "contributor", "viewer", "publisher"]),
    required=True,
    help="What it may do: everything; exports over open connections; look; publish events.",
)
@click.option("--days", type=float, help="In how many days it ends; 365, if neither this nor --until is said.")
@click.option("--until", metavar="TIME", help="When it ends, like 2027-06-30T00:00:00Z.")
@click.option("--save-to", metavar="FILE", help="Write the token into this new file, which only you may read.")
@calls_api
async def add(call: Call, *, name: str, role: str, days: float | None, until: str | None, save_to: str | None) -> int:
    """Issue a token. It is told this once: whoever loses it needs a new one."""
    if days is not None and until is not None:
        raise click.UsageError("Say --days or --until, not both.")
    expires = days if until is None else until
    body: dict[str, Any] = {"name": name, "role": role} | ({} if expires is None else {"expires": expires})
    file = None if save_to is None else private_file(save_to)
    try:
        reply = await call.api.ask("POST", route("tokens"), body=body)
    except BaseException:
        if file is not None:
            file.unlink()
        raise
    if file is None:
        say("This is the only time that the token is shown.")
        call.show(reply, details)
    else:
        file.write_text(reply.document["token"] + "\n")
        call.show_without(reply, "token", details)
    return 0


@tokens.command(examples=("segment-export tokens revoke cdp",))
@click.argument("name")
@confirm("Revoke token {name}? Whoever uses it is shut out at once.")
@calls_api
async def revoke(call: Call, *, name: str) -> int:
    """Revoke a token: it is nobody's from then on."""
    call.show(await call.api.ask("DELETE", route("tokens", name)), details)
    return 0
