"""Reads settings from a mapping into typed values and names every problem at once; it never opens the environment.

* SettingsError   one or more settings cannot be used; `problems` has a sentence for each.

A program's settings are a frozen dataclass of its own, filled from a `SettingsReader`; names it does not ask for are ignored.
"""

import logging
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, TypeVar
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import SecretStr

PREFIX: Final = "SEGMENT_EXPORT_"
DEFAULT_REDIS_URL: Final = "redis://127.0.0.1:6379/0"
SCHEMES: Final = frozenset({"redis", "rediss", "redis+sentinel"})
LEVELS: Final = ("debug", "info", "warning", "error")

T = TypeVar("T")


class SettingsError(Exception):
    """Settings cannot be used; the message has one line for every problem."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class SettingsReader:
    """One pass over the settings: every `take` returns a value, and `finish` raises what was wrong with any of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []

    def take(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """Read an optional setting, an empty one counts as absent; `parse` raises ValueError with what to say of it."""
        text = self._text(name)
        return default if text is None else self._parsed(name, text, parse, default)

    def require(self, name: str, parse: Callable[[str], T], placeholder: T) -> T:
        """Read a setting that must be there; the placeholder stands in until `finish` raises."""
        text = self._text(name)
        if text is None:
            self._problems.append(f"{PREFIX}{name} is missing")
            return placeholder
        return self._parsed(name, text, parse, placeholder)

    def refuse(self, name: str, problem: str) -> None:
        """Note a problem that several settings have together."""
        self._problems.append(f"{PREFIX}{name} {problem}")

    def finish(self) -> None:
        """Raise SettingsError with every problem that was met."""
        if self._problems:
            raise SettingsError(tuple(self._problems))

    def _text(self, name: str) -> str | None:
        return self._environment.get(PREFIX + name, "").strip() or None

    def _parsed(self, name: str, text: str, parse: Callable[[str], T], instead: T) -> T:
        try:
            return parse(text)
        except ValueError as error:
            self._problems.append(f"{PREFIX}{name} {error}")
            return instead


def words(text: str) -> tuple[str, ...]:
    """Split a comma-separated setting."""
    return tuple(word for part in text.split(",") if (word := part.strip()))


def redis_url(text: str) -> str:
    """Check the URL of a store; ValueError never repeats it, since it may hold a password."""
    try:
        parts = urlsplit(text)
        databases = [piece for piece in parts.path.split("/") if piece]
        _ = parts.port if parts.scheme != "redis+sentinel" else None
    except ValueError:
        raise ValueError("is no URL") from None
    if parts.scheme not in SCHEMES or not parts.netloc:
        raise ValueError("must be a URL like redis://host:6379/0, rediss://... or redis+sentinel://h:p,h:p/service/0")
    if "db=" in parts.query:
        raise ValueError("must name its database in the path, like /0, not as db=")
    services = 1 if parts.scheme == "redis+sentinel" else 0
    if len(databases) < services or not all(piece.isdecimal() for piece in databases[services:]):
        raise ValueError("must end in the number of a database, like /0")
    return text


def next_database(url: str) -> str:
    """Return the same server with the next database number, where Dramatiq keeps its queue."""
    parts = urlsplit(url)
    pieces = [piece for piece in parts.path.split("/") if piece]
    named = pieces[:1] if parts.scheme == "redis+sentinel" else []
    database = int(pieces[len(named)]) if len(pieces) > len(named) else 0
    return parts._replace(path="/" + "/".join([*named, str(database + 1)])).geturl()


def port(text: str) -> int:
    """Read a TCP port; 0 picks a free one."""
    if not text.isdecimal() or int(text) > 65_535:  # noqa: PLR2004  the largest port there is
        raise ValueError(f"must be a port number from 0 to 65535, not {text!r}")
    return int(text)


def host_and_port(text: str) -> tuple[str, int]:
    """Read `host:port`, an IPv6 address in brackets."""
    host, colon, number = text.rpartition(":")
    if not colon or not host or (":" in host and not host.startswith("[")):
        raise ValueError(f"must be host:port, not {text!r}")
    return host.strip("[]"), port(number)


def origin(text: str) -> str:
    """Read where people reach us: a URL without a path."""
    parts = urlsplit(text)
    if (
        parts.scheme not in {"https", "http"}
        or not parts.hostname
        or parts.path.strip("/")
        or "?" in text
        or "#" in text
    ):
        raise ValueError("must be where people reach us, a URL without a path like https://export.example.com")
    return text.rstrip("/")


def trusted_hosts(text: str) -> frozenset[str]:
    """Read hosts that may be plain http and private: `host:port`, in lower case."""
    hosts = words(text)
    for host in hosts:
        if "/" in host:
            raise ValueError(f"must hold host:port without a scheme or path, not {host!r}")
        host_and_port(host)
    return frozenset(host.lower() for host in hosts)


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read addresses and networks, like `10.0.0.7` or `10.0.0.0/8`."""
    found = []
    for word in words(text):
        try:
            found.append(ip_network(word))
        except ValueError:
            raise ValueError(f"must hold addresses and networks like 10.0.0.0/8, not {word!r}") from None
    return tuple(found)


def positive(text: str) -> float:
    """Read a number above zero."""
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"must be a number, not {text!r}") from None
    if not 0 < number < float("inf"):
        raise ValueError(f"must be above zero, not {text!r}")
    return number


def fernet_keys(text: str) -> tuple[SecretStr, ...]:
    """Read Fernet keys, the first of which encrypts; ValueError says which one is wrong, never what it is."""
    keys = words(text)
    if not keys:
        raise ValueError("holds no key")
    for place, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError:
            raise ValueError(f"key {place} is no Fernet key (32 bytes as URL-safe base64)") from None
    return tuple(SecretStr(key) for key in keys)


def log_level(text: str) -> int:
    """Read a log level's name."""
    if text.lower() not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}, not {text!r}")
    return logging.getLevelNamesMapping()[text.upper()]
