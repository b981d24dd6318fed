"""Who may do what: every role at every route, contributors at connections that are open to them and at others."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import pytest
from redis.asyncio import Redis

from producer.access.token import Role
from producer.api.routes import ROUTES
from producer.api.token_throttle import FREE, WAITING_MOST
from producer.registry.store import ClosedToContributors, Registry
from tests.integration.serving import API_KEY, Served, serving
from wire.chunk_queue.rejects import Reject, page
from wire.chunk_queue.run import RunState
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]

ADMIN: Final = frozenset({Role.ADMIN})
WRITERS: Final = ADMIN | {Role.CONTRIBUTOR}
READERS: Final = WRITERS | {Role.VIEWER}
PUBLISHERS: Final = ADMIN | {Role.PUBLISHER}
ANYBODY: Final = frozenset(Role)
EVERYBODY: Final = None
"""Also without a token."""

MAY: Final[dict[str, frozenset[Role] | None]] = {
    "POST /v1/connections": ADMIN,
    "GET /v1/connections": READERS,
    "GET /v1/connections/{name}": READERS,
    "PATCH /v1/connections/{name}": ADMIN,
    "DELETE /v1/connections/{name}": ADMIN,
    "POST /v1/connections/{name}/check": ADMIN,
    "POST /v1/exports": WRITERS,
    "GET /v1/exports": READERS,
    "GET /v1/exports/{name}": READERS,
    "PATCH /v1/exports/{name}": WRITERS,
    "DELETE /v1/exports/{name}": WRITERS,
    "POST /v1/exports/{name}/runs": WRITERS,
    "POST /v1/scheduled-runs": WRITERS,
    "POST /v1/rehearsals": WRITERS,
    "GET /v1/segments": READERS,
    "GET /v1/snapshots/preview": WRITERS,
    "POST /v1/events": PUBLISHERS,
    "GET /v1/events": READERS,
    "GET /v1/runs": READERS,
    "GET /v1/runs/{id}": READERS,
    "GET /v1/runs/{id}/rejects": WRITERS,
    "POST /v1/runs/{id}/cancel": WRITERS,
    "POST /v1/runs/{id}/pause": WRITERS,
    "POST /v1/runs/{id}/resume": WRITERS,
    "POST /v1/runs/{id}/retry": WRITERS,
    "POST /v1/contacts/explain": WRITERS,
    "POST /v1/contacts/forget": ADMIN,
    "POST /v1/tokens": ADMIN,
    "GET /v1/tokens": ADMIN,
    "DELETE /v1/tokens/{name}": ADMIN,
    "POST /v1/notifications": ADMIN,
    "GET /v1/notifications": ADMIN,
    "GET /v1/notifications/{name}": ADMIN,
    "PATCH /v1/notifications/{name}": ADMIN,
    "DELETE /v1/notifications/{name}": ADMIN,
    "POST /v1/notifications/{name}/test": ADMIN,
    "GET /v1/notifications/{name}/deliveries": ADMIN,
    "POST /v1/notifications/{name}/deliveries/{id}/redeliver": ADMIN,
    "POST /v1/secrets/rotate": ADMIN,
    "GET /v1/audit": ADMIN,
    "POST /v1/doctor": ADMIN,
    "GET /openapi.json": ANYBODY,
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
    "GET /metrics": EVERYBODY,
}
"""Written by hand once more, so that the table of routes is held to something that is not itself."""

POINTLESS: Final = "POST /v1/runs/{id}/retry"
"""Whoever may is told 409 here: no run in the house is over. A test of its own goes further."""

PREVIEW: Final = "GET /v1/snapshots/preview"
"""Whoever may is told 422 here, since no snapshot is named. It is of no connection, so none need be open for it."""

EXPLAIN: Final = "POST /v1/contacts/explain"
"""Names no connection: it leaves out what is closed, and a test of its own says so."""

RUN_SCHEDULED: Final = "POST /v1/scheduled-runs"
"""Names no connection either: it says of what is closed why nothing was opened, and a test of its own says so."""

REDELIVER: Final = "POST /v1/notifications/{name}/deliveries/{id}/redeliver"
"""Whoever may is told 404 here: the channel in the house has no messages."""

REHEARSE: Final = "POST /v1/rehearsals"
"""Answers with what would be refused; a test of its own says that this is refused as by the calls themselves."""

UNANSWERED: Final[dict[str, set[int]]] = {POINTLESS: {409}, PREVIEW: {422}, REDELIVER: {404}}

CONNECTION: Final = {"host": "acme.api-us1.com", "api_key": API_KEY, "consent": True}
EXPORT: Final = {"segment": "vip", "list_id": "12", "mapping": {"email": "Email"}}
CHANNEL: Final = {"kind": "webhook", "url": "https://hooks.example.com/segment-export"}
EVENT: Final = {
    "specversion": "1.0",
    "type": "segment.refreshed",
    "source": "/cdp",
    "data": {"segment": "vip", "snapshot": "/snapshots/vip.csv"},
}
BODIES: Final[dict[str, Any]] = {
    "POST /v1/connections": CONNECTION | {"name": "new"},
    "PATCH /v1/connections/{name}": {"display_name": "Changed"},
    "POST /v1/exports": EXPORT | {"name": "new", "connection": "open"},
    "PATCH /v1/exports/{name}": {"segment": "changed"},
    "POST /v1/exports/{name}/runs": {"snapshot": "/snapshots/a.csv"},
    "POST /v1/events": EVENT | {"id": "another"},
    "POST /v1/rehearsals": {"changes": []},
    "POST /v1/contacts/explain": {"email": "ann@example.org"},
    "POST /v1/contacts/forget": {"email": "ann@example.org"},
    "POST /v1/tokens": {"name": "new", "role": "viewer"},
    "POST /v1/notifications": CHANNEL | {"name": "new"},
    "PATCH /v1/notifications/{name}": {"events": ["failed"]},
}


@dataclass
class House:
    """The API with a token for every role, and with a connection, an export and a run that are open, and one that is not."""

    api: Served
    tokens: dict[Role, str]
    runs: dict[str, str]

    async def ask(self, role: Role, call: str, body: object = None, *, of: str = "open") -> tuple[int, Any]:
        """Ask as somebody of a role; `of` says which connection, export or run is meant."""
        method, path = call.split()
        path = path.replace("{id}", self.runs[of]).replace("{name}", "spare" if "/tokens/" in path else of)
        query = "?state=dead" if call == "GET /v1/events" else ""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        async with self.api.client.request(method, path + query, json=body, headers=headers) as response:
            is_json = response.content_type.endswith("json") and response.content_type != "application/x-ndjson"
            return response.status, await response.json(content_type=None) if is_json else await response.text()


async def house(api: Served) -> House:
    """Furnish the house."""
    tokens = {}
    for role in Role:
        status, issued = await api.ask("POST", "/v1/tokens", {"name": f"a-{role}", "role": role})
        assert status == 201
        tokens[role] = issued["token"]
    await api.ask("POST", "/v1/tokens", {"name": "spare", "role": "viewer"})
    assert (await api.ask("POST", "/v1/notifications", CHANNEL | {"name": "open"}))[0] == 201
    runs = {}
    for name, allow in (("open", "contributors"), ("closed", "admins")):
        assert (await api.ask("POST", "/v1/connections", CONNECTION | {"name": name, "allow": allow}))[0] == 201
        said = EXPORT | {"name": name, "connection": name, "segment": name}
        assert (await api.ask("POST", "/v1/exports", said))[0] == 201
        status, opened = await api.ask("POST", f"/v1/exports/{name}/runs", {"snapshot": "/snapshots/a.csv"})
        assert status == 202
        runs[name] = opened["run"]["id"]
    return House(api, tokens, runs)


@pytest.fixture
def with_house(with_store: WithStore) -> Callable[[Callable[[House], Coroutine[Any, Any, None]]], None]:
    """Run a scenario in a house over an empty store."""

    def run(scenario: Callable[[House], Coroutine[Any, Any, None]]) -> None:
        async def served(store: Store) -> None:
            async with serving(store) as api:
                await scenario(await house(api))

        with_store(served)

    return run


WithHouse = Callable[[Callable[[House], Coroutine[Any, Any, None]]], None]


def test_the_matrix_names_every_route_and_the_table_says_the_same() -> None:
    """A new call is nobody's until somebody has said here whose it is."""
    assert {f"{route.method} {route.path}": route.roles for route in ROUTES} == MAY


