"""A sandbox ActiveCampaign account on a port of this machine, for tests, demonstrations and capacity planning.

It answers the calls of API v3 that a contact synchronisation needs, keeps the account's limits to the letter, works imports off
in its own time, and can be told to misbehave in every way ActiveCampaign is known to. Point a client at it (header Api-Token),
then ask it what it saw:

    python -m tests.sandbox --port 8321 --batch-seconds 6:20 --drain-batches-per-minute 60
    curl -s http://127.0.0.1:8321/sandbox/totals

For a capacity plan, give it your account's allowance and what you believe of its importer, run your export, and read
`imports_per_minute`, `allowance_used`, `violations` and the time from `first_import` to `last_import`. Every switch can be
flipped while it runs: POST /sandbox/switches with a JSON object, names as below with underscores.
"""

import asyncio
import gc
import signal
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import click
from aiohttp import web

from tests.sandbox.app import create_app
from tests.sandbox.settings import DEFAULT_KEY, Settings
from tests.sandbox.switches import MEANINGS, BadSwitches, Switches, as_json, changed

_NEVER: Final = 1_000_000_000

_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")
"""The text above; click would rewrap its commands but for the mark before them."""

Command = Callable[..., None]


def _switch_options(command: Command) -> Command:
    """An option for every switch, so that the two ways to set one cannot drift apart."""
    for name, default in reversed(as_json(Switches()).items()):
        flag = "--" + name.replace("_", "-")
        choices = f": {' | '.join(type(default))}" if isinstance(default, StrEnum) else ""
        shown = "none" if default in (None, []) else default
        meaning = f"{MEANINGS[name]}{choices}  [default: {shown}]"
        if isinstance(default, bool):
            command = click.option(f"{flag}/--no-{flag[2:]}", default=None, help=meaning)(command)
        else:
            command = click.option(flag, multiple=isinstance(default, list), default=None, help=meaning)(command)
    return command


@click.command(help=_HELP)
@click.option(
    "--port",
    "ports",
    type=click.IntRange(0, 65_535),
    multiple=True,
    required=True,
    help="0 takes a free one and prints it; repeatable: the same account answers on each",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="where to listen")
@click.option("--key", help=f"the API key that is good  [default: {DEFAULT_KEY}]")
@click.option("--other-key", "other_keys", multiple=True, help="a key of another user of the account")
@click.option("--key-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="a file that holds it")
@click.option("--list", "lists", multiple=True, help="ID:NAME, repeatable  [default: 12:Newsletter, 3:Product news]")
@click.option(
    "--field", "custom_fields", multiple=True, help="ID:TITLE, repeatable  [default: 7:LoyaltyTier, 8:Interests]"
)
@click.option("--seed", type=int, default=0, show_default=True, help="decides every throw of the dice")
@_switch_options
def main(
    *,
    ports: tuple[int, ...],
    host: str,
    key: str | None,
    other_keys: tuple[str, ...],
    key_file: Path | None,
    lists: tuple[str, ...],
    custom_fields: tuple[str, ...],
    seed: int,
    **wishes: Any,
) -> None:
    """Read the arguments and serve until interrupted."""
    if key is not None and key_file is not None:
        raise click.UsageError("--key and --key-file exclude each other")
    try:
        switches = changed(Switches(), {name: wish for name, wish in wishes.items() if wish not in (None, ())})
    except BadSwitches as bad:
        problems = (f"--{name.replace('_', '-')}: {problem}" for name, problem in bad.problems.items())
        raise click.UsageError("\n".join(problems)) from bad
    plain = Settings(seed=seed, switches=switches)
    settings = Settings(
        key=key_file.read_text().strip() if key_file else key or DEFAULT_KEY,
        other_keys=other_keys,
        lists=_pairs(lists, "--list") or plain.lists,
        fields=_pairs(custom_fields, "--field") or plain.fields,
        seed=seed,
        switches=switches,
    )
    _spare_the_long_pauses()
    asyncio.run(_serve(settings, host, ports))


async def _serve(settings: Settings, host: str, ports: tuple[int, ...]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(create_app(settings), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    for port in ports:
        await web.TCPSite(runner, host, port).start()
    click.echo(f"listening on http://{host}:{runner.addresses[0][1]}")
    await stopped.wait()
    await runner.cleanup()


def _pairs(texts: tuple[str, ...], option: str) -> tuple[tuple[int, str], ...]:
    pairs = []
    for text in texts:
        number, _, name = text.partition(":")
        if not number.isdecimal() or not name:
            raise click.BadParameter(f"{text!r} is not ID:NAME", param_hint=option)
        pairs.append((int(number), name))
    return tuple(pairs)


def _spare_the_long_pauses() -> None:
    """Never collect the oldest generation: with a million contacts that pause would be seen as a burst by strict windows."""
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)


if __name__ == "__main__":
    main(prog_name="python -m tests.sandbox")
