"""Notification channels over the API: made, shown without secrets, changed, tested, and their messages sent again."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from standardwebhooks import Webhook

from producer.notifications.channels import Channels
from producer.notifications.delivery import DeliveryState
from producer.notifications.export_health import Addressed, ExportHealth
from producer.notifications.health_store import ExportHealthStore
from producer.notifications.messages import NotificationEvent
from producer.notifications.outbox import Outbox
from tests.integration.serving import VAULT, Served, connection, export, serving
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]
HOOK = {"name": "night", "kind": "webhook", "url": "https://Hooks.example.com/a/b?c=D"}
MAIL = {"name": "team", "kind": "email", "addresses": ["Team@example.com", "night@example.com"]}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"export.failed","timestamp":"2026-11-24T06:00:00.000Z","data":{"detail":"It failed."}}'


async def _furnished(store: Store, api: Served) -> None:
    await api.registry.save_connection(connection(), secret=b"s")
    for name in ("vips", "others"):
        await api.registry.save_export(export(name, list_id="13" if name == "others" else "12"))


def test_a_webhook_is_given_a_secret_that_is_told_once(with_store: WithStore) -> None:
    """Sealed in the record, and shown by no other call; its defaults are all events and all exports."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            status, made = await api.ask("POST", "/v1/notifications", HOOK)
            assert (status, made["url"]) == (201, "https://hooks.example.com/a/b?c=D")
            assert (made["events"], made["exports"], made["enabled"]) == ([*NotificationEvent], None, True)
            secret = made.pop("secret")
            Webhook(secret)
            channels = Channels(store)
            sealed = await channels.secret(made["id"])
            assert sealed is not None
            assert secret.encode() not in sealed
            assert VAULT.open(made["id"], sealed).get_secret_value() == secret
            assert await api.ask("GET", "/v1/notifications/night") == (200, made)
            assert await api.ask("GET", "/v1/notifications") == (200, {"items": [made], "next": None})
            assert (await api.ask("POST", "/v1/notifications", HOOK))[0] == 409

    with_store(scenario)


def test_a_secret_that_somebody_sets_is_repeated_by_nobody(with_store: WithStore) -> None:
    """Neither when it is set nor when it is changed; a change without one keeps it."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            status, made = await api.ask("POST", "/v1/notifications", HOOK | {"secret": SECRET})
            assert (status, made["secret"]) == (201, None)
            channels = Channels(store)
            first = await channels.secret(made["id"])
            assert first is not None
            assert VAULT.open(made["id"], first).get_secret_value() == SECRET
            status, changed = await api.ask("PATCH", "/v1/notifications/night", {"events": ["failed"], "name": "day"})
            assert (status, changed["events"], changed["name"]) == (200, ["failed"], "day")
            assert await channels.secret(made["id"]) == first
            status, changed = await api.ask("PATCH", "/v1/notifications/day", {"secret": SECRET[:-4] + "LaSx"})
            assert (status, "secret" in changed) == (200, False)
            assert await channels.secret(made["id"]) != first
            assert (await api.ask("GET", "/v1/notifications/night"))[0] == 404

    with_store(scenario)


def test_every_fault_of_a_channel_is_named_at_once(with_store: WithStore) -> None:
    """Those of the body, and those that only this server knows."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await _furnished(store, api)
            wrong: dict[str, Any] = {"name": "No", "kind": "webhook", "addresses": ["a@example.com"], "events": []}
            wrong |= {"secret": "whsec_short", "colour": "red"}
            status, problem = await api.ask("POST", "/v1/notifications", wrong)
            assert (status, "short" in str(problem)) == (422, False)
            assert {fault["pointer"] for fault in problem["errors"]} == {
                *("/name", "/url", "/addresses", "/events", "/secret", "/colour")
            }
            private = HOOK | {"url": "https://10.0.0.1/x", "exports": ["vips", "gone"]}
            status, problem = await api.ask("POST", "/v1/notifications", private)
            assert {fault["pointer"]: fault["detail"] for fault in problem["errors"]} == {
                "/url": "must be https, and at a public host by its name, without a user or password",
                "/exports/1": "there is no export 'gone'",
            }
            mail = MAIL | {"addresses": ["nobody"], "url": "https://hooks.example.com/", "secret": SECRET}
            status, problem = await api.ask("POST", "/v1/notifications", mail)
            assert {fault["pointer"] for fault in problem["errors"]} == {"/addresses/0", "/url", "/secret"}
            assert (await api.ask("GET", "/v1/notifications"))[1]["items"] == []

    with_store(scenario)


def test_an_e_mail_has_addresses_and_stays_one(with_store: WithStore) -> None:
    """It has no secret, and becomes no webhook."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            status, made = await api.ask("POST", "/v1/notifications", MAIL)
            assert (status, made["addresses"], made["secret"]) == (201, MAIL["addresses"], None)
            change = {"kind": "webhook", "addresses": [], "url": "https://hooks.example.com/"}
            status, problem = await api.ask("PATCH", "/v1/notifications/team", change)
            assert (status, problem["errors"][0]["pointer"]) == (422, "/kind")
            status, problem = await api.ask("PATCH", "/v1/notifications/team", {"addresses": None})
            assert (status, problem["errors"][0]["detail"]) == (422, "are needed by an e-mail")

    with_store(scenario)


def test_exports_are_kept_by_their_ids(with_store: WithStore) -> None:
    """One that is renamed is shown by its new name, one that is deleted is left out, and all is null."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await _furnished(store, api)
            await api.ask("POST", "/v1/notifications", HOOK | {"exports": ["vips", "others"]})
            await api.ask("PATCH", "/v1/exports/vips", {"name": "gold"})
            assert (await api.ask("GET", "/v1/notifications/night"))[1]["exports"] == ["gold", "others"]
            await api.registry.delete_export("others")
            assert (await api.ask("GET", "/v1/notifications/night"))[1]["exports"] == ["gold"]
            assert (await api.ask("PATCH", "/v1/notifications/night", {"exports": None}))[1]["exports"] is None

    with_store(scenario)


