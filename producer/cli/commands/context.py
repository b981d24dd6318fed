"""`segment-export context`: servers by name, so that their addresses and tokens need not be said with every call."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from producer.cli import servers
from producer.cli.calling import OutputForm, output_options, show_here
from producer.cli.deleting import confirm
from producer.cli.examples import ExampleGroup
from producer.cli.printing import say
from producer.cli.reaching import checked
from producer.cli.secret_files import STDIN, read_secret
from producer.cli.servers import SavedServer, TokenPlace
from producer.cli.tables import CONTEXTS, page


class ContextName(click.ParamType[str]):
    """The name of a context, which a shell can complete."""

    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002  click hands them over
        """Complete from what is kept; a file that cannot be read completes nothing."""
        try:
            return [CompletionItem(name) for name in sorted(servers.read().known) if name.startswith(incomplete)]
        except click.UsageError:
            return []


@click.group(cls=ExampleGroup)
def context() -> None:
    """Know several servers by name, and say which one is meant.

    They are kept in segment-export/contexts.json below $XDG_CONFIG_HOME (~/.config), which only you may read. A context
    that is named with --context is taken as it is; otherwise SEGMENT_EXPORT_URL and SEGMENT_EXPORT_TOKEN go before the
    one in use.
    """


@context.command(
    examples=(
        "segment-export context add prod --url https://exports.example.com --token-file ~/.secrets/prod.token",
        "segment-export context add staging --url https://staging.example.com --token-env STAGING_TOKEN",
        "segment-export context add local --url http://127.0.0.1:8080 --store-token < token",
    )
)
@click.argument("name")
@click.option("--url", required=True, metavar="URL", help="Where the API is.")
@click.option("--token-env", metavar="VARIABLE", help="The variable that holds the token.")
@click.option("--token-file", metavar="FILE", help="The file that holds the token; it is read with every call.")
@click.option("--store-token", is_flag=True, help="Keep the token here: it is read from standard input, or asked for.")
def add(name: str, url: str, token_env: str | None, token_file: str | None, *, store_token: bool) -> None:
    """Know a server by NAME, or know it anew; the first one is in use from now on."""
    if sum((token_env is not None, token_file is not None, store_token)) > 1:
        raise click.UsageError("Say one of --token-env, --token-file and --store-token.")
    if not name or not name.isprintable() or " " in name:
        raise click.UsageError("NAME must be one word.")
    known = servers.read()
    token = None
    if token_env is not None:
        token = TokenPlace("env", token_env)
    elif token_file is not None:
        token = TokenPlace("file", str(Path(token_file).expanduser().absolute()))
    elif store_token:
        token = TokenPlace("stored", read_secret(STDIN, "the token"))
    server = SavedServer(checked(url, "--url"), token)
    servers.write(replace(known, known={**known.known, name: server}, current=known.current or name))
    say(f"Context {name} is kept in {servers.place()}." + ("" if known.current else " It is in use."))


@context.command(examples=("segment-export context use prod",))
@click.argument("name", type=ContextName())
def use(name: str) -> None:
    """Mean this server from now on."""
    known = servers.read()
    known.named(name)
    servers.write(replace(known, current=name))
    say(f"Context {name} is in use.")


@context.command("list", examples=("segment-export context list", "segment-export context list -o json"))
@output_options
def list_(output: OutputForm) -> None:
    """List the servers that are known, and where their tokens are; no token is shown."""
    known = servers.read()
    items = [_shown(name, server, known) for name, server in sorted(known.known.items())]
    show_here({"items": items}, lambda document: page(CONTEXTS, document), output)


@context.command(examples=("segment-export context remove staging",))
@click.argument("name", type=ContextName())
@confirm("Forget context {name}, and its token if it is stored?")
def remove(name: str) -> None:
    """Know a server no longer; a token in a variable or a file stays there."""
    known = servers.read()
    known.named(name)
    rest = {other: server for other, server in known.known.items() if other != name}
    servers.write(servers.Servers(rest, None if known.current == name else known.current))
    say(f"Context {name} is forgotten.")
    if known.current == name and rest:
        say("It was in use; say which one is now: segment-export context use NAME")


def _shown(name: str, server: SavedServer, known: servers.Servers) -> dict[str, Any]:
    return {
        "name": name,
        "current": name == known.current,
        "url": server.url,
        "token": server.token.told() if server.token else None,
    }
