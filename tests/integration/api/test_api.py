"""The HTTP API from its outside, over a real Valkey: what the design fixes is what a client sees."""

import csv
import io
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from producer.api import Role
from producer.api.route import Route
from producer.api.routes import ROUTES
from producer.intake.event_stream_store import EventStreamStore
from producer.intake.stream_entry import Death
from producer.runs.store import RunStore
from tests.integration.serving import API_KEY, VAULT, Served, serving
from wire.chunk_queue.rejects import Reject, page
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store
from wire.store.results import Unwritable

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]
Scenario = Callable[[Served, Store], Coroutine[Any, Any, None]]

CONNECTION = {"name": "main", "host": "https://Acme.api-us1.com/", "api_key": API_KEY, "consent": True}
EXPORT = {
    "name": "vips",
    "connection": "main",
    "segment": "vip",
    "list_id": "12",
    "mapping": {"email": "Email", "fields": {"7": "Tier"}, "tags": ["vip"]},
}
EVENT = {
    "specversion": "1.0",
    "type": "segment.refreshed",
    "source": "/cdp",
    "id": "1",
    "subject": "vip",
    "data": {"segment": "vip", "snapshot": "/snapshots/vip.csv"},
}


@pytest.fixture
def with_api(with_store: WithStore) -> Callable[[Scenario], None]:
    """Run a scenario over the API and an empty store."""

    def run(scenario: Scenario) -> None:
        async def served(store: Store) -> None:
            async with serving(store) as api:
                await scenario(api, store)

        with_store(served)

    return run


WithApi = Callable[[Scenario], None]


async def _ready(api: Served) -> None:
    assert (await api.ask("POST", "/v1/connections", CONNECTION))[0] == 201
    assert (await api.ask("POST", "/v1/exports", EXPORT))[0] == 201


def _at(route: Route) -> str:
    """Make an address of a route; aiohttp takes no braces for a name."""
    return route.path.replace("{name}", "x").replace("{id}", "x")


def _places(problem: dict[str, Any]) -> set[str]:
    return {fault["pointer"] for fault in problem["errors"]}


def test_a_connection_is_checked_sealed_and_shown_without_its_key(with_api: WithApi) -> None:
    """The host is mended, the consent dated and signed, the key nowhere in clear."""

    async def scenario(api: Served, store: Store) -> None:
        status, made = await api.ask("POST", "/v1/connections", CONNECTION)
        assert status == 201
        assert (made["name"], made["display_name"], made["host"]) == ("main", "main", "acme.api-us1.com")
        assert (made["allow"], made["type"], made["administrator"], made["warning"]) == (
            "admins",
            "activecampaign",
            True,
            None,
        )
        assert made["limits"] == {"imports_per_minute": 100, "single_imports_per_minute": 20, "requests_per_second": 5}
        assert made["consent"] == {"by": "admin", "at": made["created"]}
        assert await api.ask("GET", "/v1/connections/main") == (200, made)
        assert await api.ask("GET", "/v1/connections") == (200, {"items": [made], "next": None})
        kept = await store.hash(key("connection", made["id"]))
        assert VAULT.open(made["id"], kept["secret"]).get_secret_value() == API_KEY
        assert API_KEY not in codec.text(made) + repr(kept)

    with_api(scenario)


def test_a_connection_that_is_not_as_it_should_be_is_not_kept(with_api: WithApi) -> None:
    """A refused key, a host that is none, no consent, a name that exists, an account that answers nobody."""

    async def scenario(api: Served, store: Store) -> None:
        for change, place in (
            ({"api_key": "wrong"}, "/api_key"),
            ({"host": "http://10.0.0.1"}, "/host"),
            ({"consent": False}, "/consent"),
        ):
            status, problem = await api.ask("POST", "/v1/connections", CONNECTION | change)
            assert (status, _places(problem)) == (422, {place})
        api.checks.busy = True
        async with api.client.post("/v1/connections", json=CONNECTION) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "7")
        api.checks.busy = False
        assert await api.ask("GET", "/v1/connections") == (200, {"items": [], "next": None})
        await api.ask("POST", "/v1/connections", CONNECTION)
        api.checks.asked.clear()
        assert (await api.ask("POST", "/v1/connections", CONNECTION))[0] == 409
        assert api.checks.asked == []

    with_api(scenario)


