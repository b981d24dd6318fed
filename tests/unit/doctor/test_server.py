"""A server is judged by what it tells of itself: what a record needs, what a queue can do without, what may be hidden."""

from typing import Any, Literal

import pytest

from producer.doctor import Diagnosis, DiagnosisHealth
from producer.doctor.server import ServerFacts, clock, judged

GOOD_INFO = {
    "redis_version": "7.2.4",
    "valkey_version": "9.1.2",
    "cluster_enabled": 0,
    "maxmemory_policy": "noeviction",
    "used_memory": 10 << 20,
    "maxmemory": 100 << 20,
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
}
GOOD_SETTINGS = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


def _judged(area: Literal["store", "queue"], info: dict[str, Any], settings: dict[str, str]) -> dict[str, Diagnosis]:
    return {one.name: one for one in judged(area, ServerFacts(GOOD_INFO | info, GOOD_SETTINGS | settings))}


@pytest.mark.parametrize("area", ["store", "queue"])
def test_a_good_server_is_well_in_everything(area: Literal["store", "queue"]) -> None:
    """And there is nothing to mend."""
    found = _judged(area, {}, {})
    assert {one.health for one in found.values()} == {DiagnosisHealth.OK}
    assert {one.mend for one in found.values()} == {None}
    assert found["version"].says == "Valkey 9.1.2"


@pytest.mark.parametrize(
    ("info", "settings", "name", "store", "queue"),
    [
        ({"valkey_version": "7.1.9"}, {}, "version", DiagnosisHealth.WRONG, DiagnosisHealth.WRONG),
        ({"valkey_version": "", "redis_version": "7.2.0"}, {}, "version", DiagnosisHealth.OK, DiagnosisHealth.OK),
        ({"valkey_version": "", "redis_version": ""}, {}, "version", DiagnosisHealth.WARNING, DiagnosisHealth.WARNING),
        ({"cluster_enabled": 1}, {}, "version", DiagnosisHealth.WRONG, DiagnosisHealth.WRONG),
        ({"maxmemory_policy": "allkeys-lru"}, {}, "eviction", DiagnosisHealth.WRONG, DiagnosisHealth.WARNING),
        (
            {"maxmemory_policy": ""},
            {"maxmemory-policy": ""},
            "eviction",
            DiagnosisHealth.WARNING,
            DiagnosisHealth.WARNING,
        ),
        ({"maxmemory": 0}, {}, "memory", DiagnosisHealth.OK, DiagnosisHealth.OK),
        ({"used_memory": 69 << 20}, {}, "memory", DiagnosisHealth.OK, DiagnosisHealth.OK),
        ({"used_memory": 70 << 20}, {}, "memory", DiagnosisHealth.WARNING, DiagnosisHealth.WARNING),
        ({"used_memory": 86 << 20}, {}, "memory", DiagnosisHealth.WRONG, DiagnosisHealth.WRONG),
        ({}, {"appendonly": "no"}, "persistence", DiagnosisHealth.WRONG, None),
        ({"aof_enabled": 0}, {"appendonly": ""}, "persistence", DiagnosisHealth.WRONG, None),
        ({"aof_enabled": -1}, {"appendonly": ""}, "persistence", DiagnosisHealth.WARNING, None),
        ({}, {"appendfsync": "no"}, "persistence", DiagnosisHealth.WARNING, None),
        ({}, {"appendfsync": "everysec"}, "persistence", DiagnosisHealth.OK, None),
        ({"aof_last_write_status": "err"}, {}, "disk", DiagnosisHealth.WRONG, None),
        ({"aof_last_bgrewrite_status": "err"}, {}, "disk", DiagnosisHealth.WARNING, None),
    ],
)
def test_what_is_amiss_is_judged_by_what_it_would_lose(
    info: dict[str, Any], settings: dict[str, str], name: str, store: DiagnosisHealth, queue: DiagnosisHealth | None
) -> None:
    """Of the record everything, of the queue nothing; whatever is not well says what to mend."""
    for area, expected in (("store", store), ("queue", queue)):
        found = _judged(area, info, settings).get(name)  # type: ignore[arg-type]  # the loop's words are the two areas
        assert (found and found.health) == expected
        assert found is None or (found.mend is None) == (found.health is DiagnosisHealth.OK)


@pytest.mark.parametrize(
    ("skew_ms", "health"),
    [
        (0, DiagnosisHealth.OK),
        (-999, DiagnosisHealth.OK),
        (1_000, DiagnosisHealth.WARNING),
        (-29_999, DiagnosisHealth.WARNING),
        (30_000, DiagnosisHealth.WRONG),
    ],
)
def test_two_clocks_may_differ_by_less_than_a_second(skew_ms: int, health: DiagnosisHealth) -> None:
    """In either direction."""
    assert clock(skew_ms).health is health
