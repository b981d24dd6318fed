"""What the producer is told from outside, read once into a frozen object; README.md explains every setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from producer.snapshots import Root, read_root
from wire.settings import (
    DEFAULT_REDIS_URL,
    Reading,
    fernet_keys,
    host_and_port,
    log_level,
    next_database,
    positive,
    redis_url,
    trusted_hosts,
    words,
)

INFO: Final = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """The producer's settings; `repr` shows no key and no token, but a URL may hold a password: never log the whole."""

    redis_url: str
    queue_url: str
    listen: tuple[str, int]
    secret_keys: tuple[SecretStr, ...]
    admin_token: SecretStr
    snapshot_roots: tuple[Root, ...]
    trusted_hosts: frozenset[str]
    budget_minutes: float
    stale_after_hours: float
    rejects_days: float
    runs_days: float
    log_level: int


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; SettingsError names everything that is wrong with them."""
    reading = Reading(environment)
    store = reading.take("REDIS_URL", redis_url, DEFAULT_REDIS_URL)
    settings = Settings(
        redis_url=store,
        queue_url=reading.take("QUEUE_URL", redis_url, next_database(store)),
        listen=reading.take("LISTEN", host_and_port, ("127.0.0.1", 8080)),
        secret_keys=reading.require("SECRET_KEYS", fernet_keys, ()),
        admin_token=reading.require("ADMIN_TOKEN", _token, SecretStr("")),
        snapshot_roots=reading.take("SNAPSHOT_ROOTS", _roots, ()),
        trusted_hosts=reading.take("TRUSTED_HOSTS", trusted_hosts, frozenset()),
        budget_minutes=reading.take("BUDGET_MINUTES", positive, 90.0),
        stale_after_hours=reading.take("STALE_AFTER_HOURS", positive, 26.0),
        rejects_days=reading.take("REJECTS_RETENTION_DAYS", positive, 30.0),
        runs_days=reading.take("RUNS_RETENTION_DAYS", positive, 90.0),
        log_level=reading.take("LOG_LEVEL", log_level, INFO),
    )
    reading.finish()
    return settings


def _token(text: str) -> SecretStr:
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("must be printable ASCII without spaces, since it travels in a header")
    return SecretStr(text)


def _roots(text: str) -> tuple[Root, ...]:
    return tuple(map(read_root, words(text)))