def test_a_key_that_is_not_an_administrators_is_taken_with_a_warning(with_api: WithApi) -> None:
    """The contract cannot be read with it."""

    async def scenario(api: Served, store: Store) -> None:
        api.checks.administrator = False
        _, made = await api.ask("POST", "/v1/connections", CONNECTION)
        assert made["administrator"] is False
        assert "not an administrator" in made["warning"]

    with_api(scenario)


def test_a_connection_changes_by_a_merge_patch(with_api: WithApi) -> None:
    """Host and key are checked again only where they change; a refused change changes nothing."""

    async def scenario(api: Served, store: Store) -> None:
        _, made = await api.ask("POST", "/v1/connections", CONNECTION)
        api.checks.asked.clear()
        change = {"display_name": "The main one", "allow": "contributors", "limits": {"requests_per_second": 2}}
        status, changed = await api.ask("PATCH", "/v1/connections/main", change)
        assert (status, api.checks.asked) == (200, [])
        assert changed["limits"] == made["limits"] | {"requests_per_second": 2}
        assert (changed["display_name"], changed["allow"], changed["id"]) == (
            "The main one",
            "contributors",
            made["id"],
        )
        assert changed["consent"] == made["consent"]
        api.checks.api_keys = {"another-key"}
        status, problem = await api.ask("PATCH", "/v1/connections/main", {"host": "b.api-us1.com"})
        assert (status, _places(problem)) == (422, {"/api_key"})
        assert (await api.ask("PATCH", "/v1/connections/main", {"api_key": "another-key"}))[0] == 200
        secret = (await store.hash(key("connection", made["id"])))["secret"]
        assert VAULT.open(made["id"], secret).get_secret_value() == "another-key"
        status, problem = await api.ask("PATCH", "/v1/connections/main", {"consent": False, "key": 1, "name": "A"})
        assert (status, _places(problem)) == (422, {"/consent", "/key", "/name"})
        assert (await api.ask("PATCH", "/v1/connections/none", {}))[0] == 404

    with_api(scenario)


def test_a_check_tells_whether_a_connection_is_still_good(with_api: WithApi) -> None:
    """And what to mend."""

    async def scenario(api: Served, store: Store) -> None:
        await api.ask("POST", "/v1/connections", CONNECTION)
        account: dict[str, object] = {
            "account": "acme.api-us1.com",
            "account_known_by": "host",
            "account_note": None,
            "same_account": [],
        }
        good = {"ok": True, "administrator": True, "field": None, "detail": None} | account
        assert await api.ask("POST", "/v1/connections/main/check") == (200, good)
        api.checks.api_keys.clear()
        status, found = await api.ask("POST", "/v1/connections/main/check")
        assert (status, found["ok"], found["field"]) == (200, False, "api_key")

    with_api(scenario)


def test_an_export_is_checked_and_kept_and_runs_nothing(with_api: WithApi) -> None:
    """Its list must be there, its connection too, and every fault is named."""

    async def scenario(api: Served, store: Store) -> None:
        await api.ask("POST", "/v1/connections", CONNECTION)
        status, made = await api.ask("POST", "/v1/exports", EXPORT)
        assert status == 201
        assert made["mapping"] == {
            "email": "Email",
            "first_name": None,
            "last_name": None,
            "phone": None,
            "fields": {"7": "Tier"},
            "tags": ["vip"],
            "tags_column": None,
            "id": None,
        }
        assert (made["connection"], made["leavers"], made["automations"]) == ("main", "keep", False)
        assert (made["budget_minutes"], made["patience_minutes"], made["delivery_patience_minutes"]) == (90, 30, 720)
        assert await api.ask("GET", "/v1/exports/vips") == (200, made)
        assert await api.ask("GET", "/v1/exports") == (200, {"items": [made], "next": None})
        assert await api.ask("GET", "/v1/runs") == (200, {"items": [], "next": None})
        for change, place in (({"list_id": "99"}, "/list_id"), ({"connection": "none"}, "/connection")):
            status, problem = await api.ask("POST", "/v1/exports", EXPORT | {"name": "x"} | change)
            assert (status, _places(problem)) == (422, {place})
        assert (await api.ask("POST", "/v1/exports", EXPORT))[0] == 409

    with_api(scenario)


