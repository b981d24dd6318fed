"""Schedules over the API: what can be said, what is shown, and all exports that have one at once."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from tests.integration.serving import API_KEY, Served, serving
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]
CONNECTION = {"name": "acme", "host": "acme.api-us1.com", "api_key": API_KEY, "consent": True}
EXPORT = {"connection": "acme", "segment": "vip", "list_id": "12", "mapping": {"email": "Email"}}
MORNING = {"cron": "0 6 * * 1-5", "zone": "Europe/Zurich"}


async def _furnished(api: Served, **exports: dict[str, Any]) -> None:
    assert (await api.ask("POST", "/v1/connections", CONNECTION))[0] == 201
    for name, said in exports.items():
        assert (await api.ask("POST", "/v1/exports", EXPORT | {"name": name} | said))[0] == 201


async def _refresh(api: Served) -> list[str]:
    event = {"specversion": "1.0", "type": "segment.refreshed", "source": "/cdp", "id": "1"}
    data = {"segment": "vip", "snapshot": "/snapshots/vip.csv"}
    status, answered = await api.ask("POST", "/v1/events", event | {"data": data})
    assert status == 202
    runs: list[str] = answered["runs"]
    return runs


def test_a_schedule_is_kept_shown_with_its_next_time_and_taken_away(with_store: WithStore) -> None:
    """Merge patches change the zone alone; an export that is disabled or has none comes at no time."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await _furnished(api, vip={"schedule": {"cron": " 0  6 * * 1-5 "}}, plain={})
            _, shown = await api.ask("GET", "/v1/exports/vip")
            assert (shown["schedule"], shown["enabled"]) == (MORNING | {"zone": "UTC"}, True)
            following = datetime.fromisoformat(shown["next_scheduled"])
            assert (f"{following:%H:%M:%S}", following.weekday() < 5) == ("06:00:00", True)
            _, shown = await api.ask("GET", "/v1/exports/plain")
            assert (shown["schedule"], shown["next_scheduled"]) == (None, None)
            status, shown = await api.ask("PATCH", "/v1/exports/vip", {"schedule": {"zone": "Europe/Zurich"}})
            assert (status, shown["schedule"]) == (200, MORNING)
            _, shown = await api.ask("PATCH", "/v1/exports/vip", {"enabled": False})
            assert (shown["enabled"], shown["schedule"], shown["next_scheduled"]) == (False, MORNING, None)
            _, shown = await api.ask("PATCH", "/v1/exports/vip", {"schedule": None, "enabled": None})
            assert (shown["schedule"], shown["enabled"]) == (None, True)

    with_store(scenario)


def test_every_fault_of_a_schedule_is_named_at_once(with_store: WithStore) -> None:
    """In sentences, and nothing is kept."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await _furnished(api, vip={})
            wrong = {"schedule": {"cron": "0 6 30 2 *", "zone": "Zürich", "at": 6}, "enabled": "yes"}
            status, problem = await api.ask("PATCH", "/v1/exports/vip", wrong)
            assert status == 422
            assert {fault["pointer"]: fault["detail"] for fault in problem["errors"]} == {
                "/schedule/cron": "never comes: none of these months has such a day",
                "/schedule/zone": "must be a time zone of the IANA database, like Europe/Zurich or UTC",
                "/schedule/at": "is not a known field",
                "/enabled": "should be a valid boolean",
            }
            status, problem = await api.ask("PATCH", "/v1/exports/vip", {"schedule": {"zone": "UTC"}})
            assert (status, problem["errors"][0]["pointer"]) == (422, "/schedule/cron")
            assert (await api.ask("GET", "/v1/exports/vip"))[1]["schedule"] is None

    with_store(scenario)


def test_all_exports_with_a_schedule_run_at_once(with_store: WithStore) -> None:
    """Those that cannot are named with the reason; the same key opens nothing new."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            scheduled = {"schedule": MORNING}
            await _furnished(
                api,
                a=scheduled,
                b=scheduled | {"list_id": "13"},
                off=scheduled | {"enabled": False},
                never=scheduled | {"segment": "never"},
                plain={},
            )
            await _refresh(api)
            headers = {"Idempotency-Key": "a-click"}
            status, told = await api.ask("POST", "/v1/scheduled-runs", headers=headers)
            assert (status, [one["export"] for one in told["runs"]]) == (202, ["a", "b"])
            assert told["skipped"] == [
                {"export": "never", "reason": "segment 'never' was never refreshed: name a snapshot"},
                {"export": "off", "reason": "the export is disabled"},
            ]
            _, run = await api.ask("GET", f"/v1/runs/{told['runs'][0]['run']}")
            assert (run["export"], run["trigger"], run["snapshot"]) == ("a", "demand", "/snapshots/vip.csv")
            assert await api.ask("POST", "/v1/scheduled-runs", headers=headers) == (202, told)
            _, again = await api.ask("POST", "/v1/scheduled-runs")
            assert {one["run"] for one in again["runs"]}.isdisjoint(one["run"] for one in told["runs"])

    with_store(scenario)


def test_a_disabled_export_runs_on_demand_and_not_with_a_refresh(with_store: WithStore) -> None:
    """A person knows what they ask for."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await _furnished(api, vip={"enabled": False})
            assert await _refresh(api) == []
            assert (await api.ask("POST", "/v1/exports/vip/runs"))[0] == 202

    with_store(scenario)
