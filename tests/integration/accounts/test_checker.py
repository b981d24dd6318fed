"""Hosts, keys and lists are checked against a small ActiveCampaign over HTTP, within the account's limits."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from producer.accounts.checker import Checker
from producer.accounts.findings import Busy, Fields, Ok, Sight, Wrong
from wire.activecampaign.results import CustomField
from wire.chunk_queue.rate_limiter import RateLimiter
from wire.http.session import open_session
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]

KEY = SecretStr("good")


@dataclass
class Account:
    """Answers the three questions of a check; `refusals` of a good key come first, `throttled` closes the door."""

    administrator: bool = True
    refusals: int = 0
    cuts: int = 0
    errors: int = 0
    throttled: bool = False
    marks: int = 0
    spoilt: int = 0
    lists: int = 1
    asked: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/3/{what:.+}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        what = request.match_info["what"]
        self.asked.append(what)
        if self.cuts:
            self.cuts -= 1
            assert request.transport is not None
            request.transport.abort()
        if self.errors:
            self.errors -= 1
            return web.json_response({}, status=502)
        if self.throttled:
            return web.json_response({"message": "slow down"}, status=429, headers={"Retry-After": "30"})
        if request.headers["Api-Token"] != "good" or self.refusals:
            self.refusals = max(0, self.refusals - 1)
            return web.json_response({"message": "Forbidden"}, status=403)
        documents = {
            "users/me": {"user": {"id": "1", "username": "ann"}},
            "lists/12": {"list": {"id": "12", "name": "VIPs"}},
            "lists": _page("lists", "name", request, self.lists),
            "fields": _page("fields", "title", request, 1),
        }
        if self.administrator:
            documents["settings/account"] = {"subscriber_limit": "1000"}
        elif what == "settings/account":
            return web.json_response({"errors": [{"status": 403, "title": "Forbidden", "detail": "No."}]}, status=403)
        found = documents.get(what)
        text = "\ufeff" * self.marks + json.dumps(found or {"message": "No Result found"})
        if self.spoilt:
            self.spoilt -= 1
            text = text[:-1]
        return web.Response(text=text, content_type="application/json", status=200 if found else 404)


def _page(name: str, called: str, request: web.Request, total: int) -> dict[str, Any]:
    first, most = int(request.query.get("offset", 0)), int(request.query.get("limit", 20))
    items = [{"id": str(number), called: f"Number {number}"} for number in range(1, total + 1)]
    return {name: items[first : first + most], "meta": {"total": str(total)}}


@asynccontextmanager
async def checking(store: Store, account: Account) -> AsyncIterator[tuple[Checker, str]]:
    """Serve the account; yield who checks it, and its host."""
    async with TestServer(account.app(), host="127.0.0.1") as server:
        host = f"127.0.0.1:{server.port}"
        async with open_session(frozenset({host})) as session:
            yield Checker(session, RateLimiter(store, sleep=_soon), frozenset({host})), host


async def _soon(seconds: float) -> None:
    """Wait as long as the pacer says, but no longer than its shortest interval: the server's clock is the real one."""
    await asyncio.sleep(min(seconds, 0.3))


def test_a_good_key_is_good_and_an_administrators_is_told_from_others(with_store: WithStore) -> None:
    """By what it may see."""

    async def scenario(store: Store) -> None:
        account = Account()
        async with checking(store, account) as (checker, host):
            assert await checker.check_key(host, KEY) == Ok(administrator=True)
            assert account.asked == ["users/me", "settings/account"]
            account.administrator = False
            assert await checker.check_key(host, KEY) == Ok(administrator=False)

    with_store(scenario)


def test_a_list_is_there_or_is_named_as_what_to_mend(with_store: WithStore) -> None:
    """The key may be wrong as well."""

    async def scenario(store: Store) -> None:
        async with checking(store, Account()) as (checker, host):
            assert isinstance(await checker.check_list(host, KEY, "12"), Ok)
            assert await checker.check_list(host, KEY, "99") == Wrong("list_id", "there is no such list")

    with_store(scenario)


