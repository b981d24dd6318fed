"""`python -m deploy.local demo|chaos|up|down`: what the targets of these names in the Makefile call."""

import os
import sys
from pathlib import Path
from typing import Final

import click

from deploy.local.chaos import let_loose
from deploy.local.demo import demonstrate
from deploy.local.people import PROFILES_MIN
from deploy.local.up import HOME, RealAccount, down, up
from producer.cli.commands.connections import CONSENT, KEY
from producer.cli.printing import results
from producer.cli.secret_files import read_secret
from wire.http.hosts import read_host
from wire.process.settings import PREFIX, trusted_hosts

PROFILES: Final = 25_000
PROFILES_MAX: Final = 1_000_000
HOME_OPTION: Final = click.option(
    "--home", type=click.Path(path_type=Path), default=HOME, help="Where records and logs are; .local if not said."
)


@click.group()
def local() -> None:
    """Run everything on this machine."""


@local.command("demo")
@click.option("--profiles", type=click.IntRange(PROFILES_MIN, PROFILES_MAX), default=PROFILES, show_default=True)
def demo_(profiles: int) -> None:
    """Export a made-up segment into the sandbox and hold the outcome to account."""
    click.get_current_context().exit(demonstrate(profiles, results()))


@local.command("chaos")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=10, show_default=True)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The same breaks the same things in the same order."
)
def chaos_(minutes: float, seed: int) -> None:
    """Run a stack under random faults and check that every promise holds at the end."""
    click.get_current_context().exit(let_loose(minutes, seed, results()))


@local.command("up")
@click.option(
    "--host", help="A real account instead of the sandbox, as ActiveCampaign shows it in Settings > Developer."
)
@click.option("--key-file", metavar="FILE", help="A file with its API key.")
@click.option("--consent", help="`yes`: I agree that contacts leave our systems for it.")
@HOME_OPTION
def up_(host: str | None, key_file: str | None, consent: str | None, home: Path) -> None:
    """Start the stack and leave it running."""
    if (host is None) != (key_file is None):
        raise click.UsageError("HOST and KEY_FILE go together.")
    account = None if host is None or key_file is None else _account(host, key_file, agreed=consent == "yes")
    click.get_current_context().exit(up(account, results(), os.environ, home))


@local.command("down")
@HOME_OPTION
def down_(home: Path) -> None:
    """End the stack."""
    click.get_current_context().exit(down(results(), home))


def _account(host: str, key_file: str, *, agreed: bool) -> RealAccount:
    """Read which account is meant, and ask for consent if it was not given; UsageError, or Abort for a no."""
    try:
        name = read_host(host, trusted_hosts(os.environ.get(f"{PREFIX}TRUSTED_HOSTS", "")))
    except ValueError as error:
        raise click.UsageError(f"HOST: {error}.") from None
    sentence = CONSENT.format(host=name)
    if not agreed and not sys.stdin.isatty():
        raise click.UsageError(f"{sentence}\nIf you agree, say CONSENT=yes.")
    if not agreed:
        click.confirm(f"{sentence}\nDo you agree?", abort=True)
    return RealAccount(name.partition(".")[0].partition(":")[0], name, read_secret(key_file, KEY))


if __name__ == "__main__":
    local(prog_name="python -m deploy.local")