def test_two_attributes_for_one_field_are_a_fault(with_api: WithApi) -> None:
    """JSON allows it, and every parser would silently drop one."""

    async def scenario(api: Served, store: Store) -> None:
        await api.ask("POST", "/v1/connections", CONNECTION)
        body = codec.text(EXPORT).replace('"7":"Tier"', '"7":"Tier","7":"Town"')
        headers = {"Content-Type": "application/json"}
        status, problem = await api.ask("POST", "/v1/exports", data=body, headers=headers)
        assert (status, _places(problem)) == (422, {"/mapping/fields/7"})

    with_api(scenario)


def test_an_export_changes_by_a_merge_patch(with_api: WithApi) -> None:
    """The list is checked where list or connection change; null takes an attribute away; renaming keeps its id."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        await api.ask("POST", "/v1/connections", CONNECTION | {"name": "other"})
        _, made = await api.ask("GET", "/v1/exports/vips")
        api.checks.asked.clear()
        change = {"mapping": {"first_name": "First", "fields": {"7": None, "8": "Town"}}, "name": "people"}
        status, changed = await api.ask("PATCH", "/v1/exports/vips", change)
        assert (status, api.checks.asked) == (200, [])
        assert changed["mapping"]["fields"] == {"8": "Town"}
        assert (changed["mapping"]["first_name"], changed["mapping"]["email"]) == ("First", "Email")
        assert (changed["id"], changed["name"]) == (made["id"], "people")
        assert (await api.ask("GET", "/v1/exports/vips"))[0] == 404
        assert (await api.ask("PATCH", "/v1/exports/people", {"list_id": "99"}))[0] == 422
        assert (await api.ask("PATCH", "/v1/exports/people", {"list_id": "13", "connection": "other"}))[0] == 200
        status, problem = await api.ask("PATCH", "/v1/exports/people", {"mapping": {"email": None}, "lists": 1})
        assert (status, _places(problem)) == (422, {"/mapping/email", "/lists"})
        strange = {"lists": None, "mapping": {"fone": None, "fields": {"x": None}}}
        status, problem = await api.ask("PATCH", "/v1/exports/people", strange)
        assert (status, _places(problem)) == (422, {"/lists", "/mapping/fone", "/mapping/fields/x"})
        assert (await api.ask("GET", "/v1/exports/people"))[1]["connection"] == "other"

    with_api(scenario)


def test_what_confirms_a_leaver_is_safe_unless_it_is_said_twice(with_api: WithApi) -> None:
    """`at_once` is confirmed like `unsubscribe`; the guard is on, and what is not said is not written."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        _, made = await api.ask("GET", "/v1/exports/vips")
        assert (made["leavers_confirm"], made["leavers_guard"]) == ("next_refresh", {"share": 0.05, "number": 1000})
        kept = await store.hash(key("export", made["id"]))
        assert b"leavers_" not in kept["document"].replace(b"leavers_field", b""), "an earlier version reads it, too"
        unsubscribe = {"leavers": "unsubscribe", "leavers_confirm": "at_once"}
        status, problem = await api.ask("PATCH", "/v1/exports/vips", unsubscribe)
        assert (status, _places(problem)) == (422, {"/confirm_unsubscribe"})
        confirmed = {"confirm_unsubscribe": True}
        by_hand = {"leavers": "unsubscribe", "leavers_confirm": "by_hand"}
        assert (await api.ask("PATCH", "/v1/exports/vips", by_hand | confirmed))[0] == 200
        status, problem = await api.ask("PATCH", "/v1/exports/vips", {"leavers_confirm": "at_once"})
        assert (status, _places(problem)) == (422, {"/confirm_unsubscribe"})
        assert (await api.ask("PATCH", "/v1/exports/vips", {"leavers_confirm": "at_once"} | confirmed))[0] == 200
        assert (await api.ask("PATCH", "/v1/exports/vips", {"leavers_guard": {"number": 5}}))[0] == 200
        _, changed = await api.ask("PATCH", "/v1/exports/vips", {"enabled": False})
        assert (changed["leavers_confirm"], changed["leavers_guard"]) == ("at_once", {"share": 0.05, "number": 5})
        _, off = await api.ask("PATCH", "/v1/exports/vips", {"leavers_guard": None})
        assert off["leavers_guard"] is None
        status, problem = await api.ask("PATCH", "/v1/exports/vips", {"leavers_confirm": "never"})
        assert (status, _places(problem)) == (422, {"/leavers_confirm"})

    with_api(scenario)