def test_a_look_shows_whose_key_it_is_the_contract_and_every_list(with_store: WithStore) -> None:
    """Page by page, but not without an end."""

    async def scenario(store: Store) -> None:
        account = Account(lists=101)
        async with checking(store, account) as (checker, host):
            seen = await checker.look(host, KEY)
            assert isinstance(seen, Sight)
            assert (seen.username, seen.administrator, seen.limit, seen.total) == ("ann", True, 1000, None)
            assert [one.id for one in seen.lists] == [str(number) for number in range(1, 102)]
            assert await checker.fields(host, KEY) == Fields((CustomField("1", "Number 1"),))
            account.administrator, account.lists = False, 2_000
            seen = await checker.look(host, KEY)
            assert isinstance(seen, Sight)
            assert (seen.administrator, seen.limit, len(seen.lists)) == (False, None, 1_000)
            assert await checker.look(host, SecretStr("bad")) == Wrong("api_key", "the key's user may not see this")

    with_store(scenario)


def test_only_the_third_refusal_of_a_key_is_believed(with_store: WithStore) -> None:
    """A good key is refused now and then."""

    async def scenario(store: Store) -> None:
        account = Account(refusals=2)
        async with checking(store, account) as (checker, host):
            assert await checker.check_key(host, KEY) == Ok(administrator=True)
            account.asked.clear()
            found = await checker.check_key(host, SecretStr("bad"))
            assert isinstance(found, Wrong)
            assert found.field == "api_key"
            assert len(account.asked) <= 3

    with_store(scenario)


@pytest.mark.parametrize(("cuts", "errors"), [(2, 0), (0, 2), (1, 1)])
def test_a_connection_that_is_cut_or_an_edge_that_fails_is_asked_again(
    with_store: WithStore, cuts: int, errors: int
) -> None:
    """Nobody should have to press a button twice for that."""

    async def scenario(store: Store) -> None:
        async with checking(store, Account(cuts=cuts, errors=errors)) as (checker, host):
            assert await checker.check_key(host, KEY) == Ok(administrator=True)
        async with checking(store, Account(errors=9)) as (checker, host):
            assert isinstance(await checker.check_key(host, KEY), Busy)

    with_store(scenario)


def test_answers_that_cannot_be_read_are_asked_for_three_times_and_then_told(with_store: WithStore) -> None:
    """With what came, and without a word of it; byte order marks spoil nothing."""

    async def scenario(store: Store) -> None:
        account = Account(marks=2, spoilt=2)
        async with checking(store, account) as (checker, host):
            assert await checker.check_key(host, KEY) == Ok(administrator=True)
            account.spoilt = 99
            account.asked.clear()
            found = await checker.check_key(host, KEY)
            assert isinstance(found, Wrong)
            assert found.field == "host"
            said = re.fullmatch(
                r"the host's answers cannot be read; the last one: HTTP 200, \d+ bytes, .*", found.reason
            )
            assert said
            assert len(account.asked) == 3

    with_store(scenario)


def test_a_throttle_closes_the_gate_for_everybody_on_the_account(with_store: WithStore) -> None:
    """The next check does not even ask."""

    async def scenario(store: Store) -> None:
        account = Account(throttled=True)
        async with checking(store, account) as (checker, host):
            found = await checker.check_key(host, KEY)
            assert isinstance(found, Busy)
            assert 29 < found.retry_after_seconds <= 30
            account.throttled = False
            again = await checker.check_key(host, KEY)
            assert isinstance(again, Busy)
            assert len(account.asked) == 1

    with_store(scenario)


def test_a_host_that_does_not_answer_is_named(with_store: WithStore) -> None:
    """As is one that is no host at all."""

    async def scenario(store: Store) -> None:
        async with checking(store, Account()) as (checker, host):
            pass
        assert isinstance(checker.mend_host("10.0.0.1"), Wrong)
        assert checker.mend_host(f"http://{host}/") == host
        async with open_session(frozenset({host})) as session:
            gone = Checker(session, RateLimiter(store, sleep=_soon), frozenset({host}))
            found = await gone.check_key(host, KEY)
            assert isinstance(found, Wrong)
            assert found.field == "host"

    with_store(scenario)
