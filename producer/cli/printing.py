"""Where the command line writes: results on standard output, what is said about them on standard error."""

import sys
from typing import Final

import click
from rich.console import Console

WIDE: Final = 1_000
"""Columns of a pipe: whoever reads it wants whole lines, not a picture of a terminal."""


def results(*, on_stderr: bool = False) -> Console:
    """Return a console for results; it never reads what it prints as markup."""
    to_terminal = (sys.stderr if on_stderr else sys.stdout).isatty()
    return Console(
        stderr=on_stderr,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
        width=None if to_terminal else WIDE,
    )


def say(*lines: str) -> None:
    """Say something about the result."""
    for line in lines:
        click.echo(line, err=True)
