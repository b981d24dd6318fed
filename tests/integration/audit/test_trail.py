"""The trail of changes and decisions over a real store: who did what to what, what it was before, and nothing else."""

from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final

import pytest

from producer.access.token import Role
from producer.audit.entry import SYSTEM, AuditedAction, AuditedKind, AuditEntry, Author
from producer.audit.trail import Audit, AuditFilter
from producer.intake.event_stream_store import EventStreamStore
from producer.intake.stream_entry import Death
from producer.registry.store import ChangedMeanwhile, NameTaken, Registry
from producer.runs.answers import SafeguardStop
from producer.runs.store import RunStore
from tests.integration.access.test_access import (
    BODIES,
    CONNECTION,
    EVENT,
    EXPORT,
    MAY,
    POINTLESS,
    REDELIVER,
    House,
    house,
)
from tests.integration.serving import API_KEY, Served, connection, export, serving
from wire.chunk_queue.chunk import ChunkOutcome, NewChunk, StopReason
from wire.chunk_queue.chunk_store import ChunkStore
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]

ANN: Final = Author("ann", "admin", "10.0.0.7", "api")

CALLS: Final[dict[str, AuditedAction]] = {
    "POST /v1/connections": AuditedAction.CONNECTION_CREATED,
    "PATCH /v1/connections/{name}": AuditedAction.CONNECTION_CHANGED,
    "DELETE /v1/connections/{name}": AuditedAction.CONNECTION_DELETED,
    "POST /v1/exports": AuditedAction.EXPORT_CREATED,
    "PATCH /v1/exports/{name}": AuditedAction.EXPORT_CHANGED,
    "DELETE /v1/exports/{name}": AuditedAction.EXPORT_DELETED,
    "POST /v1/exports/{name}/runs": AuditedAction.RUN_OPENED,
    "POST /v1/events": AuditedAction.RUN_OPENED,
    "POST /v1/runs/{id}/cancel": AuditedAction.RUN_CANCELLED,
    "POST /v1/runs/{id}/pause": AuditedAction.RUN_PAUSED,
    "POST /v1/runs/{id}/resume": AuditedAction.RUN_RESUMED,
    "POST /v1/scheduled-runs": AuditedAction.RUN_OPENED,
    "POST /v1/notifications": AuditedAction.NOTIFICATION_CREATED,
    "PATCH /v1/notifications/{name}": AuditedAction.NOTIFICATION_CHANGED,
    "DELETE /v1/notifications/{name}": AuditedAction.NOTIFICATION_DELETED,
    "POST /v1/contacts/explain": AuditedAction.CONTACT_EXPLAINED,
    "POST /v1/contacts/forget": AuditedAction.CONTACT_FORGOTTEN,
    "POST /v1/tokens": AuditedAction.TOKEN_ISSUED,
    "DELETE /v1/tokens/{name}": AuditedAction.TOKEN_REVOKED,
    "POST /v1/secrets/rotate": AuditedAction.SECRETS_ROTATED,
}
LOOKS: Final = {
    "POST /v1/connections/{name}/check",
    "POST /v1/doctor",
    "POST /v1/rehearsals",
    "POST /v1/notifications/{name}/test",
}
"""Change nothing, and tell nothing of anybody."""


async def _trail(store: Store, **wanted: Any) -> list[AuditEntry]:
    async with aclosing(Audit(store).oldest_first(AuditFilter(**wanted))) as entries:
        return [entry async for entry in entries]


async def _whats(store: Store, **wanted: Any) -> list[tuple[str, str]]:
    return [(entry.what, entry.who.name) for entry in await _trail(store, **wanted)]


def test_every_call_that_changes_something_is_told() -> None:
    """A new one has to say by which word."""
    changing = {call for call in MAY if not call.startswith("GET")}
    assert changing == {*CALLS, *LOOKS, POINTLESS, REDELIVER}