@pytest.mark.parametrize("call", MAY)
def test_every_role_gets_what_the_matrix_says_and_nothing_else(with_house: WithHouse, call: str) -> None:
    """With real tokens, real addresses and good bodies: whoever may is answered well, and whoever may not, 403."""

    async def scenario(house: House) -> None:
        for role in sorted(Role, key=lambda role: role is Role.ADMIN):
            status, answered = await house.ask(role, call, BODIES.get(call))
            if MAY[call] is None or role in (MAY[call] or ()):
                gone = {404, 409} if role is Role.ADMIN and Role.CONTRIBUTOR in (MAY[call] or ()) else set()
                expected = UNANSWERED.get(call, {200, 201, 202} | gone)
                assert status in expected, (role, answered)
            else:
                assert (status, answered["title"]) == (403, "Forbidden"), role

    with_house(scenario)


@pytest.mark.parametrize("call", [call for call, roles in MAY.items() if roles is not None])
def test_without_a_good_token_there_is_nothing(with_house: WithHouse, call: str) -> None:
    """None, a wrong one, one with a letter changed, a name, a digest, a revoked one: 401, and no word of what is there."""

    async def scenario(house: House) -> None:
        good = house.tokens[Role.ADMIN]
        _, gone = await house.api.ask("POST", "/v1/tokens", {"name": "gone", "role": "admin"})
        await house.api.ask("DELETE", "/v1/tokens/gone")
        changed = good[:-1] + ("0" if good[-1] != "0" else "1")
        house.api.client.session.headers.pop("Authorization")
        method, path = call.split()
        path = path.replace("{id}", house.runs["open"]).replace("{name}", "open")
        wrong = [None, "", "Bearer", "Bearer wrong", f"Bearer {changed}", f"Bearer {good}x", f"Basic {good}", good]
        wrong += ["Bearer a-admin", f"Bearer {gone['token']}", "Bearer sgx__", "Bearer \udcff", f"Bearer {good} {good}"]
        for authorization in wrong:
            headers = {} if authorization is None else {"Authorization": authorization}
            async with house.api.client.request(method, path, json=BODIES.get(call), headers=headers) as response:
                assert response.status == 401, authorization
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
                assert "open" not in await response.text()

    with_house(scenario)