def test_deleting_a_connection_detaches_exports_which_can_be_attached_again(with_api: WithApi) -> None:
    """What they were told stays, and their runs end."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        _, opened = await api.ask("POST", "/v1/events", EVENT)
        assert await api.ask("DELETE", "/v1/connections/main") == (
            200,
            {"detached": ["vips"], "ended_runs": opened["runs"]},
        )
        assert (await api.ask("GET", f"/v1/runs/{opened['runs'][0]}"))[1]["state"] == "cancelled"
        _, detached = await api.ask("GET", "/v1/exports/vips")
        assert (detached["connection"], detached["list_id"]) == (None, "12")
        assert (await api.ask("POST", "/v1/exports/vips/runs", {}))[0] == 409
        assert (await api.ask("PATCH", "/v1/exports/vips", {"automations": True}))[0] == 200
        await api.ask("POST", "/v1/connections", CONNECTION | {"name": "next"})
        assert (await api.ask("PATCH", "/v1/exports/vips", {"connection": "next"}))[1]["connection"] == "next"
        status, gone = await api.ask("DELETE", "/v1/exports/vips")
        assert (status, gone) == (200, {"ended_runs": []})
        assert (await api.ask("DELETE", "/v1/exports/vips"))[0] == 404

    with_api(scenario)


@pytest.mark.parametrize("binary", [True, False])
def test_an_event_opens_its_runs_once(with_api: WithApi, *, binary: bool) -> None:
    """Structured or binary; again the same, the same answer; with other data a conflict."""

    async def publish(api: Served, event: dict[str, Any]) -> tuple[int, Any]:
        if not binary:
            headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
            return await api.ask("POST", "/v1/events", data=codec.encode(event), headers=headers)
        context = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
        headers = context | {"Content-Type": "application/json"}
        return await api.ask("POST", "/v1/events", data=codec.encode(event["data"]), headers=headers)

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        status, accepted = await publish(api, EVENT)
        assert (status, len(accepted["runs"])) == (202, 1)
        assert "reason" not in accepted
        assert await publish(api, EVENT) == (202, accepted)
        changed = {"segment": "vip", "snapshot": "/snapshots/other.csv"}
        assert (await publish(api, EVENT | {"data": changed}))[0] == 409
        status, unknown = await publish(
            api, EVENT | {"id": "2", "subject": "x", "data": {"segment": "x", "snapshot": "/snapshots/x"}}
        )
        assert (status, unknown) == (202, {"runs": [], "reason": "no export names this segment"})
        status, problem = await publish(api, EVENT | {"id": "3", "data": {"snapshot": "/etc/passwd"}})
        assert (status, _places(problem)) == (422, {"/data/segment"})
        _, segments = await api.ask("GET", "/v1/segments")
        assert [(one["name"], one["snapshot"], one["exports"]) for one in segments["items"]] == [
            ("vip", "/snapshots/vip.csv", ["vips"]),
            ("x", "/snapshots/x", []),
        ]

    with_api(scenario)


def test_events_that_could_not_be_taken_are_listed_in_parts_newest_first(with_api: WithApi, redis_url: str) -> None:
    """With the reason and without what they held; other events are not listed at all."""

    async def scenario(api: Served, store: Store) -> None:
        assert await api.ask("GET", "/v1/events?state=dead") == (200, {"items": [], "next": None})
        events = EventStreamStore(store)
        async with Redis.from_url(redis_url) as redis:
            for number in range(3):
                body = codec.encode({"id": str(number), "source": "/cdp", "data": "ann@example.org"} if number else "")
                await redis.xadd(key("events"), {"event": body}, id=f"{1_795_435_200_000 + number}-0")
                entry = await events.next("a")
                assert entry is not None
                said = ("/cdp", str(number)) if number else ("", "")
                await events.bury("a", entry, Death("malformed", f"reason {number}", *said))
        status, first = await api.ask("GET", "/v1/events?state=dead&limit=2")
        assert (status, [one["id"] for one in first["items"]]) == (200, ["2", "1"])
        assert first["items"][1] == {
            "received": "2026-11-23T12:00:00.001Z",
            "source": "/cdp",
            "id": "1",
            "cause": "malformed",
            "reason": "reason 1",
            "entry": "1795435200001-0",
        }
        _, second = await api.ask("GET", f"/v1/events?state=dead&limit=2&after={first['next']}")
        assert [(one["id"], one["source"], one["reason"]) for one in second["items"]] == [(None, None, "reason 0")]
        assert second["next"] is None
        for query in (
            "",
            "?state=",
            "?state=alive",
            "?state=dead&limit=0",
            "?state=dead&after=x",
            "?state=dead&after=-",
        ):
            assert (await api.ask("GET", f"/v1/events{query}"))[0] == 422, query

    with_api(scenario)


def test_a_segment_that_was_never_refreshed_says_so(with_api: WithApi) -> None:
    """An export waits for it."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        _, segments = await api.ask("GET", "/v1/segments")
        (vip,) = segments["items"]
        assert (vip["refreshed"], vip["snapshot"], vip["exports"]) == (None, None, ["vips"])
        assert "never refreshed" in vip["warning"]

    with_api(scenario)


