"""Asks a person before something is deleted; a script said what it wants by calling."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click


def confirm(question: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command `--yes`, and without it a question on a terminal; `question` may name {name}."""

    def asking(command: Callable[..., None]) -> Callable[..., None]:
        @click.option("--yes", is_flag=True, help="Do not ask.")
        @wraps(command)
        def asked(*, name: str, yes: bool, **options: Any) -> None:
            if not yes and sys.stdin.isatty():
                click.confirm(question.format(name=name), abort=True, err=True)
            command(name=name, **options)

        return asked

    return asking
