"""Reads secrets from files, standard input or a hidden prompt; never from the command line, where everybody sees them."""

import os
import sys
from pathlib import Path
from typing import Final

import click

STDIN: Final = "-"
CHARACTERS_MAX: Final = 4_096


def read_secret(place: str, what: str) -> str:
    """Read the secret in a file, or with `-` on standard input (a prompt that hides it, on a terminal).

    UsageError, which never repeats what was read.
    """
    if place == STDIN and sys.stdin.isatty():
        return one_word(str(click.prompt(what, hide_input=True, err=True)), what)
    if place == STDIN:
        return one_word(sys.stdin.read(CHARACTERS_MAX + 1), what)
    try:
        with Path(place).open(encoding="utf-8") as file:
            return one_word(file.read(CHARACTERS_MAX + 1), what)
    except UnicodeDecodeError:
        raise click.UsageError(f"{what}: {place!r} holds no text.") from None
    except OSError as error:
        raise click.UsageError(f"{what}: {place!r} cannot be read: {error.strerror}.") from None


def one_word(text: str, what: str) -> str:
    """Return a secret that fits a header, without the space around it; UsageError."""
    word = text.strip()
    if not word:
        raise click.UsageError(f"{what}: there is nothing in it.")
    if len(word) > CHARACTERS_MAX or not (word.isascii() and word.isprintable()) or " " in word:
        raise click.UsageError(f"{what}: it must be one line of printable ASCII without spaces.")
    return word


def private_file(place: str) -> Path:
    """Make a new file that only this user may read, before there is anything to lose; UsageError."""
    try:
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise click.UsageError(f"--save-to: {place!r} cannot be made: {error.strerror}.") from None
    return Path(place)