def test_a_run_on_demand_is_opened_once_for_an_idempotency_key(with_api: WithApi) -> None:
    """Another demand under the same key is a conflict."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        body = {"snapshot": "file:///snapshots/a.csv", "mode": "full", "dry_run": True}
        headers = {"Idempotency-Key": "k1"}
        status, opened = await api.ask("POST", "/v1/exports/vips/runs", body, headers=headers)
        assert status == 202
        run = opened["run"]
        assert (run["mode"], run["dry_run"], run["trigger"], run["snapshot"]) == (
            "full",
            True,
            "demand",
            body["snapshot"],
        )
        again = await api.ask("POST", "/v1/exports/vips/runs", body, headers=headers)
        assert again[1]["run"]["id"] == run["id"]
        assert (await api.ask("POST", "/v1/exports/vips/runs", {**body, "mode": "changes"}, headers=headers))[0] == 409
        status, problem = await api.ask("POST", "/v1/exports/vips/runs")
        assert (status, _places(problem)) == (422, {"/snapshot"})
        assert (await api.ask("POST", "/v1/exports/none/runs", body))[0] == 404
        long = {"Idempotency-Key": "k" * 256}
        assert (await api.ask("POST", "/v1/exports/vips/runs", body, headers=long))[0] == 400

    with_api(scenario)


def test_a_run_is_shown_with_its_books_and_its_future(with_api: WithApi) -> None:
    """Every word of the design is there, times are RFC 3339."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        _, accepted = await api.ask("POST", "/v1/events", EVENT)
        (run_id,) = accepted["runs"]
        status, run = await api.ask("GET", f"/v1/runs/{run_id}")
        assert status == 200
        assert (run["export"], run["state"], run["phase"], run["trigger"]) == ("vips", "queued", "queued", "event")
        assert (run["snapshot"], run["error"], run["blocked"], run["forecast"]) == (
            "/snapshots/vip.csv",
            None,
            None,
            None,
        )
        assert set(run["books"]) == {
            *("read", "invalid", "duplicate", "unchanged", "held_back", "selected"),
            *("applied", "refused", "unconfirmed", "unsent", "pending", "leaving"),
        }
        leaving = ("applied", "refused", "unconfirmed", "unsent", "pending", "kept", "waiting")
        assert run["books"]["leaving"] == dict.fromkeys(leaving, 0)
        assert {name: run[name] for name in ("chunks", "requests", "throttles", "accepted")} == dict.fromkeys(
            ("chunks", "requests", "throttles", "accepted"), 0
        )
        assert (run["started"], run["finished"]) == (None, None)
        assert run["created"] < run["projected_finish"] < run["deadline"]
        assert run["deadline"].endswith("Z")
        await RunStore(store).begin("reader")
        figures = {"read": 5, "invalid": 1, "selected": 4}
        forecast = {"requests": 1}
        await api.run_store.surveyed(
            run_id, "reader", figures=figures, selection=b"", forecast=forecast, rejects=[], pin="p"
        )
        _, begun = await api.ask("GET", f"/v1/runs/{run_id}")
        assert (begun["forecast"], begun["state"], begun["books"]["pending"]) == (forecast, "delivering", 4)
        assert begun["started"] is not None
        assert (await api.ask("GET", "/v1/runs/none"))[0] == 404

    with_api(scenario)


