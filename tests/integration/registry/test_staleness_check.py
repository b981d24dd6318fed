"""What has grown old is said of exports and segments over the API, and by the metric."""

from collections.abc import Callable, Coroutine
from typing import Any

from tests.integration.serving import connection, export, serving
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]


def test_exports_and_segments_say_what_has_grown_old(with_store: WithStore) -> None:
    """From never seen, over never run, to too old; and nothing once all is well."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await api.registry.save_connection(connection(), secret=b"s")
            await api.registry.save_export(export())
            assert await told(api) == (["segment_never_seen"], ["segment_never_seen"])
            refresh = {"specversion": "1.0", "type": "segment.refreshed", "source": "/cdp", "id": "1"}
            said = refresh | {"data": {"segment": "vip", "snapshot": "/snapshots/a.csv"}}
            assert (await api.ask("POST", "/v1/events", said))[0] == 202
            assert await told(api) == (["export_never_ran"], [])
            run = await api.run_store.begin("a-reader")
            assert run is not None
            figures = {"read": 0, "selected": 0}
            nothing: dict[str, Any] = {"selection": b"", "forecast": {}, "rejects": [], "pin": "p"}
            await api.run_store.surveyed(run.id, "a-reader", figures=figures, **nothing)
            assert await told(api) == ([], [])
            early = said | {"id": "2", "time": "2001-01-01T00:00:00Z"}
            early["data"] = {"segment": "old", "snapshot": "/snapshots/a.csv"}
            assert (await api.ask("PATCH", "/v1/exports/vips", {"segment": "old"}))[0] == 200
            assert (await api.ask("POST", "/v1/events", early))[0] == 202
            assert await told(api, "old") == (["snapshot_old"], ["snapshot_old"])
            change = {"enabled": False}
            assert (await api.ask("PATCH", "/v1/exports/vips", change))[1]["warnings"] == []

    async def told(api: Any, segment: str = "vip") -> tuple[list[str], list[str]]:
        _, shown = await api.ask("GET", "/v1/exports/vips")
        _, listed = await api.ask("GET", "/v1/exports")
        codes = [each["code"] for each in shown["warnings"]]
        assert [each["code"] for each in listed["items"][0]["warnings"]] == codes
        _, segments = await api.ask("GET", "/v1/segments")
        (found,) = (one for one in segments["items"] if one["name"] == segment)
        assert found["warning"] == (found["warnings"][0]["detail"] if found["warnings"] else None)
        return codes, [each["code"] for each in found["warnings"]]

    with_store(scenario)