CLOSED_CALLS: Final[dict[str, Any]] = {
    "POST /v1/exports": EXPORT | {"name": "new", "connection": "closed"},
    "PATCH /v1/exports/{name}": {"segment": "changed"},
    "DELETE /v1/exports/{name}": None,
    "POST /v1/exports/{name}/runs": {"snapshot": "/snapshots/a.csv"},
    "POST /v1/runs/{id}/cancel": None,
    "POST /v1/runs/{id}/pause": None,
    "POST /v1/runs/{id}/resume": None,
    "POST /v1/runs/{id}/retry": None,
    "GET /v1/runs/{id}/rejects": None,
}


def test_every_call_of_contributors_that_touches_a_connection_is_held_to_closed_ones() -> None:
    """Calls that they share with administrators and with nobody else."""
    shared = {call for call, roles in MAY.items() if roles == WRITERS}
    assert shared == {*CLOSED_CALLS, PREVIEW, EXPLAIN, REHEARSE, RUN_SCHEDULED}


@pytest.mark.parametrize("call", CLOSED_CALLS)
def test_a_contributor_touches_nothing_of_a_closed_connection(with_house: WithHouse, call: str) -> None:
    """Nothing changes, and its key is not used to ask ActiveCampaign; an administrator may do the same at once."""

    async def scenario(house: House) -> None:
        house.api.checks.asked.clear()
        before = await house.ask(Role.ADMIN, "GET /v1/exports"), await house.ask(Role.ADMIN, "GET /v1/runs")
        status, problem = await house.ask(Role.CONTRIBUTOR, call, CLOSED_CALLS[call], of="closed")
        assert (status, "for administrators only" in problem["detail"]) == (403, True)
        assert house.api.checks.asked == []
        assert (await house.ask(Role.ADMIN, "GET /v1/exports"), await house.ask(Role.ADMIN, "GET /v1/runs")) == before
        status, _ = await house.ask(Role.ADMIN, call, CLOSED_CALLS[call], of="closed")
        assert status in ({409} if call == POINTLESS else {200, 201, 202})

    with_house(scenario)