def test_runs_are_listed_in_parts_newest_first(with_api: WithApi) -> None:
    """The next part comes after the last of the one before, whatever came in between."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        for at in range(5):
            await api.ask("POST", "/v1/exports/vips/runs", {"snapshot": f"/snapshots/{at}.csv"})
        _, first = await api.ask("GET", "/v1/runs?limit=2")
        await api.ask("POST", "/v1/exports/vips/runs", {"snapshot": "/snapshots/late.csv"})
        _, second = await api.ask("GET", f"/v1/runs?limit=2&after={first['next']}&export=vips")
        _, third = await api.ask("GET", f"/v1/runs?limit=2&after={second['next']}")
        shown = [run["id"] for part in (first, second, third) for run in part["items"]]
        assert (len(shown), len(set(shown)), third["next"]) == (5, 5, None)
        assert (await api.ask("GET", "/v1/runs?limit=0"))[0] == 422
        assert (await api.ask("GET", "/v1/runs?limit=x"))[0] == 422
        assert (await api.ask("GET", "/v1/runs?export=none"))[0] == 404

    with_api(scenario)


def test_lists_by_name_are_cut_into_parts(with_api: WithApi) -> None:
    """Connections, exports and segments alike."""

    async def scenario(api: Served, store: Store) -> None:
        for name in ("b", "a", "c"):
            await api.ask("POST", "/v1/connections", CONNECTION | {"name": name})
        _, first = await api.ask("GET", "/v1/connections?limit=2")
        assert ([one["name"] for one in first["items"]], first["next"]) == (["a", "b"], "b")
        _, second = await api.ask("GET", f"/v1/connections?limit=2&after={first['next']}")
        assert ([one["name"] for one in second["items"]], second["next"]) == (["c"], None)

    with_api(scenario)


def test_a_run_is_steered_and_every_hand_may_be_repeated(with_api: WithApi) -> None:
    """Pause, resume and cancel answer what they did."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        _, accepted = await api.ask("POST", "/v1/events", EVENT)
        path = f"/v1/runs/{accepted['runs'][0]}"
        for action, body, result, state in (
            ("pause", None, "done", "paused"),
            ("pause", {}, "already", "paused"),
            ("resume", {"accept": False}, "done", "queued"),
            ("resume", None, "already", "queued"),
            ("cancel", None, "done", "cancelled"),
            ("cancel", None, "over", "cancelled"),
            ("pause", None, "over", "cancelled"),
        ):
            status, steered = await api.ask("POST", f"{path}/{action}", body)
            assert (status, steered["result"], steered["run"]["state"]) == (202, result, state), action
        assert (await api.ask("POST", f"{path}/pause", {"accept": True}))[0] == 422
        assert (await api.ask("POST", f"{path}/resume", {"accept": "yes"}))[0] == 422
        assert (await api.ask("POST", "/v1/runs/none/cancel"))[0] == 404

    with_api(scenario)


def test_a_snapshot_is_previewed_with_masked_addresses(with_store: WithStore, tmp_path: Path) -> None:
    """For whoever is about to map its columns; what is wrong with it is said as a run would say it."""
    (tmp_path / "vip.csv").write_text("Email,Name\nann@example.org,Ann\nbob@example.org,\n")

    async def served(store: Store) -> None:
        async with serving(store, [tmp_path]) as api:
            path = "/v1/snapshots/preview"
            assert await api.ask("GET", path, params={"snapshot": f"{tmp_path}/vip.csv"}) == (
                200,
                {
                    "snapshot": f"{tmp_path}/vip.csv",
                    "files": 1,
                    "bytes": 48,
                    "rows": None,
                    "columns": [{"name": "Email", "type": "text"}, {"name": "Name", "type": "text"}],
                    "beginning": [
                        {"Email": "a***@example.org", "Name": "Ann"},
                        {"Email": "b***@example.org", "Name": None},
                    ],
                },
            )
            for snapshot, detail in {
                f"{tmp_path}/none.csv": "no such file",
                "/etc/passwd": "outside",
                "s3://bucket/a.csv": "outside",
                "": "missing",
            }.items():
                status, problem = await api.ask("GET", path, params={"snapshot": snapshot})
                assert (status, detail in problem["detail"]) == (422, True), problem

    with_store(served)


