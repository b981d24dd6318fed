"""What a worker is told from outside, read once into a frozen object; README.md explains every setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from wire.process.settings import (
    DEFAULT_REDIS_URL,
    SettingsReader,
    fernet_keys,
    log_level,
    next_database,
    port,
    redis_url,
    trusted_hosts,
)

METRICS_PORT: Final = 9191
INFO: Final = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """A worker's settings; `repr` shows no key, but a URL may hold a password: never log the whole."""

    redis_url: str
    queue_url: str
    secret_keys: tuple[SecretStr, ...]
    trusted_hosts: frozenset[str]
    metrics_port: int
    log_level: int


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; SettingsError names everything that is wrong with them."""
    reading = SettingsReader(environment)
    store = reading.take("REDIS_URL", redis_url, DEFAULT_REDIS_URL)
    settings = Settings(
        redis_url=store,
        queue_url=reading.take("QUEUE_URL", redis_url, next_database(store)),
        secret_keys=reading.require("SECRET_KEYS", fernet_keys, ()),
        trusted_hosts=reading.take("TRUSTED_HOSTS", trusted_hosts, frozenset()),
        metrics_port=reading.take("METRICS_PORT", port, METRICS_PORT),
        log_level=reading.take("LOG_LEVEL", log_level, INFO),
    )
    reading.finish()
    return settings
