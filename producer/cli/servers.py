"""The servers that a person knows by name: contexts, in a file of theirs that nobody else may read.

    $XDG_CONFIG_HOME/segment-export/contexts.json    (~/.config, if that is not set)

A context has the address of an API and says where the token is: in a variable, in a file, or here. A token goes to the
server of its own context, and to no other: whoever names another address has to name a token, too.
"""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import click

from producer.cli.secret_files import one_word, read_secret

PRIVATE: Final = 0o600
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where a token is: in the variable or the file called `at`, or `at` itself; `repr` shows no token."""

    kind: Literal["env", "file", "stored"]
    at: str = field(repr=False)

    def told(self) -> str:
        """Say where it is, and never what."""
        return {"env": f"variable {self.at}", "file": f"file {self.at}", "stored": "stored"}[self.kind]

    def read(self, context: str) -> str:
        """Read the token; UsageError."""
        match self.kind:
            case "env":
                what = f"the variable {self.at} of context {context}"
                return one_word(os.environ.get(self.at, ""), what)
            case "file":
                return read_secret(self.at, f"the token file of context {context}")
            case "stored":
                return one_word(self.at, f"the token of context {context}")


@dataclass(frozen=True, slots=True)
class SavedServer:
    """Where a server is, and where its token is; None: in nothing of ours, but named with each call."""

    url: str
    token: TokenPlace | None = None


@dataclass(frozen=True, slots=True)
class Servers:
    """All of them by name, and which one is meant if nobody says."""

    known: Mapping[str, SavedServer] = field(default_factory=dict)
    current: str | None = None

    def named(self, name: str) -> SavedServer:
        """Return the one of this name; UsageError."""
        if name not in self.known:
            there = ", ".join(sorted(self.known)) or "none yet"
            raise click.UsageError(
                f"There is no context {name!r}; there is {there}. See `segment-export context list`."
            )
        return self.known[name]


def place() -> Path:
    """Return where the file is."""
    said = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(said) if said.startswith("/") else Path("~/.config").expanduser()
    return home / "segment-export" / "contexts.json"


def read() -> Servers:
    """Read the file; one that is not there knows nobody. UsageError."""
    try:
        file = place()
    except RuntimeError:  # whoever has no home has no file there
        return Servers()
    try:
        text, mode = file.read_text(encoding="utf-8"), file.stat().st_mode
    except FileNotFoundError:
        return Servers()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'no text'}.") from None
    try:
        servers = _servers(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise click.UsageError(f"{file} is no file of contexts: mend it, or remove it and add them anew.") from None
    is_secret = any(server.token is not None and server.token.kind == "stored" for server in servers.known.values())
    if is_secret and mode & OTHERS:
        raise click.UsageError(f"{file} holds a token, and others may read it: chmod 600 {file}")
    return servers


def write(servers: Servers) -> None:
    """Put the file in the place of the one before, as a whole; UsageError."""
    file = place()
    fresh = file.with_name(f".contexts.{os.getpid()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(opened, "w", encoding="utf-8") as written:
            os.fchmod(opened, PRIVATE)
            json.dump(_document(servers), written, indent=2)
            written.write("\n")
        fresh.replace(file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise click.UsageError(f"{file} cannot be written: {error.strerror}.") from None


def _servers(document: Any) -> Servers:
    known = {}
    for name, said in document["contexts"].items():
        token = said.get("token")
        pairs = [] if token is None else list(token.items())
        if len(pairs) > 1 or any(kind not in {"env", "file", "stored"} for kind, _ in pairs):
            raise ValueError(name)
        known[name] = SavedServer(str(said["url"]), *(TokenPlace(kind, str(at)) for kind, at in pairs))
    current = document.get("current")
    return Servers(known, current if current in known else None)


def _document(servers: Servers) -> dict[str, Any]:
    contexts = {
        name: {"url": server.url} | ({"token": {server.token.kind: server.token.at}} if server.token else {})
        for name, server in sorted(servers.known.items())
    }
    return {"current": servers.current, "contexts": contexts}