def test_rejects_are_streamed_as_lines_or_as_a_table(with_api: WithApi) -> None:
    """All pages of them, in order, safe in a spreadsheet; a run without any has none."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        _, accepted = await api.ask("POST", "/v1/events", EVENT)
        (run,) = accepted["runs"]
        path = f"/v1/runs/{run}/rejects"
        async with api.client.get(path) as response:
            assert (response.status, await response.read()) == (200, b"")
        rejects = [Reject(row, f"={row}@x", "invalid", "email_invalid", "a, b") for row in range(1, 101)]
        pages = [page(rejects[at : at + 2]) for at in range(0, 100, 2)]
        await api.run_store.begin("reader")
        figures = {"read": 100, "invalid": 100, "selected": 0}
        await api.run_store.surveyed(run, "reader", figures=figures, selection=b"", forecast={}, rejects=pages, pin="p")
        async with api.client.get(path) as response:
            assert response.content_type == "application/x-ndjson"
            assert [codec.decode(line) for line in (await response.read()).splitlines()] == [
                codec.decode(reject.line()) for reject in rejects
            ]
        for options in ({"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}):
            async with api.client.get(path, **options) as response:  # type: ignore[arg-type]
                assert response.content_type == "text/csv"
                table = list(csv.DictReader(io.StringIO(await response.text(), newline="")))
                assert [row["email"] for row in table] == [f"'={row}@x" for row in range(1, 101)]
                assert table[0] | {"email": ""} == {
                    "row": "1",
                    "email": "",
                    "fate": "invalid",
                    "code": "email_invalid",
                    "reason": "a, b",
                }
        assert (await api.ask("GET", f"{path}?format=xls"))[0] == 422
        assert (await api.ask("GET", "/v1/runs/none/rejects"))[0] == 404

    with_api(scenario)


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", "Bearer ", "Basic YTpi", "an-admin-token", "Bearer \xe9"]
)
def test_nothing_but_health_and_metrics_is_shown_without_a_token(with_api: WithApi, authorization: str | None) -> None:
    """Not even whether there is something at an address."""

    async def scenario(api: Served, store: Store) -> None:
        api.client.session.headers.pop("Authorization")
        headers = {} if authorization is None else {"Authorization": authorization}
        calls = [(route.method, _at(route)) for route in ROUTES if route.roles is not None]
        for method, path in [*calls, ("GET", "/nothing"), ("DELETE", "/v1/runs")]:
            async with api.client.request(method, path, headers=headers) as response:
                assert response.status == 401, (method, path)
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
                assert response.content_type == "application/problem+json"
        for path in ("/healthz", "/readyz", "/metrics"):
            async with api.client.get(path, headers=headers) as response:
                assert response.status == 200

    with_api(scenario)


def test_every_role_gets_what_the_table_says_and_nothing_else(with_api: WithApi) -> None:
    """A matrix of role and route: 403 exactly where the role is not named."""

    async def scenario(api: Served, store: Store) -> None:
        for role in Role:
            for route in ROUTES:
                headers = {"Authorization": f"bearer {role}"}
                async with api.client.request(route.method, _at(route), headers=headers) as response:
                    allowed = route.roles is None or role in route.roles
                    assert (response.status != 403) == allowed, (role, route.method, route.path)

    with_api(scenario)


def test_every_error_is_a_problem_document(with_api: WithApi) -> None:
    """Unknown addresses, wrong methods and media types, bodies too large, too deep, or no JSON."""

    async def scenario(api: Served, store: Store) -> None:
        json = {"Content-Type": "application/json"}
        deep = b'{"a":' * 400 + b"1" + b"}" * 400
        for method, path, body, headers, expected in (
            ("GET", "/nothing", None, {}, 404),
            ("PUT", "/v1/runs", None, {}, 405),
            ("POST", "/v1/exports", b"{}", {"Content-Type": "text/plain"}, 415),
            ("POST", "/v1/exports", b"", json, 400),
            ("POST", "/v1/exports", b"{", json, 400),
            ("POST", "/v1/exports", b'{"name":NaN}', json, 400),
            ("POST", "/v1/exports", b"\xff", json, 400),
            ("POST", "/v1/exports", b'{"\\ud800":1}', json, 400),
            ("POST", "/v1/exports", b'{"name":' + b"1" * 5_000 + b"}", json, 400),
            ("POST", "/v1/exports", deep, json, 400),
            ("POST", "/v1/exports", b"[" * 100_000, json, 400),
            ("POST", "/v1/exports", b"[]", json, 422),
            ("POST", "/v1/exports", io.BytesIO(b" " * (1 << 20) + b"{}"), json, 413),
            ("POST", "/v1/events", b"a,b", {"Content-Type": "text/csv"}, 415),
            ("POST", "/v1/events", b"a,b", json, 422),
        ):
            async with api.client.request(method, path, data=body, headers=headers) as response:
                assert response.status == expected, (path, body)
                assert response.content_type == "application/problem+json"
                problem = await response.json(content_type=None)
                assert problem["status"] == expected
                assert problem["type"] == "about:blank"
                assert problem["title"]
                assert problem["detail"]
                assert ("Allow" in response.headers) == (expected == 405)

    with_api(scenario)


def test_what_cannot_be_kept_is_not_accepted(with_api: WithApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that cannot write is a 503 that says when to come again, and the producer is not ready."""

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)

        async def keep(*_: object) -> None:
            raise Unwritable("the store refuses to write: OutOfMemoryError")

        with monkeypatch.context() as patch:
            patch.setattr(store, "keep", keep)
            for path, body in (
                ("/v1/events", EVENT),
                ("/v1/connections", CONNECTION | {"name": "x"}),
                ("/v1/exports", EXPORT | {"name": "x"}),
                ("/v1/exports/vips/runs", {"snapshot": "/snapshots/a.csv"}),
                ("/v1/runs/x/cancel", {}),
            ):
                async with api.client.post(path, json=body) as response:
                    assert (response.status, response.headers["Retry-After"]) == (503, "5"), path
                    assert (await response.json(content_type=None))["status"] == 503
        assert (await api.ask("GET", "/v1/runs"))[1]["items"] == []
        api.unready.append("the store does not answer")
        assert await api.ask("GET", "/readyz") == (503, {"ok": False, "problems": ["the store does not answer"]})
        assert (await api.ask("GET", "/healthz"))[0] == 200

    with_api(scenario)