def test_a_contributor_is_explained_nobody_over_a_closed_connection(with_house: WithHouse) -> None:
    """Nor is its key used to ask; an administrator is told of both."""

    async def scenario(house: House) -> None:
        async def told(role: Role) -> list[str]:
            house.api.checks.asked.clear()
            status, answered = await house.ask(role, EXPLAIN, {"email": "ann@example.org", "ask": True})
            assert status == 200
            assert len(house.api.checks.asked) == len(answered["exports"])
            return [each["export"] for each in answered["exports"]]

        assert await told(Role.CONTRIBUTOR) == ["open"]
        assert sorted(await told(Role.ADMIN)) == ["closed", "open"]

    with_house(scenario)


def test_a_contributor_runs_no_scheduled_export_over_a_closed_connection(with_house: WithHouse) -> None:
    """It is named with the reason; an administrator runs both."""

    async def scenario(house: House) -> None:
        for name in ("open", "closed"):
            event = EVENT | {"id": name, "data": {"segment": name, "snapshot": "/snapshots/b.csv"}}
            assert (await house.ask(Role.PUBLISHER, "POST /v1/events", event))[0] == 202
            change = {"schedule": {"cron": "0 6 * * *"}}
            assert (await house.ask(Role.ADMIN, f"PATCH /v1/exports/{name}", change))[0] == 200
        status, told = await house.ask(Role.CONTRIBUTOR, RUN_SCHEDULED)
        assert (status, [one["export"] for one in told["runs"]]) == (202, ["open"])
        assert told["skipped"] == [{"export": "closed", "reason": "the connection is for administrators only"}]
        status, told = await house.ask(Role.ADMIN, RUN_SCHEDULED)
        assert ([one["export"] for one in told["runs"]], told["skipped"]) == (["closed", "open"], [])

    with_house(scenario)


def test_a_contributor_writes_runs_and_steers_an_export_over_an_open_connection(with_house: WithHouse) -> None:
    """From its first line to its end, without an administrator."""

    async def scenario(house: House) -> None:
        async def ask(call: str, body: object = None) -> tuple[int, Any]:
            return await house.ask(Role.CONTRIBUTOR, call, body)

        said = EXPORT | {"name": "mine", "connection": "open"}
        assert (await ask("POST /v1/exports", said))[0] == 201
        assert (await ask("PATCH /v1/exports/mine", {"list_id": "13"}))[1]["list_id"] == "13"
        status, opened = await ask("POST /v1/exports/mine/runs", {"snapshot": "/snapshots/a.csv"})
        assert status == 202
        for action, state in (("pause", RunState.PAUSED), ("resume", RunState.QUEUED), ("cancel", RunState.CANCELLED)):
            status, steered = await ask(f"POST /v1/runs/{opened['run']['id']}/{action}")
            assert (status, steered["run"]["state"]) == (202, state)
        assert await ask(f"GET /v1/runs/{opened['run']['id']}/rejects") == (200, "")
        assert (await ask("DELETE /v1/exports/mine"))[0] == 200

    with_house(scenario)


def test_a_contributor_moves_no_export_between_an_open_and_a_closed_connection(with_house: WithHouse) -> None:
    """Neither to nor fro, nor away from any, nor one that is detached."""

    async def scenario(house: House) -> None:
        for name, to in (("open", "closed"), ("closed", "open"), ("open", None)):
            change = {"connection": to}
            assert (await house.ask(Role.CONTRIBUTOR, f"PATCH /v1/exports/{name}", change))[0] == 403, (name, to)
        assert (await house.ask(Role.ADMIN, "PATCH /v1/exports/open", {"connection": None}))[0] == 200
        for call, body in (
            ("PATCH /v1/exports/open", {"connection": "open"}),
            ("POST /v1/exports/open/runs", {"snapshot": "/snapshots/a.csv"}),
            ("DELETE /v1/exports/open", None),
        ):
            assert (await house.ask(Role.CONTRIBUTOR, call, body))[0] == 403, call

    with_house(scenario)


