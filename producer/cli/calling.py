"""From a command's options to a call of the API: where, as whom, how the answer is shown, and what an error becomes."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Final, Literal

import click
from rich.console import RenderableType

from producer.cli.printing import results, say
from producer.cli.reaching import CONTEXT, TOKEN, URL, reached
from producer.cli.sentences import sentences
from producer.client.errors import ApiError
from producer.client.http import Api, Reply, opened
from wire.store import codec

OutputForm = Literal["table", "json", "yaml", "ndjson"]
FORMS: Final[tuple[OutputForm, ...]] = ("table", "json", "yaml")

Command = Callable[..., Coroutine[Any, Any, int]]


@dataclass(frozen=True, slots=True)
class Call:
    """What a command has in hand: the API, and how its answers are to be shown."""

    api: Api
    form: OutputForm

    @property
    def for_programs(self) -> bool:
        """Whether a program reads what is printed."""
        return self.form != "table"

    def show(self, reply: Reply, human: Callable[[Any], RenderableType]) -> None:
        """Print an answer: as it is, or as a person reads it."""
        if self.for_programs:
            self.echo(reply.body)
        else:
            results().print(human(reply.document))

    def show_without(self, reply: Reply, name: str, human: Callable[[Any], RenderableType]) -> None:
        """Print an answer without the part of this name."""
        document = {key: value for key, value in reply.document.items() if key != name}
        self.show(Reply(codec.encode(document), document), human)

    def echo(self, *bodies: bytes) -> None:
        """Print documents for a program: JSON as it came, a line each, or YAML."""
        for number, body in enumerate(bodies):
            click.echo(yaml(codec.decode(body), after_another=number > 0) if self.form == "yaml" else body.strip())


class CommandFailed(click.ClickException):
    """A call that failed, as sentences on standard error; the exit code is 1."""

    def __init__(self, error: ApiError) -> None:
        super().__init__("\n".join(sentences(error)))


def show_here(document: Mapping[str, Any], human: Callable[[Any], RenderableType], form: OutputForm) -> None:
    """Print what is known without a server."""
    match form:
        case "table":
            results().print(human(document))
        case "yaml":
            click.echo(yaml(document))
        case "json" | "ndjson":
            click.echo(codec.encode(document))


def yaml(document: Any, *, after_another: bool = False) -> str:
    """Write a document as YAML."""
    from producer.cli.files import yaml_text  # noqa: PLC0415  most calls do without this library

    return ("---\n" if after_another else "") + yaml_text.write(document).rstrip("\n")


def _output_options(
    command: Callable[..., None], *, forms: Sequence[OutputForm] = FORMS, default: OutputForm = "table"
) -> Callable[..., None]:
    @click.option(
        "-o",
        "--output",
        type=click.Choice(forms),
        default=default,
        show_default=True,
        help="As what: a table is for people, the others are for programs.",
    )
    @click.option("--json", "as_json", is_flag=True, help="The same as -o json: the API's JSON as it is.")
    @wraps(command)
    def chosen(*, output: OutputForm, as_json: bool, **options: Any) -> None:
        command(output="json" if as_json else output, **options)

    return chosen


output_options = partial(_output_options)
"""Give a command the options that say as what it prints; it is handed the `output`."""


def server_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which server is asked, and as whom."""
    context = click.option(
        "--context", metavar="NAME", help=f"A server by name: `context list`. Without it, {CONTEXT}."
    )
    url = click.option("--url", metavar="URL", help=f"Where the API is. Without it, {URL}.")
    token = click.option("--token-file", metavar="FILE", help=f"A file with the token. Without it, {TOKEN}.")
    return context(url(token(command)))


def _calls_api(
    command: Command, *, forms: Sequence[OutputForm] = FORMS, default: OutputForm = "table"
) -> Callable[..., None]:
    @server_options
    @wraps(command)
    def run(
        *, context: str | None, url: str | None, token_file: str | None, output: OutputForm, **options: Any
    ) -> None:
        base, token = reached(context=context, url=url, token_file=token_file)

        async def call() -> int:
            async with opened(base, token, command=said_command()) as api:
                return await command(Call(api, output), **options)

        try:
            code = asyncio.run(call())
        except ApiError as error:
            raise CommandFailed(error) from None
        click.get_current_context().exit(code)

    return _output_options(run, forms=forms, default=default)


def calls_api(command: Command) -> Callable[..., None]:
    """Make a command that calls the API out of a function that is handed a `Call` and returns the exit code."""
    return _calls_api(command)


def calls_api_in(*forms: OutputForm) -> Callable[[Command], Callable[..., None]]:
    """Make such a command that prints in forms of its own, the first of which is the default."""
    return lambda command: _calls_api(command, forms=forms, default=forms[0])


def said_command() -> str:
    """Name the command that asks, without the program."""
    return click.get_current_context().command_path.partition(" ")[2]


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