def test_what_nobody_expected_is_logged_and_not_told(
    with_api: WithApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer holds nothing of the error's text."""

    async def scenario(api: Served, store: Store) -> None:
        async def segments() -> None:
            raise LookupError("a surprise")

        monkeypatch.setattr(api.registry, "segments", segments)
        status, problem = await api.ask("GET", "/v1/segments?after=a-word-of-the-query")
        assert (status, problem["title"]) == (500, "Internal Server Error")
        assert "surprise" not in codec.text(problem)

    with_api(scenario)
    written = capsys.readouterr()
    assert "a surprise" in written.out + written.err
    assert "a-word-of-the-query" not in written.out + written.err


def test_the_api_describes_itself_and_shows_its_metrics(with_api: WithApi) -> None:
    """As OpenAPI and in Prometheus's form."""

    async def scenario(api: Served, store: Store) -> None:
        status, document = await api.ask("GET", "/openapi.json")
        assert (status, document["openapi"]) == (200, "3.1.0")
        assert "/v1/exports/{name}/runs" in document["paths"]
        async with api.client.get("/metrics") as response:
            assert (response.content_type, await response.text()) == ("text/plain", "segment_export_up 1\n")

    with_api(scenario)


def test_no_key_and_no_token_is_in_any_log(with_api: WithApi, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is asked, at the most talkative level."""
    caplog.set_level(logging.DEBUG)

    async def scenario(api: Served, store: Store) -> None:
        await _ready(api)
        await api.ask("POST", "/v1/connections", CONNECTION | {"name": "x", "api_key": "canary wrong"})
        await api.ask("PATCH", "/v1/connections/main", {"api_key": "canary-other"})
        await api.ask("POST", "/v1/connections/main/check")
        assert (await api.ask("GET", "/v1/runs", headers={"Authorization": "Bearer canary-token"}))[0] == 401

    with_api(scenario)
    assert "canary" not in caplog.text


def test_a_snapshot_outside_of_the_roots_is_refused(with_store: WithStore, tmp_path: Path) -> None:
    """Links count as where they lead; one that is not there yet is the run's to report."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.csv").symlink_to("/etc/passwd")

    async def scenario(store: Store) -> None:
        async with serving(store, [tmp_path / "in"]) as api:
            await _ready(api)
            for name, expected in (("link.csv", 422), ("../out.csv", 422), ("later.csv", 202)):
                body = {"snapshot": f"{tmp_path}/in/{name}"}
                assert (await api.ask("POST", "/v1/exports/vips/runs", body))[0] == expected, name

    with_store(scenario)