def test_closing_a_connection_again_keeps_its_exports_for_administrators(with_house: WithHouse) -> None:
    """What a contributor made goes on, and only an administrator touches it; opened again, it is theirs again."""

    async def scenario(house: House) -> None:
        assert (await house.ask(Role.ADMIN, "PATCH /v1/connections/open", {"allow": "admins"}))[0] == 200
        assert [one["name"] for one in (await house.ask(Role.VIEWER, "GET /v1/exports"))[1]["items"]] == [
            "closed",
            "open",
        ]
        event = EVENT | {"id": "1", "data": {"segment": "open", "snapshot": "/snapshots/b.csv"}}
        assert len((await house.ask(Role.PUBLISHER, "POST /v1/events", event))[1]["runs"]) == 1
        for call, body in CLOSED_CALLS.items():
            if call != "POST /v1/exports":
                assert (await house.ask(Role.CONTRIBUTOR, call, body))[0] == 403, call
        assert (await house.ask(Role.ADMIN, "PATCH /v1/exports/open", {"automations": True}))[0] == 200
        assert (await house.ask(Role.ADMIN, "PATCH /v1/connections/open", {"allow": "contributors"}))[0] == 200
        assert (await house.ask(Role.CONTRIBUTOR, "PATCH /v1/exports/open", {"automations": False}))[0] == 200

    with_house(scenario)


def test_a_contributor_retries_what_a_run_left_while_the_connection_is_open(with_house: WithHouse) -> None:
    """Not once it is closed, nor where the export has moved to a closed one since."""

    async def scenario(house: House) -> None:
        run = await house.api.run_store.begin("reader")
        assert run is not None
        assert run.id == house.runs["open"]
        figures = {"read": 1, "selected": 1}
        await house.api.run_store.surveyed(
            run.id, "reader", figures=figures, selection=b"", forecast={}, rejects=[], pin="p"
        )
        assert (await house.ask(Role.CONTRIBUTOR, "POST /v1/runs/{id}/cancel"))[1]["run"]["books"]["unsent"] == 1
        status, retried = await house.ask(Role.CONTRIBUTOR, POINTLESS)
        assert (status, retried["result"]) == (202, "done")
        await house.ask(Role.ADMIN, "PATCH /v1/exports/open", {"connection": "closed"})
        assert (await house.ask(Role.CONTRIBUTOR, POINTLESS))[0] == 403
        await house.ask(Role.ADMIN, "PATCH /v1/exports/open", {"connection": "open"})
        await house.ask(Role.ADMIN, "PATCH /v1/connections/open", {"allow": "admins"})
        assert (await house.ask(Role.CONTRIBUTOR, POINTLESS))[0] == 403
        assert (await house.ask(Role.ADMIN, POINTLESS))[1]["result"] == "already"

    with_house(scenario)