@pytest.mark.parametrize("call", CALLS)
def test_who_changes_something_is_on_the_record_and_who_may_not_is_not(with_store: WithStore, call: str) -> None:
    """By name, role and address; a call that is refused changed nothing, so nothing is told of it."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            furnished = await house(api)
            await _prepare(furnished, call)
            before = len(await _trail(store))
            for role in set(Role) - set(MAY[call] or ()):
                await furnished.ask(role, call, _body(call))
            assert len(await _trail(store)) == before
            status, _ = await furnished.ask(Role.ADMIN, call, _body(call))
            assert status in {200, 201, 202}
            told = [entry for entry in await _trail(store) if entry.who.name == "a-admin" and entry.what == CALLS[call]]
            assert len(told) == 1
            assert told[0].who == Author("a-admin", "admin", "127.0.0.1", "api")

    with_store(scenario)


def _body(call: str) -> Any:
    if call == "POST /v1/events":
        return {**EVENT, "id": "e1", "data": {"segment": "open", "snapshot": "/snapshots/open.csv"}}
    return BODIES.get(call)


async def _prepare(furnished: House, call: str) -> None:
    if call.endswith("/resume"):
        await furnished.ask(Role.CONTRIBUTOR, "POST /v1/runs/{id}/pause")
    if call.endswith("/scheduled-runs"):
        await furnished.ask(Role.PUBLISHER, "POST /v1/events", _body("POST /v1/events"))
        await furnished.ask(Role.CONTRIBUTOR, "PATCH /v1/exports/open", {"schedule": {"cron": "0 6 * * *"}})


def test_a_change_says_what_it_was_and_what_it_is(with_store: WithStore) -> None:
    """Field by field; of a key only that there is another."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await api.ask("POST", "/v1/connections", CONNECTION | {"name": "main"})
            await api.ask("POST", "/v1/exports", EXPORT | {"name": "vips", "connection": "main"})
            api.checks.api_keys.add("another-key")
            change = {"allow": "contributors", "limits": {"imports_per_minute": 50}, "api_key": "another-key"}
            await api.ask("PATCH", "/v1/connections/main", change)
            await api.ask("PATCH", "/v1/exports/vips", {"list_id": "13", "mapping": {"phone": "Mobile"}})
            await api.ask("PATCH", "/v1/exports/vips", {"connection": None})
            await api.ask("DELETE", "/v1/exports/vips")
            await api.ask("DELETE", "/v1/connections/main")
            created, export_made, changed, moved, parted, dropped, deleted = await _trail(store)
            assert created.changes["consent.by"] == (None, "admin")
            assert created.changes["host"] == (None, "acme.api-us1.com")
            assert export_made.changes["connection"] == (None, "main")
            assert changed.changes == {
                "allow": ("admins", "contributors"),
                "limits.imports_per_minute": (100.0, 50.0),
            }
            assert changed.facts == {"api_key_changed": True}
            assert moved.changes == {"list_id": ("12", "13"), "mapping.phone": (None, "Mobile")}
            assert parted.changes == {"connection": ("main", None)}
            assert dropped.changes["list_id"] == ("13", None)
            assert deleted.changes["allow"] == ("contributors", None)
            assert (deleted.kind, deleted.name, deleted.object_id) == (
                AuditedKind.CONNECTION,
                "main",
                created.object_id,
            )

    with_store(scenario)


def test_what_was_not_made_is_not_told(with_store: WithStore) -> None:
    """The entry is written by the step that makes the change, so that there is neither without the other."""

    async def scenario(store: Store) -> None:
        registry = Registry(store)
        first = connection("main")
        await registry.save_connection(first, secret=b"s", by=ANN)
        with pytest.raises(NameTaken):
            await registry.save_connection(connection("main", id="other"), secret=b"s", by=ANN)
        with pytest.raises(ChangedMeanwhile):
            await registry.save_connection(
                first, secret=None, replaces=connection("main", host="b.api-us1.com"), by=ANN
            )
        assert await _whats(store) == [("connection.created", "ann")]

    with_store(scenario)


async def _begun(store: Store, run_store: RunStore, api: Served, brake: SafeguardStop | None = None) -> str:
    """Furnish an export, refresh its segment, and survey the run to where one chunk of four contacts is ready."""
    await api.registry.save_connection(connection("main"), secret=b"s", by=ANN)
    await api.registry.save_export(export("vips"), by=ANN)
    _, answer = await api.ask("POST", "/v1/events", EVENT | {"id": "tonight"})
    run = await run_store.begin("reader")
    assert run is not None
    assert answer == {"runs": [run.id]}
    figures = {"read": 4, "selected": 4}
    await run_store.surveyed(
        run.id, "reader", figures=figures, selection=b"", forecast={}, rejects=[], pin="p", brake=brake
    )
    await run_store.append(run.id, "reader", [NewChunk(1, b"[1,2,3,4]", range(4))], at=(0, 0))
    await run_store.end_reading(run.id, "reader", at=(1, 1))
    return run.id


async def _settled(chunk_store: ChunkStore, outcome: ChunkOutcome) -> None:
    held = await chunk_store.take("acme.api-us1.com", "bell", f"token for {outcome.to}")
    assert held is not None
    assert await chunk_store.settle(held, outcome)


