"""Which account a connection is of: found out, shown, set by hand and taken back, over the HTTP API and the page."""

from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from producer.accounts.discovery import AGAIN_MS, AccountDiscovery
from producer.registry.store import Registry
from tests.integration.api.test_api import CONNECTION, WithApi, with_api
from tests.integration.serving import API_KEY, VAULT, Served, connection
from wire.store.keys import key
from wire.store.redis import Store

__all__ = ["with_api"]

FIRST, SECOND = "acme.api-us1.com", "acme.activehosted.com"
OTHER_KEY = "the-key-of-another-user"


def same_account(api: Served) -> None:
    """Let two hosts be names of one account, where two users' keys are good."""
    api.checks.answers_as = {SECOND: FIRST}
    api.checks.api_keys.add(OTHER_KEY)


async def made(api: Served, name: str = "other", **changes: Any) -> Any:
    """Make one more connection."""
    said = {"name": name, "host": SECOND, "api_key": OTHER_KEY, "consent": True} | changes
    status, document = await api.ask("POST", "/v1/connections", said)
    assert status == 201, document
    return document


async def accounts(api: Served) -> dict[str, str]:
    """The account of each connection."""
    _, found = await api.ask("GET", "/v1/connections")
    return {one["name"]: one["account"] for one in found["items"]}


@pytest.mark.parametrize(("api_key", "known_by"), [(API_KEY, "api_key"), (OTHER_KEY, "lists")])
def test_two_hosts_of_one_account_are_told_to_the_administrator(with_api: WithApi, api_key: str, known_by: str) -> None:
    """By the same key, or by the same lists; when it is made, afterwards, and at every check."""

    async def scenario(api: Served, store: Store) -> None:
        same_account(api)
        await api.ask("POST", "/v1/connections", CONNECTION)
        document = await made(api, api_key=api_key)
        assert (document["account"], document["account_known_by"], document["same_account"]) == (
            FIRST,
            known_by,
            ["main"],
        )
        assert f"{SECOND} and {FIRST} are one ActiveCampaign account" in document["account_note"]
        assert (await api.ask("GET", "/v1/connections/main"))[1]["same_account"] == ["other"]
        _, checked = await api.ask("POST", "/v1/connections/main/check")
        assert (checked["ok"], checked["account"], checked["same_account"]) == (True, FIRST, ["other"])
        assert SECOND in checked["account_note"]
        kept = await store.hash(key("connection", document["id"]))
        assert api_key not in repr(kept)
        page = await (await api.client.get("/connections/other")).text()
        assert page

    with_api(scenario)


def test_other_accounts_are_other_accounts(with_api: WithApi) -> None:
    """Other lists tell so even where the key is the same; where nothing tells, hosts are accounts of their own."""

    async def scenario(api: Served, store: Store) -> None:
        await api.ask("POST", "/v1/connections", CONNECTION)
        assert (await made(api, api_key=API_KEY))["account"] == SECOND
        api.checks.lists_are_hidden = True
        api.checks.api_keys.add(OTHER_KEY)
        third = await made(api, "third", host="third.api-us1.com")
        assert (third["account"], third["account_known_by"], third["account_note"]) == (
            "third.api-us1.com",
            "host",
            None,
        )

    with_api(scenario)


def test_a_person_may_say_which_account_it_is(with_api: WithApi) -> None:
    """To part what we take for one, to join what we take for two, and to leave it to us again."""

    async def scenario(api: Served, store: Store) -> None:
        same_account(api)
        await api.ask("POST", "/v1/connections", CONNECTION)
        await made(api)
        status, parted = await api.ask("PATCH", "/v1/connections/other", {"account": "acme-two"})
        assert (status, parted["account"], parted["account_known_by"]) == (200, "acme-two", "override")
        assert await accounts(api) == {"main": FIRST, "other": "acme-two"}
        await AccountDiscovery(Registry(store), api.checks, VAULT).step()
        status, renamed = await api.ask("PATCH", "/v1/connections/other", {"display_name": "Other"})
        assert (status, renamed["account"]) == (200, "acme-two")
        for empty in (None, ""):
            status, back = await api.ask("PATCH", "/v1/connections/other", {"account": empty})
            assert (status, back["account"], back["account_known_by"]) == (200, FIRST, "lists")
            await api.ask("PATCH", "/v1/connections/other", {"account": "acme-two"})
        third = await made(api, "third", host="third.api-us1.com", account="acme-two")
        assert (third["account"], third["same_account"]) == ("acme-two", ["other"])
        assert "set by hand" in third["account_note"]
        status, alone = await api.ask("PATCH", "/v1/connections/third", {"account": None})
        assert (status, alone["account"]) == (200, "third.api-us1.com")
        status, problem = await api.ask("POST", "/v1/connections", CONNECTION | {"name": "x", "account": "Not a name"})
        assert (status, problem["errors"][0]["pointer"]) == (422, "/account")
        status, problem = await api.ask(
            "POST",
            "/v1/connections",
            {"name": "y", "host": SECOND, "api_key": OTHER_KEY, "consent": True, "account": "z"},
        )
        assert (status, problem["errors"][0]["pointer"]) == (422, "/account")
        follows = await made(api, "fourth")
        assert (follows["account"], follows["account_known_by"]) == ("acme-two", "host")

    with_api(scenario)


