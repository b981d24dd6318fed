"""Judges a Redis server by what it tells of itself. Pure.

The record's server has to keep everything; of the queue's, which holds bells alone, losing all of it loses nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from producer.doctor.diagnosis import Diagnosis, ok, warning, wrong

OLDEST: Final = (7, 2)
"""`WAITAOF` came with it, by which a yes waits until it is on disk."""

FULL: Final = 0.85
"""From there on nothing is taken in (`wire/store/lua/lib/memory.lua`)."""

FILLING: Final = 0.7
MEBIBYTE: Final = 1 << 20

CLOCK_WARNING_MS: Final = 1_000
CLOCK_WRONG_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says: INFO in one mapping, and its settings; both are empty where a managed service hides them."""

    info: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def judged(area: Literal["store", "queue"], told: ServerFacts) -> list[Diagnosis]:
    """Judge a server."""
    found = [_version(area, told.info), _eviction(area, told), _memory(area, told.info)]
    return [*found, _persistence(told), *_writing(told.info)] if area == "store" else found


def clock(skew_ms: int) -> Diagnosis:
    """Judge how far this machine's clock is from the store's."""
    said = f"{abs(skew_ms) / 1000:.1f} s {'ahead of' if skew_ms > 0 else 'behind'} the store's"
    mend = "set both clocks by NTP: ends of tokens are told by one, leases and deadlines by the other"
    if abs(skew_ms) >= CLOCK_WRONG_MS:
        return wrong("clock", "skew", said, mend)
    return warning("clock", "skew", said, mend) if abs(skew_ms) >= CLOCK_WARNING_MS else ok("clock", "skew", said)


def _version(area: Literal["store", "queue"], info: Mapping[str, Any]) -> Diagnosis:
    name = "Valkey" if "valkey_version" in info else "Redis"
    # Valkey calls itself Redis 7.2.4 besides, for clients that look.
    said = str(info.get("valkey_version") or info.get("redis_version") or "")
    numbers = tuple(int(number) for number in re.findall(r"\d+", said)[:2])
    if not numbers:
        return warning(area, "version", "the server does not tell its version", "see that it is 7.2 or later")
    if info.get("cluster_enabled"):
        return wrong(area, "version", f"{name} {said} as a Cluster", "use one primary, by URL or Sentinel")
    if numbers < OLDEST:
        return wrong(area, "version", f"{name} {said}", "use Redis or Valkey 7.2 or later")
    return ok(area, "version", f"{name} {said}")


def _persistence(told: ServerFacts) -> Diagnosis:
    appendonly = told.settings.get("appendonly") or {0: "no", 1: "yes"}.get(told.info.get("aof_enabled", -1))
    fsync = told.settings.get("appendfsync")
    if appendonly is None:
        mend = "see in the service's own settings that the append-only file is on"
        return warning("store", "persistence", "the server does not tell whether it keeps anything", mend)
    if appendonly == "no":
        said = "appendonly is off: everything accepted is lost when the server stops"
        return wrong("store", "persistence", said, "CONFIG SET appendonly yes, and in its file: appendonly yes")
    if fsync == "no":
        said = "appendfsync is no: what was accepted in the last half minute may be lost with the machine"
        return warning("store", "persistence", said, "CONFIG SET appendfsync everysec, or always")
    if fsync == "everysec":
        return ok("store", "persistence", "append-only file, appendfsync everysec: a yes waits until it is on disk")
    return ok("store", "persistence", f"append-only file, appendfsync {fsync or 'not told'}")


def _writing(info: Mapping[str, Any]) -> list[Diagnosis]:
    if info.get("aof_last_write_status", "ok") != "ok":
        mend = "look for a full or broken disk on the server; until then nothing is accepted"
        return [wrong("store", "disk", "the last write of the append-only file failed", mend)]
    if info.get("aof_last_bgrewrite_status", "ok") != "ok":
        mend = "give the server's disk room for a second copy of the file"
        return [warning("store", "disk", "the append-only file could not be written anew", mend)]
    return []


def _eviction(area: Literal["store", "queue"], told: ServerFacts) -> Diagnosis:
    policy = told.info.get("maxmemory_policy") or told.settings.get("maxmemory-policy")
    mend = "CONFIG SET maxmemory-policy noeviction, and in its file"
    if not policy:
        return warning(area, "eviction", "the server does not tell its maxmemory-policy", "see that it is noeviction")
    if policy == "noeviction":
        return ok(area, "eviction", "maxmemory-policy noeviction")
    if area == "queue":
        return warning(area, "eviction", f"maxmemory-policy {policy}: bells may be thrown away, and ring again", mend)
    return wrong(area, "eviction", f"maxmemory-policy {policy}: the store would throw records away", mend)


def _memory(area: Literal["store", "queue"], info: Mapping[str, Any]) -> Diagnosis:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    said = f"{used / MEBIBYTE:,.0f} MiB used"
    if not most:
        return ok(area, "memory", f"{said}, no maxmemory")
    share = used / most
    said = f"{said} of {most / MEBIBYTE:,.0f} MiB, {share:.0%}"
    mend = "raise maxmemory, or shorten REJECTS_RETENTION_DAYS and RUNS_RETENTION_DAYS"
    if share >= FULL:
        return wrong(area, "memory", f"{said}: nothing new is taken in", mend)
    return warning(area, "memory", said, mend) if share >= FILLING else ok(area, "memory", said)