def test_what_is_decided_by_itself_is_told_as_the_system_s(with_store: WithStore) -> None:
    """A run that a person let pass its brake, was stopped by a key, went on with another one, and ended in part."""

    async def scenario(store: Store) -> None:
        run_store, chunk_store = RunStore(store), ChunkStore(store)
        async with serving(store) as api:
            run = await _begun(store, run_store, api, SafeguardStop("brake", "4 of 4 would change"))
            await run_store.steer(run, "resume", by=ANN)
            await run_store.steer(run, "resume", accept=True, by=ANN)
            stop = StopReason("connection", "credentials", "the key is refused", definite=True)
            await _settled(chunk_store, ChunkOutcome("ready", {}, count=4, stop=stop))
            another = connection("main", display_name="Mended")
            await api.registry.save_connection(another, secret=b"t", replaces=connection("main"), by=ANN)
            await _settled(chunk_store, ChunkOutcome("over", {"applied": 3, "refused": 1}, answered=True))
            entries = await _trail(store, run=run)
            assert [(entry.what, entry.who.name) for entry in entries] == [
                ("run.opened", "admin"),
                ("run.blocked", "system"),
                ("run.resumed", "ann"),
                ("run.unblocked", "system"),
                ("run.ended", "system"),
            ]
            opened, blocked, resumed, _, ended = entries
            assert opened.facts["trigger"] == "event"
            assert opened.facts["event"] == "tonight"
            assert blocked.facts == {"code": "brake", "reason": "4 of 4 would change"}
            assert resumed.facts == {"accepted": "brake"}
            assert ended.facts == {
                "state": "partial",
                "selected": 4,
                "applied": 3,
                "refused": 1,
                "unconfirmed": 0,
                "unsent": 0,
            }
            assert {entry.name for entry in entries} == {"vips"}
            assert await _whats(store, kind="connection") == [
                ("connection.created", "ann"),
                ("connection.blocked", "system"),
                ("connection.changed", "ann"),
                ("connection.unblocked", "system"),
            ]

    with_store(scenario)


def test_a_superseded_run_and_what_goes_with_a_connection_are_told(with_store: WithStore) -> None:
    """Whoever wonders where a run went, or why an export is detached, finds the one who did it right before."""

    async def scenario(store: Store) -> None:
        run_store = RunStore(store)
        async with serving(store) as api:
            await api.registry.save_connection(connection("main"), secret=b"s", by=ANN)
            await api.registry.save_export(export("vips"), by=ANN)
            await api.ask("POST", "/v1/events", EVENT | {"id": "first"})
            await api.ask("POST", "/v1/events", EVENT | {"id": "second"})
            assert await run_store.begin("reader") is not None
            await api.registry.delete_connection("main", by=ANN)
            ended = [entry.facts for entry in await _trail(store, what="run.ended")]
            assert [facts["state"] for facts in ended] == ["superseded", "cancelled"]
            assert ended[1]["error"] == "the connection was deleted"
            assert (await _whats(store))[-3:] == [
                ("connection.deleted", "ann"),
                ("run.ended", "system"),
                ("export.detached", "system"),
            ]

    with_store(scenario)


def test_nothing_secret_and_nobody_s_address_is_in_it(with_store: WithStore) -> None:
    """Whoever was explained and then forgotten is one keyed hash, and the receipt of the erasure holds for the trail."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            furnished = await house(api)
            api.checks.api_keys.add("another-key")
            await api.ask("PATCH", "/v1/connections/open", {"api_key": "another-key"})
            for what in ("explain", "forget", "explain"):
                status, _ = await api.ask("POST", f"/v1/contacts/{what}", {"email": "quokka@example.com"})
                assert status == 200
            raw = b"".join(
                name.encode() + value
                for _, fields in await store.entries(key("audit"), "+", 1_000)
                for name, value in fields.items()
            )
            for secret in (API_KEY, "another-key", "quokka", *furnished.tokens.values()):
                assert secret.encode() not in raw
            about = await _trail(store, kind="contact")
            assert [entry.what for entry in about] == ["contact.explained", "contact.forgotten", "contact.explained"]
            assert len({entry.object_id for entry in about}) == 1
            assert set(await store.hash(key("forgotten"))) == {about[0].object_id}

    with_store(scenario)


def test_a_repeated_call_that_changes_nothing_tells_nothing(with_store: WithStore) -> None:
    """The same event, the same key of a demand, a pause of what is paused, a resume of what runs."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            furnished = await house(api)
            once = {"Idempotency-Key": "k"}

            async def ask_all() -> None:
                await api.ask("POST", "/v1/events", EVENT | {"id": "e"})
                await api.ask("POST", "/v1/exports/open/runs", {"snapshot": "/snapshots/b.csv"}, headers=once)
                await api.ask("POST", f"/v1/runs/{furnished.runs['open']}/pause")
                await api.ask("POST", f"/v1/runs/{furnished.runs['closed']}/resume")

            await ask_all()
            before = len(await _trail(store))
            await ask_all()
            assert len(await _trail(store)) == before

    with_store(scenario)


