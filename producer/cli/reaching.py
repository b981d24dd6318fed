"""From options, variables and contexts to one server and one token: what is said nearer to the call goes first.

A context that is named with the call is taken whole. Otherwise the variables win over the context in use; but the token of a
context is for its own address.
"""

import os
from typing import Final

import click

from producer.cli.secret_files import one_word, read_secret
from producer.cli.servers import SavedServer, read
from producer.client.http import base_url

DEFAULT_URL: Final = "http://127.0.0.1:8080"
URL: Final = "SEGMENT_EXPORT_URL"
TOKEN: Final = "SEGMENT_EXPORT_TOKEN"  # noqa: S105  the name of a variable, not what is in it
CONTEXT: Final = "SEGMENT_EXPORT_CONTEXT"


def reached(*, context: str | None, url: str | None, token_file: str | None) -> tuple[str, str]:
    """Return the address of the API and the token for it; UsageError."""
    there = url or (None if context else _variable(URL))
    said = _variable(TOKEN)
    if context is None and there is not None and (said or token_file):
        name, server = "", SavedServer(there)  # all is said, and whatever is kept does not matter
    else:
        known = read()
        name = context or _variable(CONTEXT) or known.current or ""
        server = known.named(name) if name else SavedServer(DEFAULT_URL)
    base = checked(there or server.url, f"--url ({URL})")
    if token_file is not None:
        return base, read_secret(token_file, "--token-file")
    its = server.token if base == server.url else None
    if its is not None and (context or said is None):
        return base, its.read(name)
    if said is not None:
        return base, one_word(said, TOKEN)
    elsewhere = f" The one of context {name} is for {server.url} only." if server.token is not None else ""
    raise click.UsageError(
        f"There is no token: set {TOKEN}, or say --token-file FILE.{elsewhere}\n"
        "Or keep it with the address: segment-export context add --help"
    )


def _variable(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def checked(text: str, what: str) -> str:
    """Read where an API is; UsageError."""
    try:
        return base_url(text)
    except ValueError as error:
        raise click.UsageError(f"{what} {error}.") from None