def test_another_host_of_the_same_account_is_known_by_key_or_lists(with_api: WithApi) -> None:
    """Also where the key is changed with it, and where an earlier version noted nothing of the account."""

    async def scenario(api: Served, store: Store) -> None:
        same_account(api)
        _, before = await api.ask("POST", "/v1/connections", CONNECTION)
        status, moved = await api.ask("PATCH", "/v1/connections/main", {"host": SECOND, "api_key": OTHER_KEY})
        assert (status, moved["host"], moved["account"]) == (200, SECOND, FIRST)
        status, back = await api.ask("PATCH", "/v1/connections/main", {"host": FIRST})
        assert (status, back["account"]) == (200, FIRST)
        redis: Redis = store._redis
        await redis.hdel(key("connection", before["id"]), "identity", "identify_at")
        await redis.delete(key("account_names"))
        status, moved = await api.ask("PATCH", "/v1/connections/main", {"host": SECOND})
        assert (status, moved["account"]) == (200, FIRST)
        status, elsewhere = await api.ask("PATCH", "/v1/connections/main", {"host": "third.api-us1.com"})
        assert (status, elsewhere["account"]) == (200, "third.api-us1.com")

    with_api(scenario)


def test_a_name_that_a_person_gave_does_not_go_with_a_connection_to_another_account(with_api: WithApi) -> None:
    """Else what is known of one account's people would be believed of another's."""

    async def scenario(api: Served, store: Store) -> None:
        await api.ask("POST", "/v1/connections", CONNECTION | {"account": "acme"})
        status, problem = await api.ask("PATCH", "/v1/connections/main", {"host": "third.api-us1.com"})
        assert (status, problem["errors"][0]["pointer"]) == (422, "/account")
        status, moved = await api.ask("PATCH", "/v1/connections/main", {"host": "third.api-us1.com", "account": None})
        assert (status, moved["account"]) == (200, "third.api-us1.com")

    with_api(scenario)


def test_connections_of_an_earlier_version_are_looked_at_by_the_producer_itself(with_api: WithApi) -> None:
    """Each once a day, by one producer; what cannot be told now is asked again soon, and a person's word stands."""

    async def scenario(api: Served, store: Store) -> None:
        same_account(api)
        registry = Registry(store)
        for number, (name, host, api_key) in enumerate((("b", SECOND, OTHER_KEY), ("a", FIRST, API_KEY))):
            old = connection(name, host=host, created=number)
            await registry.save_connection(old, secret=VAULT.seal(old.id, SecretStr(api_key)))
        discovery = AccountDiscovery(registry, api.checks, VAULT)
        api.checks.busy = True
        await discovery.step()
        assert await accounts(api) == {"a": FIRST, "b": SECOND}
        api.checks.busy = False
        await discovery.step()
        assert await accounts(api) == {"a": FIRST, "b": SECOND}, "asked again at once"
        redis: Redis = store._redis
        for name in ("a", "b"):
            await redis.hset(key("connection", f"id-{name}"), "identify_at", "1")
        await discovery.step()
        assert await accounts(api) == {"a": SECOND, "b": SECOND}
        asked = len(api.checks.asked)
        await discovery.step()
        assert len(api.checks.asked) == asked
        assert await registry.claim_identities(9, alone_ms=1, longest_ms=AGAIN_MS) == []

    with_api(scenario)


def test_the_trail_says_which_account_a_connection_was_and_is_of(with_api: WithApi) -> None:
    """Who set it by hand, and what it was before."""

    async def scenario(api: Served, store: Store) -> None:
        await api.ask("POST", "/v1/connections", CONNECTION)
        await api.ask("PATCH", "/v1/connections/main", {"account": "acme"})
        trail = await (await api.client.get("/v1/audit?what=connection.changed")).text()
        assert '"account":' in trail
        assert FIRST in trail
        assert '"acme"' in trail

    with_api(scenario)


def test_a_rehearsal_names_what_would_be_refused(with_api: WithApi) -> None:
    """And leaves the accounts as they are."""

    async def scenario(api: Served, store: Store) -> None:
        same_account(api)
        await api.ask("POST", "/v1/connections", CONNECTION | {"account": "acme"})
        wanted = {"name": "x", "host": FIRST, "api_key": API_KEY, "consent": True, "account": "else"}
        changes = [{"action": "create", "kind": "connections", "name": "x", "body": wanted}]
        status, found = await api.ask("POST", "/v1/rehearsals", {"changes": changes})
        assert (status, [one["errors"][0]["pointer"] for one in found["refused"]]) == (200, ["/account"])
        assert await accounts(api) == {"main": "acme"}

    with_api(scenario)
