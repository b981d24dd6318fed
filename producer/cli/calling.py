"""From a command's options to a call of the API: where, as whom, how the answer is shown, and what an error becomes."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import click
from rich.console import RenderableType

from producer.cli.errors import ApiError
from producer.cli.http import Api, Reply, base_url, opened
from producer.cli.printing import results, say
from producer.cli.secret_files import one_word, read_secret
from producer.cli.sentences import sentences
from wire import codec

DEFAULT_URL: Final = "http://127.0.0.1:8080"
TOKEN: Final = "SEGMENT_EXPORT_TOKEN"  # noqa: S105  the name of a variable, not what is in it


@dataclass(frozen=True, slots=True)
class Call:
    """What a command has in hand: the API, and how its answers are to be shown."""

    api: Api
    as_json: bool

    def show(self, reply: Reply, human: Callable[[Any], RenderableType]) -> None:
        """Print an answer: as it is, or as a person reads it."""
        if self.as_json:
            click.echo(reply.body)
        else:
            results().print(human(reply.document))

    def show_without(self, reply: Reply, name: str, human: Callable[[Any], RenderableType]) -> None:
        """Print an answer without the part of this name."""
        document = {key: value for key, value in reply.document.items() if key != name}
        self.show(Reply(codec.encode(document), document), human)


class Failed(click.ClickException):
    """A call that failed, as sentences on standard error; the exit code is 1."""

    def __init__(self, error: ApiError) -> None:
        super().__init__("\n".join(sentences(error)))


def calls_api(command: Callable[..., Coroutine[Any, Any, int]]) -> Callable[..., None]:
    """Make a command that calls the API out of a function that is handed a `Call` and returns the exit code."""

    @click.option(
        "--url",
        envvar="SEGMENT_EXPORT_URL",
        default=DEFAULT_URL,
        show_envvar=True,
        show_default=True,
        help="Where the API is.",
    )
    @click.option("--token-file", metavar="FILE", help=f"A file with the token; without it, {TOKEN}.")
    @click.option("--json", "as_json", is_flag=True, help="Print the API's JSON as it is.")
    @wraps(command)
    def run(*, url: str, token_file: str | None, as_json: bool, **options: Any) -> None:
        base, token = _base(url), _token(token_file)

        async def call() -> int:
            async with opened(base, token) as api:
                return await command(Call(api, as_json), **options)

        try:
            code = asyncio.run(call())
        except ApiError as error:
            raise Failed(error) from None
        click.get_current_context().exit(code)

    return run


def pages(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that lists the options that say which part."""
    limit = click.option(
        "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many, at most."
    )
    after = click.option("--after", metavar="NAME", default="", help="Go on after this one; a longer list says which.")
    return limit(after(command))


async def show_page(
    call: Call, path: str, human: Callable[[Any], RenderableType], *, limit: int, after: str, **filters: str | None
) -> int:
    """Show a part of a list, and say how to see the next one."""
    query = {"limit": str(limit), "after": after, **filters}
    reply = await call.api.ask("GET", path, query={name: value for name, value in query.items() if value})
    call.show(reply, human)
    if following := reply.document.get("next"):
        say(f"There are more: --after {following}")
    return 0


def _base(url: str) -> str:
    try:
        return base_url(url)
    except ValueError as error:
        raise click.UsageError(f"--url (SEGMENT_EXPORT_URL) {error}.") from None


def _token(file: str | None) -> str:
    if file is not None:
        return read_secret(file, "--token-file")
    if text := os.environ.get(TOKEN, "").strip():
        return one_word(text, TOKEN)
    raise click.UsageError(f"There is no token: set {TOKEN}, or say --token-file FILE.")
