"""`segment-export doctor`: is everything well that the service stands on, and if not, what is to be mended."""

import asyncio
import os
from typing import Any, Final

import click
from rich.console import Group, RenderableType
from rich.text import Text

from producer.cli.calling import OutputForm, output_options, said_command, server_options, show_here
from producer.cli.examples import ExampleCommand
from producer.cli.reaching import reached
from producer.cli.sentences import next_step
from producer.cli.tables import DIAGNOSES, printable, table
from producer.client.errors import ApiError, RequestRefused
from producer.client.http import opened, route

ORDER: Final = ("ok", "warning", "wrong")

DiagnosisItem = dict[str, Any]


@click.command(
    cls=ExampleCommand,
    examples=(
        "segment-export doctor",
        "segment-export doctor --context prod -o json",
        "segment-export doctor --local",
    ),
)
@click.option("--local", is_flag=True, help="Without a server: with the settings in this shell, as `serve` reads them.")
@server_options
@output_options
def doctor(*, local: bool, context: str | None, url: str | None, token_file: str | None, output: OutputForm) -> None:
    """Look at everything that the service stands on, and say what to mend.

    The server looks at its settings, its store and queue, its clock, workers, snapshots, and every account and list, and
    changes nothing. With --local this is done from here, for a server that does not start. The exit code is 1 if
    something is wrong.
    """
    items = _here() if local else _there(*reached(context=context, url=url, token_file=token_file))
    worst = max((item["health"] for item in items), key=ORDER.index)
    show_here({"health": worst, "items": items}, _shown, output)
    click.get_current_context().exit(1 if worst == "wrong" else 0)


def _here() -> list[DiagnosisItem]:
    from producer.app import examine  # noqa: PLC0415  as `serve`: other commands do without the producer's libraries

    return [
        {"area": one.area, "name": one.name, "health": one.health, "says": one.says, "mend": one.mend}
        for one in examine(os.environ)
    ]


def _there(base: str, token: str) -> list[DiagnosisItem]:
    """Ask the server; one that does not answer as it should is what is wrong."""

    async def ask() -> list[DiagnosisItem]:
        async with opened(base, token, command=said_command()) as api:
            items: list[DiagnosisItem] = (await api.ask("POST", route("doctor"))).document["items"]
            return items

    try:
        found = asyncio.run(ask())
    except ApiError as error:
        says = error.detail if isinstance(error, RequestRefused) else str(error)
        name = "token" if isinstance(error, RequestRefused) and error.status in {401, 403} else "reachable"
        mend = f"{next_step(error)} Where it runs, `segment-export doctor --local` looks without it."
        return [{"area": "api", "name": name, "health": "wrong", "says": printable(says), "mend": mend}]
    says = f"{base} answers, and knows the token as an administrator's"
    return [{"area": "api", "name": "reachable", "health": "ok", "says": says, "mend": None}, *found]


def _shown(document: dict[str, Any]) -> RenderableType:
    items: list[DiagnosisItem] = document["items"]
    counts = {health: sum(item["health"] == health for item in items) for health in ORDER}
    said = [f"{count:,} {health}" for health, count in counts.items() if count]
    return Group(table(DIAGNOSES, items), Text(), Text(", ".join(said) + "."))