def test_the_trail_is_read_in_parts_and_filtered(with_store: WithStore) -> None:
    """The newest first; parts follow one another without a gap, whatever is left out in between."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            furnished = await house(api)
            _, whole = await api.ask("GET", "/v1/audit?limit=200")
            assert whole["next"] is None
            assert [one["id"] for one in whole["items"]] == sorted((one["id"] for one in whole["items"]), reverse=True)
            read, after = list[Any](), ""
            while after is not None:
                _, part = await api.ask("GET", f"/v1/audit?limit=3&after={after}")
                read += part["items"]
                after = part["next"]
            assert read == whole["items"]

            async def found(query: str) -> list[Any]:
                status, document = await api.ask("GET", f"/v1/audit?{query}")
                assert status == 200
                items: list[Any] = document["items"]
                return items

            def those(**said: object) -> list[Any]:
                return [
                    one for one in whole["items"] if said.items() <= {**one, "whole": one["what"].split(".")[0]}.items()
                ]

            assert await found("who=nobody") == []
            assert await found("who=admin&what=token") == those(who="admin", whole="token") != []
            assert await found("what=token.issued") == those(what="token.issued") != []
            assert await found("kind=export&name=closed") == those(kind="export", name="closed") != []
            run = furnished.runs["open"]
            assert await found(f"run={run}") == those(run=run) != []
            third = whole["items"][-3]
            at = third["at"].replace("+", "%2B")
            assert third in await found(f"since={at}&until={at}")
            newest = whole["items"][0]["id"]
            assert await found(f"until={at}&after={newest}") == await found(f"until={at}") != []
            assert await found("until=2020-01-01T00:00:00Z") == []
            assert await found("since=2020-01-01T00:00:00Z") == whole["items"]

    with_store(scenario)


@pytest.mark.parametrize(
    "query",
    ["what=everything", "kind=people", "since=yesterday", "until=2026-11-24", "after=x", "limit=0", "format=xml"],
)
def test_a_filter_that_can_match_nothing_is_refused(with_store: WithStore, query: str) -> None:
    """Instead of an empty answer that looks like a quiet night."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            status, problem = await api.ask("GET", f"/v1/audit?{query}")
            assert (status, query.split("=", maxsplit=1)[0] in problem["detail"]) == (422, True)

    with_store(scenario)


@pytest.mark.parametrize("by_header", [True, False])
def test_the_trail_is_exported_as_lines_that_go_on_where_the_last_export_ended(
    with_store: WithStore, *, by_header: bool
) -> None:
    """The oldest first, all that is wanted at once, and after the last id only what is new."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await house(api)
            headers = {"Accept": "application/x-ndjson"} if by_header else {}
            query = {} if by_header else {"format": "ndjson"}

            async def exported(**more: str) -> list[Any]:
                async with api.client.get("/v1/audit", params={**query, **more}, headers=headers) as response:
                    assert response.content_type == "application/x-ndjson"
                    return [codec.decode(line) for line in (await response.read()).splitlines()]

            lines = await exported()
            _, whole = await api.ask("GET", "/v1/audit?limit=200")
            assert lines == whole["items"][::-1]
            assert await exported(after=lines[-1]["id"]) == []
            await api.ask("POST", "/v1/tokens", {"name": "late", "role": "viewer"})
            assert [one["name"] for one in await exported(after=lines[-1]["id"], what="token")] == ["late"]

    with_store(scenario)


def test_a_long_trail_is_read_to_its_end(with_store: WithStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few entries are read at once, from either end."""
    monkeypatch.setattr("producer.audit.trail.READ_AT_ONCE", 7)

    async def scenario(store: Store) -> None:
        audit = Audit(store)
        for number in range(30):
            await audit.note(AuditedAction.SESSION_OPENED, ANN, kind=AuditedKind.SESSION, name=str(number))
        names = [entry.name for entry in await _trail(store)]
        assert names == [str(number) for number in range(30)]
        async with aclosing(audit.entries(AuditFilter())) as entries:
            assert [entry.name async for entry in entries] == names[::-1]

    with_store(scenario)


