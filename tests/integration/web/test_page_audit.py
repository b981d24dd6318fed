"""The trail on the page: for administrators, narrowed down and taken along; and what the page itself tells the trail."""

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from producer.access.token import Role
from producer.audit.entry import AuditedAction
from producer.web.pages.audit import GROUPS, SHOWN, WORDS
from tests.integration.access.test_access import CONNECTION, House
from tests.integration.serving import Served
from tests.integration.visiting import Visitor, somebody
from tests.integration.web.test_page_runs import WithHouse, visitor_of, with_house

__all__ = ["with_house"]

Told = Callable[[], Coroutine[Any, Any, list[Any]]]


def test_every_word_of_the_trail_has_its_words() -> None:
    """And every group of them."""
    assert set(WORDS) == set(AuditedAction)
    assert set(GROUPS) == {what.partition(".")[0] for what in AuditedAction}


@pytest.mark.parametrize("path", ["/audit", "/audit/download?format=ndjson"])
def test_the_trail_is_for_administrators(with_house: WithHouse, path: str) -> None:
    """Nobody else sees it, or the way to it."""

    async def scenario(house: House) -> None:
        for role in (Role.CONTRIBUTOR, Role.VIEWER):
            visitor = await visitor_of(house, role)
            assert (await visitor.get(path)).status == 403
            assert 'href="/audit"' not in (await visitor.get("/runs")).text
        visitor = await visitor_of(house, Role.ADMIN)
        assert (await visitor.get(path)).status == 200
        assert 'href="/audit"' in (await visitor.get("/runs")).text

    with_house(scenario)


def test_the_trail_is_narrowed_down(with_house: WithHouse) -> None:
    """By whom, what, name, run and day; in both languages, with what a field was and what it is."""

    async def scenario(house: House) -> None:
        await house.api.ask("PATCH", "/v1/connections/open", {"display_name": "Now otherwise"})
        await house.ask(Role.CONTRIBUTOR, "POST /v1/runs/{id}/pause")
        visitor, german = await visitor_of(house, Role.ADMIN), await visitor_of(house, Role.ADMIN, "de")
        changed = await visitor.get("/audit?what=connection.changed")
        assert changed.says("connection changed")
        assert changed.says("display_name : open → Now otherwise")
        assert "run opened" not in _rows(changed.text)
        assert (await german.get("/audit?what=connection.changed")).says("Verbindung geändert")
        paused = await visitor.get("/audit?who=a-contributor")
        assert 'href="/runs/' + house.runs["open"] in paused.text
        assert "connection changed" not in _rows(paused.text)
        assert (await visitor.get(f"/audit?run={house.runs['closed']}")).says("run opened")
        assert "<code>consent.at</code>: <span" in (await visitor.get("/audit?what=connection.created")).text
        assert "<time datetime=" in _details((await visitor.get("/audit?what=connection.created")).text)
        assert (await visitor.get("/audit?name=nobody")).says("Nothing fits that")
        today = datetime.now(UTC).date()
        assert (await visitor.get(f"/audit?since={today}&until={today}")).says("connection changed")
        assert (await visitor.get(f"/audit?since={today + timedelta(days=1)}")).says("Nothing fits that")
        assert (await visitor.get(f"/audit?until={today - timedelta(days=1)}")).says("Nothing fits that")
        wrong = await visitor.get("/audit?since=yesterday")
        assert (wrong.status, wrong.says("This is no day")) == (422, True)
        assert (await visitor.get("/audit?what=nonsense&who=%00&after=x")).status == 200

    with_house(scenario)


def _details(text: str) -> str:
    return text.partition("<code>consent.at</code>")[2].partition("</li>")[0]


def _rows(text: str) -> str:
    return text.partition("<tbody>")[2].partition("</tbody>")[0]


def test_a_long_trail_goes_on_and_is_taken_along(with_house: WithHouse) -> None:
    """Nothing twice and nothing left out; the download is narrowed down as the page is."""

    async def scenario(house: House) -> None:
        for number in range(SHOWN):
            await house.api.ask("POST", "/v1/tokens", {"name": f"t{number}", "role": "viewer"})
        visitor = await visitor_of(house, Role.ADMIN)
        first = await visitor.get("/audit?what=token.issued")
        assert _rows(first.text).count("<tr>") == SHOWN
        older = first.text.partition('href="/audit?after=')[2].partition('"')[0].replace("&amp;", "&")
        second = await visitor.get(f"/audit?after={older}")
        assert 0 < _rows(second.text).count("<tr>") < SHOWN
        assert second.says("Newest")
        link = first.text.partition('href="/audit/download?')[2].partition('"')[0].replace("&amp;", "&")
        lines = [json.loads(line) for line in (await visitor.get(f"/audit/download?{link}")).text.splitlines()]
        assert {line["what"] for line in lines} == {"token.issued"}
        assert len(lines) == _rows(first.text).count("<tr>") + _rows(second.text).count("<tr>")

    with_house(scenario)


def test_whoever_comes_by_the_page_is_told_as_such(with_house: WithHouse) -> None:
    """Coming, going, and what they did in between, with the address they came from."""

    async def scenario(house: House) -> None:
        visitor = await visitor_of(house, Role.CONTRIBUTOR)
        await visitor.send(f"/runs/{house.runs['open']}/pause")
        await visitor.send("/logout", seen="/runs")
        _, told = await house.api.ask("GET", "/v1/audit?who=a-contributor")
        assert [(each["what"], each["via"], each["remote"], each["role"]) for each in told["items"]] == [
            ("session.closed", "page", "127.0.0.1", "contributor"),
            ("run.paused", "page", "127.0.0.1", "contributor"),
            ("session.opened", "page", "127.0.0.1", "contributor"),
        ]

    with_house(scenario)


def test_what_is_written_by_the_page_is_theirs_who_wrote_it(with_house: WithHouse) -> None:
    """A connection that is added there, for one."""

    async def scenario(house: House) -> None:
        served: Served = house.api
        await served.ask("POST", "/v1/connections", CONNECTION | {"name": "other"})
        visitor: Visitor = await somebody(served, Role.ADMIN)
        page = await visitor.get("/connections/other/remove")
        assert page.status == 200
        await visitor.send("/connections/other/remove")
        _, told = await served.ask("GET", "/v1/audit?what=connection.deleted")
        assert [(each["who"], each["via"]) for each in told["items"]] == [("admin-en", "page")]

    with_house(scenario)
