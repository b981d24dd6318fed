"""Figures of the queue and of the store at one moment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimitPause:
    """An account with chunks: how long nobody may send yet, and which share of its imports is used since a throttle."""

    opens_in_ms: int
    share: float


@dataclass(frozen=True, slots=True)
class WaitingChunks:
    """A run's chunks: how long the oldest that may go has been due, and how many are in workers' hands."""

    oldest_due_ms: int
    delivering: int
    confirming: int


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Accounts and runs with chunks, by account and run."""

    gates: Mapping[str, RateLimitPause]
    runs: Mapping[str, WaitingChunks]


@dataclass(frozen=True, slots=True)
class StoreMemory:
    """The store's memory; `limit_bytes` is 0 where none is set, and both are where a managed service hides them."""

    used_bytes: int
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an account allows at one moment, and the runs that share it."""

    imports_per_minute: float
    share: float
    opens_in_ms: int
    runs: tuple[str, ...]
    requests_per_second: float