def test_what_is_older_than_it_is_kept_goes_and_the_rest_stays(with_store: WithStore) -> None:
    """By the store's clock."""

    async def scenario(store: Store) -> None:
        audit, now = Audit(store), await RunStore(store).now()
        old = f"{now - 3 * 86_400_000}-0"
        said = {"what": "session.opened", "kind": "session", "who": "old", "role": "admin"}
        await store._redis.xadd(key("audit"), said, id=old)
        await audit.note(AuditedAction.SESSION_OPENED, ANN, kind=AuditedKind.SESSION)
        assert await audit.trim(4) == 0
        assert await audit.trim(2) == 1
        assert [entry.who.name for entry in await _trail(store)] == ["ann"]

    with_store(scenario)


def test_dead_events_are_told_but_may_not_fill_the_trail(with_store: WithStore) -> None:
    """A publisher that is wrong in a loop is told twenty times an hour; the list of dead events has all."""

    async def scenario(store: Store) -> None:
        events = EventStreamStore(store)
        await events.next("c")
        for _ in range(25):
            await store._redis.xadd(key("events"), {"event": "no event"})
            entry = await events.next("c")
            assert entry is not None
            assert await events.bury("c", entry, Death("malformed", "it is no CloudEvent"))
        told = await _trail(store, what="event.dead")
        assert len(told) == 20
        assert told[0].who == SYSTEM
        assert told[0].facts["reason"] == "it is no CloudEvent"

    with_store(scenario)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote"),
    [
        ((), "1.2.3.4", "127.0.0.1"),
        (("127.0.0.0/8",), "1.2.3.4", "1.2.3.4"),
        (("127.0.0.0/8",), "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (("127.0.0.0/8", "10.0.0.0/8"), "6.6.6.6, 1.2.3.4, 10.1.1.1", "1.2.3.4"),
        (("127.0.0.0/8",), "[2001:db8::1]:443", "2001:db8::1"),
        (("127.0.0.0/8",), "1.2.3.4:5678", "1.2.3.4"),
        (("127.0.0.0/8",), "quokka@example.com", "unknown"),
        (("127.0.0.0/8",), "", "127.0.0.1"),
    ],
)
def test_only_a_proxy_that_is_known_is_believed(
    with_store: WithStore, proxies: tuple[str, ...], forwarded: str, remote: str
) -> None:
    """Anybody can write a header; and what is no address is not repeated."""

    async def scenario(store: Store) -> None:
        async with serving(store, proxies=proxies) as api:
            await api.ask("POST", "/v1/tokens", {"name": "t", "role": "viewer"}, headers={"X-Forwarded-For": forwarded})
            assert [entry.who.remote for entry in await _trail(store)] == [remote]

    with_store(scenario)


@pytest.mark.parametrize(
    ("agent", "via"),
    [
        ("segment-export/0.1.0 (apply)", "segment-export apply"),
        ("segment-export/0.1.0 (quokka@example.com)", "api"),
        ("curl/8", "api"),
    ],
)
def test_our_own_commands_are_told_apart(with_store: WithStore, agent: str, via: str) -> None:
    """What else a client calls itself is not repeated: it may hold an address."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await api.ask("POST", "/v1/tokens", {"name": "t", "role": "viewer"}, headers={"User-Agent": agent})
            assert [entry.who.via for entry in await _trail(store)] == [via]

    with_store(scenario)


def test_of_a_channel_it_tells_neither_addresses_nor_what_is_secret_in_its_url(with_store: WithStore) -> None:
    """The path of a webhook is often all that keeps others out."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            hook = {"name": "night", "kind": "webhook", "url": "https://hooks.example.com/quokka"}
            mail = {"name": "team", "kind": "email", "addresses": ["quokka@example.com", "wombat@example.com"]}
            for body in (hook, mail):
                status, answer = await api.ask("POST", "/v1/notifications", body)
                assert status == 201, answer
            await api.ask("PATCH", "/v1/notifications/night", {"url": "https://hooks.example.com/wombat"})
            await api.ask("DELETE", "/v1/notifications/team")
            made, mailed, changed, _ = await _trail(store, kind="notification")
            assert made.changes["host"] == (None, "hooks.example.com")
            assert mailed.changes["addresses"] == (None, 2)
            assert changed.changes == {}
            assert changed.facts == {"secret_changed": False, "url_changed": True, "addresses_changed": False}
            raw = str(await store.entries(key("audit"), "+", 1_000))
            assert not [word for word in ("quokka", "wombat", "whsec_") if word in raw]

    with_store(scenario)