def test_a_test_says_what_came_of_it(with_store: WithStore) -> None:
    """At once, and leaves no message behind."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await api.ask("POST", "/v1/notifications", HOOK)
            told = await api.ask("POST", "/v1/notifications/night/test")
            assert told == (200, {"delivered": True, "detail": "HTTP 200"})
            assert (await api.ask("GET", "/v1/notifications/night/deliveries"))[1]["items"] == []
            assert (await api.ask("POST", "/v1/notifications/day/test"))[0] == 404

    with_store(scenario)


def test_messages_are_listed_by_state_and_in_parts_and_sent_again(with_store: WithStore) -> None:
    """With what was answered; the channel counts those on their way and the dead."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await _furnished(store, api)
            _, made = await api.ask("POST", "/v1/notifications", HOOK)
            outbox = Outbox(store)
            told = (await ExportHealthStore(store).told(["id-vips"]))["id-vips"]
            messages = [Addressed(f"msg_{number}", made["id"], BODY) for number in range(3)]
            await ExportHealthStore(store).judge("id-vips", told, ExportHealth.FAILED, messages=messages)
            await outbox.take("mine", 2)
            await outbox.settle("msg_0", "mine", DeliveryState.DEAD, note="HTTP 500")
            await outbox.settle("msg_1", "mine", DeliveryState.DELIVERED, note="HTTP 204")
            path = "/v1/notifications/night/deliveries"
            _, dead = await api.ask("GET", f"{path}?state=dead")
            (one,) = dead["items"]
            assert (one["id"], one["type"], one["attempts"]) == ("msg_0", "export.failed", 1)
            assert (one["note"], one["next_attempt"]) == ("HTTP 500", None)
            assert one["message"]["data"]["detail"] == "It failed."
            _, first = await api.ask("GET", f"{path}?limit=2")
            _, second = await api.ask("GET", f"{path}?limit=2&after={first['next']}")
            assert [each["id"] for each in first["items"] + second["items"]] == ["msg_2", "msg_1", "msg_0"]
            assert second["next"] is None
            _, shown = await api.ask("GET", "/v1/notifications/night")
            assert (shown["waiting"], shown["dead"]) == (1, 1)
            assert await api.ask("POST", f"{path}/msg_0/redeliver") == (202, {"result": "done"})
            assert await api.ask("POST", f"{path}/msg_0/redeliver") == (202, {"result": "already"})
            assert (await api.ask("POST", f"{path}/msg_9/redeliver"))[0] == 404
            assert (await api.ask("GET", f"{path}?state=lost"))[0] == 422
            assert (await api.ask("DELETE", "/v1/notifications/night"))[0] == 200
            assert await outbox.count_each() == {}

    with_store(scenario)


def test_secrets_of_webhooks_are_sealed_anew_with_those_of_connections(with_store: WithStore) -> None:
    """One that nobody can open is named."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            _, made = await api.ask("POST", "/v1/notifications", HOOK)
            await api.ask("POST", "/v1/notifications", MAIL)
            rotated = await api.ask("POST", "/v1/secrets/rotate")
            assert rotated == (200, {"connections": 0, "notifications": 2, "rotated": 0, "unreadable": []})
            channel = await Channels(store).named("night")
            sealed = VAULT.seal("another", VAULT.open(made["id"], await Channels(store).secret(made["id"]) or b""))
            await Channels(store).save(channel, secret=sealed, replaces=channel)
            _, rotated = await api.ask("POST", "/v1/secrets/rotate")
            assert rotated["unreadable"] == ["night"]

    with_store(scenario)


def test_the_trail_tells_of_channels_without_what_could_be_a_secret(with_store: WithStore) -> None:
    """Of a URL its host, of addresses how many, of a secret that it was set."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            hook = HOOK | {"url": "https://hooks.example.com/canary-path"}
            await api.ask("POST", "/v1/notifications", hook | {"secret": SECRET})
            await api.ask("POST", "/v1/notifications", MAIL)
            await api.ask("PATCH", "/v1/notifications/night", {"events": ["failed"]})
            await api.ask("DELETE", "/v1/notifications/night")
            _, trail = await api.ask("GET", "/v1/audit")
            whats = [entry["what"].removeprefix("notification.") for entry in trail["items"]]
            assert whats == ["deleted", "changed", "created", "created"]
            created = trail["items"][-1]
            assert (created["facts"], created["who"]) == ({"secret": "set"}, "admin")
            assert "hooks.example.com" in str(created["changes"])
            assert not [word for word in ("canary", SECRET, 'example.com"', "Team@") if word in str(trail)]

    with_store(scenario)


@pytest.mark.parametrize("event", NotificationEvent)
def test_every_event_can_be_asked_for(with_store: WithStore, event: NotificationEvent) -> None:
    """By the name it has in messages."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            status, made = await api.ask("POST", "/v1/notifications", HOOK | {"events": [event]})
            assert (status, made["events"]) == (201, [event])

    with_store(scenario)