def test_a_connection_that_is_closed_between_a_look_and_a_change_is_closed(with_store: WithStore) -> None:
    """The scripts look once more."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await house(api)
            registry, run_store = Registry(store), api.run_store
            export = await registry.export("closed")
            for change in (
                registry.save_export(export, replaces=export, by_contributor=True),
                registry.delete_export("closed", by_contributor=True),
            ):
                with pytest.raises(ClosedToContributors):
                    await change
            (run,) = await registry.runs(most=1, export_id=export.id)
            assert await run_store.steer(run, "cancel", by_contributor=True) == "closed"
            assert await run_store.steer(run, "cancel") == "done"
            assert await registry.export("closed") == export

    with_store(scenario)


@pytest.mark.parametrize("role", [Role.CONTRIBUTOR, Role.VIEWER])
def test_whoever_is_no_administrator_sees_of_a_connection_its_name_and_type(with_house: WithHouse, role: Role) -> None:
    """Open or not: neither host nor limits, who agreed, nor whose the key is."""

    async def scenario(house: House) -> None:
        kind = {"type": "activecampaign"}
        status, listed = await house.ask(role, "GET /v1/connections")
        assert (status, listed["items"]) == (200, [{"name": "closed", **kind}, {"name": "open", **kind}])
        assert await house.ask(role, "GET /v1/connections/open") == (200, {"name": "open", **kind})
        assert "acme" not in str([await house.ask(role, call) for call in ("GET /v1/exports", "GET /v1/segments")])

    with_house(scenario)


def test_rejects_are_for_those_who_may_see_addresses(with_house: WithHouse) -> None:
    """Not for viewers, nor for contributors where the connection is closed."""

    async def scenario(house: House) -> None:
        lines = page([Reject(1, "ann@example.org", "invalid", "email_invalid", "no")])
        for name in ("open", "closed"):
            run = await house.api.run_store.begin(f"reader of {name}")
            assert run is not None
            assert run.id == house.runs[name]
            figures = {"read": 1, "invalid": 1, "selected": 0}
            await house.api.run_store.surveyed(
                run.id, f"reader of {name}", figures=figures, selection=b"", forecast={}, rejects=[lines], pin="p"
            )
            await house.api.run_store.steer(run.id, "cancel")
        for role, of, expected in (
            (Role.ADMIN, "closed", 200),
            (Role.CONTRIBUTOR, "open", 200),
            (Role.CONTRIBUTOR, "closed", 403),
            (Role.VIEWER, "open", 403),
            (Role.PUBLISHER, "open", 403),
        ):
            status, text = await house.ask(role, "GET /v1/runs/{id}/rejects", of=of)
            assert (status, "ann@example.org" in str(text)) == (expected, expected == 200), (role, of)

    with_house(scenario)


def test_who_agreed_is_named_by_the_token(with_house: WithHouse) -> None:
    """And whoever holds the bootstrap token is the administrator."""

    async def scenario(house: House) -> None:
        _, made = await house.ask(Role.ADMIN, "POST /v1/connections", CONNECTION | {"name": "new"})
        assert made["consent"]["by"] == "a-admin"
        _, bootstrapped = await house.api.ask("POST", "/v1/connections", CONNECTION | {"name": "newer"})
        assert bootstrapped["consent"]["by"] == "admin"

    with_house(scenario)


def test_a_token_is_told_once_and_kept_as_a_digest(with_house: WithHouse, redis_url: str) -> None:
    """Neither the list nor anything in the store holds its secret."""

    async def scenario(house: House) -> None:
        status, issued = await house.ask(
            Role.ADMIN, "POST /v1/tokens", {"name": "cdp", "role": "publisher", "expires": 30}
        )
        assert (status, issued["role"], issued["created_by"], issued["last_used"]) == (
            201,
            "publisher",
            "a-admin",
            None,
        )
        secret = issued.pop("token")
        _, listed = await house.ask(Role.ADMIN, "GET /v1/tokens")
        assert issued in listed["items"]
        async with Redis.from_url(redis_url) as redis:
            held = [await redis.dump(key) for key in await redis.keys()]
        assert len(held) > 10
        assert not any(secret.rpartition("_")[2].encode() in one for one in held if one)
        assert (await house.ask(Role.ADMIN, "POST /v1/tokens", {"name": "cdp", "role": "viewer"}))[0] == 409

    with_house(scenario)


def test_a_token_says_when_it_was_used_and_is_nobodys_once_revoked(with_house: WithHouse) -> None:
    """From the very next call on; its name is free again."""

    async def scenario(house: House) -> None:
        async def used(name: str) -> str | None:
            _, listed = await house.api.ask("GET", "/v1/tokens")
            found: str | None = next(one["last_used"] for one in listed["items"] if one["name"] == name)
            return found

        assert await used("a-viewer") is None
        assert (await house.ask(Role.VIEWER, "GET /v1/runs"))[0] == 200
        assert (await used("a-viewer") or "").endswith("Z")
        status, gone = await house.api.ask("DELETE", "/v1/tokens/a-viewer")
        assert (status, gone["name"], gone["last_used"] is None) == (200, "a-viewer", False)
        assert (await house.ask(Role.VIEWER, "GET /v1/runs"))[0] == 401
        assert (await house.api.ask("DELETE", "/v1/tokens/a-viewer"))[0] == 404
        assert (await house.api.ask("POST", "/v1/tokens", {"name": "a-viewer", "role": "viewer"}))[0] == 201
        assert (await house.ask(Role.VIEWER, "GET /v1/runs"))[0] == 401

    with_house(scenario)


def test_a_token_ends_when_its_time_is_over_by_the_stores_clock(with_house: WithHouse, redis_url: str) -> None:
    """It stays in the list, and says that it expired."""

    async def scenario(house: House) -> None:
        status, issued = await house.api.ask("POST", "/v1/tokens", {"name": "brief", "role": "viewer", "expires": 2e-9})
        assert status == 422, "it would be over before it is told"
        body = {"name": "brief", "role": "viewer", "expires": "2050-01-01T00:00:00Z"}
        assert (await house.api.ask("POST", "/v1/tokens", body))[0] == 422, "too far ahead"
        _, issued = await house.api.ask("POST", "/v1/tokens", body | {"expires": "2036-01-01T00:00:00+01:00"})
        assert issued["expires"] == "2035-12-31T23:00:00.000Z"
        house.tokens[Role.VIEWER] = issued["token"]
        assert (await house.ask(Role.VIEWER, "GET /v1/runs"))[0] == 200
        async with Redis.from_url(redis_url) as redis:
            await redis.hset(f"segment-export:token:{issued['id']}", "expires", "1")
        assert (await house.ask(Role.VIEWER, "GET /v1/runs"))[0] == 401

    with_house(scenario)


def test_whoever_tries_tokens_waits_and_whoever_has_one_does_not(with_store: WithStore) -> None:
    """Though both come from the same address; too many that wait are 429, and the first failures cost nothing."""

    async def scenario(store: Store) -> None:
        let_go = asyncio.Event()
        held: asyncio.Queue[float] = asyncio.Queue()

        async def waits(seconds: float) -> None:
            held.put_nowait(seconds)
            await let_go.wait()

        async with serving(store, waits=waits) as api:
            wrong = {"Authorization": "Bearer wrong"}
            assert [(await api.ask("GET", "/v1/runs", headers=wrong))[0] for _ in range(FREE)] == [401] * FREE
            trying = [asyncio.create_task(api.ask("GET", "/v1/runs", headers=wrong)) for _ in range(WAITING_MOST)]
            for _ in trying:
                assert await held.get() > 0
            assert (await api.ask("GET", "/v1/runs"))[0] == 200
            assert (await api.ask("GET", "/v1/runs", headers={"Authorization": "Basic x"}))[0] == 401
            async with api.client.get("/v1/runs", headers=wrong) as response:
                assert (response.status, response.headers["Retry-After"]) == (429, "1")
            assert not any(task.done() for task in trying)
            let_go.set()
            assert [status for status, _ in await asyncio.gather(*trying)] == [401] * WAITING_MOST

    with_store(scenario)


def test_a_full_store_keeps_nobody_out(with_house: WithHouse, redis_url: str) -> None:
    """When a token was used cannot be noted then; whoever looks after it must get in all the same."""

    async def scenario(house: House) -> None:
        async with Redis.from_url(redis_url) as redis:
            try:
                await redis.config_set("maxmemory", "1mb")
                assert (await house.ask(Role.VIEWER, "GET /v1/exports"))[0] == 200
                status, _ = await house.ask(Role.ADMIN, "POST /v1/tokens", {"name": "new", "role": "viewer"})
                assert status == 503
            finally:
                await redis.config_set("maxmemory", "0")

    with_house(scenario)


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, {"/name", "/role"}),
        ({"name": "x", "role": "root"}, {"/role"}),
        ({"name": "x", "role": "viewer", "expires": "tomorrow"}, {"/expires"}),
        ({"name": "x", "role": "viewer", "expires": "2036-01-01T00:00:00"}, {"/expires"}),
        ({"name": "x", "role": "viewer", "expires": -1}, {"/expires"}),
        ({"name": "x", "role": "viewer", "expires": 0}, {"/expires"}),
        ({"name": "x", "role": "viewer", "expires": "2026-01-01T00:00:00Z"}, {"/expires"}),
        ({"name": "x", "role": "viewer", "expires": True}, {"/expires"}),
        ({"name": "x", "role": "viewer", "expires": [1]}, {"/expires"}),
        ({"name": "x", "role": "viewer", "expires": 1e300}, {"/expires"}),
        ({"name": "admin", "role": "viewer"}, {"/name"}),
        ({"name": "x", "role": "viewer", "secret": "mine"}, {"/secret"}),
    ],
)
def test_what_is_no_token_is_not_issued(with_house: WithHouse, body: dict[str, Any], places: set[str]) -> None:
    """Every fault is named, and nothing is kept."""

    async def scenario(house: House) -> None:
        before = await house.api.ask("GET", "/v1/tokens")
        status, problem = await house.api.ask("POST", "/v1/tokens", body)
        assert (status, {fault["pointer"] for fault in problem["errors"]}) == (422, places)
        assert await house.api.ask("GET", "/v1/tokens") == before

    with_house(scenario)
