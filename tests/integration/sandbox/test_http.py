"""The sandbox over real HTTP: a program on a free port, and the same account inside the test's own process."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from tests.sandbox.__main__ import main
from tests.sandbox.app import WORLD, create_app
from tests.sandbox.endpoints import ROUTES, Endpoint
from tests.sandbox.settings import DEFAULT_KEY, Settings
from tests.sandbox.switches import Switches, changed

KEY = {"Api-Token": DEFAULT_KEY}
Client = TestClient[Any, Any]


class Clock:
    """Unix seconds that only the test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def _with_account(scenario: Callable[[Client, Clock], Awaitable[None]], **wishes: object) -> None:
    async def run() -> None:
        clock = Clock()
        switches = changed(Switches(), {"requests_per_second": None, "batch_seconds": 2} | wishes)
        async with TestClient(TestServer(create_app(Settings(switches=switches), clock)), headers=KEY) as client:
            await scenario(client, clock)

    asyncio.run(run())


def _contact(email: str, **more: object) -> dict[str, object]:
    return {"email": email, "subscribe": [{"listid": 12}], **more}


async def _json(response: Any) -> Any:
    async with response as answered:
        return await answered.json()


async def _import(client: Client, *contacts: dict[str, object], **top: object) -> Any:
    return await _json(client.post("/api/3/import/bulk_import", json={"contacts": contacts, **top}))


async def _people(client: Client) -> dict[str, Any]:
    async with client.get("/sandbox/contacts") as response:
        lines = (await response.text()).splitlines()
    return {person["email"]: person for person in map(orjson.loads, lines)}


def test_an_import_reaches_the_list_when_its_batch_is_over() -> None:
    """Accepted, followed, applied; then the people, the members and the figures agree."""

    async def scenario(client: Client, clock: Clock) -> None:
        accepted = await _import(
            client,
            _contact("ann@example.org", first_name="Ann", tags=["vip"], fields=[{"id": 7, "value": "Gold"}]),
            _contact("bob@example.org", exclude_automations=True),
        )
        assert accepted["queued_contacts"] == 2
        info = "/api/3/import/info?batchId=" + accepted["batchId"]
        assert (await _json(client.get(info)))["status"] is False
        assert await _people(client) == {}
        clock.now += 2
        assert (await _json(client.get(info)))["status"] == "completed"
        people = await _people(client)
        assert people["ann@example.org"] == {
            "id": "1",
            "email": "ann@example.org",
            "first_name": "Ann",
            "last_name": "",
            "phone": "",
            "fields": {"7": "Gold"},
            "tags": ["vip"],
            "lists": {"12": "subscribed"},
            "automations_fired": 1,
            "times_imported": 1,
        }
        assert people["bob@example.org"]["automations_fired"] == 0
        members = await _json(client.get("/sandbox/lists/12/members"))
        assert members["subscribed"] == ["ann@example.org", "bob@example.org"]
        totals = await _json(client.get("/sandbox/totals"))
        assert (totals["imports"], totals["contacts_accepted"], totals["contacts_applied"]) == (1, 2, 2)

    _with_account(scenario)


def test_opted_out_people_stay_out_by_import_and_come_back_by_the_other_two_calls() -> None:
    """And the sandbox says which calls did it."""

    async def scenario(client: Client, clock: Clock) -> None:
        emails = ["ann@example.org", "bob@example.org"]
        await _json(client.post("/sandbox/opt_outs", json={"list": 12, "emails": emails}))
        accepted = await _import(client, *map(_contact, emails))
        clock.now += 2
        info = await _json(client.get("/api/3/import/info", params={"batchId": accepted["batchId"]}))
        assert sorted(info["failure"]) == emails
        members = await _json(client.get("/sandbox/lists/12/members"))
        assert (members["subscribed"], members["unsubscribed"]) == ([], emails)

        contact = (await _json(client.get("/api/3/contacts", params={"email": "ANN@example.org"})))["contacts"][0]
        wish = {"contactList": {"list": 12, "contact": contact["id"], "status": 1}}
        assert (await _json(client.post("/api/3/contactLists", json=wish)))["contactList"]["status"] == 1
        synced = {"contact": {"email": "bob@example.org", "firstName": "Bob", "lists": [{"listid": 12, "status": 1}]}}
        assert (await _json(client.post("/api/3/contact/sync", json=synced)))["contact"]["firstName"] == "Bob"
        state = await _json(client.get("/sandbox/state"))
        assert state["resubscribed"] == [{"email": email, "list": "12"} for email in emails]
        assert state["lists"]["12"]["subscribed"] == 2

    _with_account(scenario)


def test_excluded_and_bounced_people_and_lists_and_fields_are_set_from_outside() -> None:
    """The levers of a test."""

    async def scenario(client: Client, clock: Clock) -> None:
        await _json(client.post("/sandbox/lists", json={"id": 40, "name": "Forty"}))
        await _json(client.post("/sandbox/fields", json={"id": 9, "title": "Nine"}))
        await _json(client.post("/sandbox/exclusions", json={"emails": ["A@example.org"]}))
        await _json(client.post("/sandbox/bounces", json={"emails": ["b@example.org"]}))
        contacts: list[dict[str, object]] = [
            {"email": f"{name}@example.org", "subscribe": [{"listid": 40}], "fields": [{"id": 9, "value": "x"}]}
            for name in "abc"
        ]
        await _import(client, *contacts)
        clock.now += 2
        people = await _people(client)
        assert list(people) == ["c@example.org"]
        assert (people["c@example.org"]["lists"], people["c@example.org"]["fields"]) == (
            {"40": "subscribed"},
            {"9": "x"},
        )
        totals = await _json(client.get("/sandbox/totals"))
        assert totals["contacts_kept_out"] == {"excluded": 1, "bounced": 1}
        for path, wish in (("opt_outs", {"list": 99, "emails": []}), ("exclusions", {"emails": "x"}), ("lists", {})):
            async with client.post(f"/sandbox/{path}", json=wish) as response:
                assert response.status == 422

    _with_account(scenario)


def test_the_account_answers_about_itself() -> None:
    """User, lists page by page, one list, fields, contract; an unknown list is not found."""

    async def scenario(client: Client, clock: Clock) -> None:
        assert (await _json(client.get("/api/3/users/me")))["user"]["id"] == "1"
        page = await _json(client.get("/api/3/lists?limit=1&offset=1"))
        assert ([one["id"] for one in page["lists"]], page["meta"]["total"]) == (["3"], "2")
        assert (await _json(client.get("/api/3/lists/12")))["list"]["name"] == "Newsletter"
        assert [one["id"] for one in (await _json(client.get("/api/3/fields")))["fields"]] == ["7", "8"]
        await _json(client.post("/sandbox/switches", json={"subscriber_limit": 1000}))
        contract = await _json(client.get("/api/3/settings/account"))
        assert contract == {"subscriber_limit": "1000", "subscriber_total": "0"}
        await _json(client.post("/sandbox/switches", json={"administrator": False}))
        async with client.get("/api/3/settings/account") as response:
            assert response.status == 403
        async with client.get("/api/3/lists/7") as response:
            assert response.status == 404
            assert await response.json() == {"message": "No Result found for _List with id 7"}
            assert len(response.headers["x-request-id"]) == 32
        async with client.get("/api/3/campaigns") as response:
            assert response.status == 404

    _with_account(scenario)


def test_single_people_can_be_changed_and_forgotten() -> None:
    """By id; whoever is gone is not found."""

    async def scenario(client: Client, clock: Clock) -> None:
        fields = [{"field": "7", "value": "Gold"}]
        wish = {"contact": {"email": "ann@example.org", "fieldValues": fields, "first_name": "dropped"}}
        async with client.post("/api/3/contact/sync", json=wish) as response:
            assert response.status == 201
            synced = await response.json()
        assert (synced["contact"]["firstName"], synced["fieldValues"][0]["value"]) == ("", "Gold")
        one = "/api/3/contacts/" + synced["contact"]["id"]
        updated = await _json(client.put(one, json={"contact": {"phone": "+442079460000"}}))
        assert updated["contact"]["phone"] == "+442079460000"
        await _json(
            client.post("/api/3/contactLists", json={"contactList": {"list": "3", "contact": 1, "status": "2"}})
        )
        (standing,) = (await _json(client.get(one + "/contactLists")))["contactLists"]
        assert (standing["list"], standing["status"]) == ("3", "2")
        assert await _json(client.delete(one)) == {}
        for gone in (client.delete(one), client.put(one, json={}), client.get(one + "/contactLists")):
            async with gone as response:
                assert response.status == 404
        async with client.post("/api/3/contact/sync", json={"contact": {"email": "ann"}}) as response:
            assert response.status == 422

    _with_account(scenario)


def test_the_key_is_checked_on_every_call() -> None:
    """Whatever it is."""

    async def scenario(client: Client, clock: Clock) -> None:
        for endpoint, (method, path) in ROUTES.items():
            verb = "GET" if endpoint is Endpoint.OTHER else method
            url = "/api/3" + path.replace("{id}", "12").replace("{rest:.*}", "x")
            async with client.request(verb, url, headers={"Api-Token": "wrong"}) as response:
                assert (endpoint, response.status, await response.json()) == (endpoint, 403, {"message": "Forbidden"})

    _with_account(scenario)


def test_a_body_that_is_no_json_is_refused_and_a_too_large_one_as_well() -> None:
    """The importer's limit counts bytes, whatever they hold."""

    async def scenario(client: Client, clock: Clock) -> None:
        async with client.post("/api/3/import/bulk_import", data=b'{"contacts":[') as response:
            assert response.status == 400
            assert (await response.json())["failureReasons"] == ["Invalid or unparsable json"]
        large = {"contacts": [_contact(f"a{i}@example.org", first_name="x" * 4000) for i in range(100)]}
        async with client.post("/api/3/import/bulk_import", json=large) as response:
            assert response.status == 413

    _with_account(scenario)


def test_a_connection_that_is_reset_may_have_done_its_import() -> None:
    """The client cannot tell; the sandbox can."""

    async def scenario(client: Client, clock: Clock) -> None:
        for fault, imports in (("reset_before", 0), ("reset_after", 1)):
            await _json(client.post("/sandbox/switches", json={"faults": [f"{fault}:x1@import"]}))
            with pytest.raises(aiohttp.ClientConnectionError):
                await _import(client, _contact("a@example.org"))
            state = await _json(client.get("/sandbox/state"))
            assert len(state["imports"]) == imports
        assert state["requests"] == {"import": {"reset": 2}}
        assert state["totals"]["faults"] == {"reset_before": 1, "reset_after": 1}

    _with_account(scenario)


def test_an_answer_may_be_cut_or_a_page_or_come_from_the_edge() -> None:
    """Each with the status and the type that the real one has."""

    async def scenario(client: Client, clock: Clock) -> None:
        seen: dict[str, tuple[int, str, str]] = {}
        for fault in ("cut", "login_page", "empty", "502", "504"):
            await _json(client.post("/sandbox/switches", json={"faults": [fault]}))
            async with client.get("/api/3/users/me") as response:
                seen[fault] = response.status, response.content_type, await response.text()
        assert seen["cut"][:2] == (200, "application/json")
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(seen["cut"][2])
        assert seen["login_page"][:2] == (200, "text/html")
        assert seen["empty"] == (200, "application/json", "{}")
        assert orjson.loads(seen["502"][2])["cloudflare_error"] is True
        assert seen["504"][:2] == (504, "text/html")

    _with_account(scenario)


def test_an_answer_may_be_in_a_form_that_nobody_reads() -> None:
    """What was asked for is done all the same, but where the account is lapsed or out of order."""

    async def scenario(client: Client, clock: Clock) -> None:
        seen: dict[str, tuple[int, str, bytes]] = {}
        for fault in ("empty_body", "utf16", "outage_page", "lapsed"):
            await _json(client.post("/sandbox/switches", json={"faults": [f"{fault}@import"]}))
            contacts = [_contact("A@example.org"), _contact("b@example.org")]
            async with client.post("/api/3/import/bulk_import", json={"contacts": contacts}) as response:
                seen[fault] = response.status, response.content_type, await response.read()
        assert seen["empty_body"] == (200, "application/json", b"")
        assert orjson.loads(seen["utf16"][2].decode("utf-16"))["Success"] == 1
        assert seen["outage_page"][:2] == (200, "text/html")
        assert (seen["lapsed"][0], seen["lapsed"][2]) == (402, b"")
        assert await _json(client.get("/sandbox/acceptances")) == {"2": 2}

    _with_account(scenario)


@pytest.mark.parametrize("path", ["/api/3/users/me", "/api/3/lists/99"])
def test_byte_order_marks_stand_before_every_answer(path: str) -> None:
    """Good ones and refusals."""

    async def scenario(client: Client, clock: Clock) -> None:
        async with client.get(path) as response:
            body = await response.read()
        assert body.startswith(b"\xef\xbb\xbf" * 2 + b"{")

    _with_account(scenario, byte_order_marks=2)


def test_silence_holds_the_answer_and_not_the_deed() -> None:
    """A client that gives up has imported all the same."""

    async def scenario(client: Client, clock: Clock) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_import(client, _contact("a@example.org")), 0.2)
        assert (await _json(client.get("/sandbox/totals")))["imports"] == 1

    _with_account(scenario, faults=["silence"], silence_seconds=30)


def test_latency_delays_answers_and_not_arrivals() -> None:
    """A request counts when it is here."""

    async def scenario(client: Client, clock: Clock) -> None:
        began = time.monotonic()
        await _json(client.get("/api/3/users/me"))
        assert time.monotonic() - began >= 0.05

    _with_account(scenario, latency_seconds="0.05:0.06")


def test_a_violation_is_on_record_with_its_time() -> None:
    """So is what was let in, request by request, with bodies where they are wanted."""

    async def scenario(client: Client, clock: Clock) -> None:
        await _import(client, _contact("a@example.org"), _contact("b@example.org"))
        clock.now += 59
        refused = await _import(client, _contact("c@example.org"), _contact("d@example.org"))
        assert refused["message"] == "Rate limit exceeded."
        state = await _json(client.get("/sandbox/state"))
        assert state["imports"][0]["time"] == clock.now - 59
        assert state["violations"] == [
            {"time": clock.now, "limit": "imports_per_minute", "endpoint": "import", "wait_seconds": 1.0}
        ]
        async with client.get("/sandbox/requests?endpoint=import") as response:
            entries = [orjson.loads(line) for line in (await response.text()).splitlines()]
        assert [(entry["status"], entry["contacts"]) for entry in entries] == [("200", 2), ("400", 2)]
        assert entries[0]["body"]["contacts"][0]["email"] == "a@example.org"

    _with_account(scenario, imports_per_minute=1, keep_bodies=True)


def test_switches_are_set_whole_or_not_at_all() -> None:
    """Every problem is named."""

    async def scenario(client: Client, clock: Clock) -> None:
        before = await _json(client.get("/sandbox/switches"))
        async with client.post("/sandbox/switches", json={"odd_counts": True, "window": "x", "y": 1}) as response:
            assert response.status == 422
            assert set((await response.json())["errors"]) == {"window", "y"}
        assert await _json(client.get("/sandbox/switches")) == before
        async with client.post("/sandbox/switches", data=b"[]") as response:
            assert response.status == 422

    _with_account(scenario)


def test_the_page_shows_people_what_it_saw() -> None:
    """Names of lists are escaped."""

    async def scenario(client: Client, clock: Clock) -> None:
        await _json(client.post("/sandbox/lists", json={"id": 40, "name": "<b>"}))
        await _json(client.get("/api/3/users/me"))
        async with client.get("/sandbox/") as response:
            page = await response.text()
        assert "1 x 200" in page
        assert "40 &lt;b&gt;" in page

    _with_account(scenario)


def test_a_test_in_the_same_process_reaches_the_account_itself() -> None:
    """Without HTTP."""
    app = create_app(Settings(lists=((5, "Five"),)))
    assert app[WORLD].account.lists[5].name == "Five"


@contextmanager
def _program(*arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.sandbox", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            yield program.stdout.readline().strip()
        finally:
            program.terminate()
            assert program.wait(10) == 0


def test_the_program_says_where_it_listens_and_takes_its_arguments(tmp_path: Path) -> None:
    """A free port, a key from a file, lists and switches."""
    (tmp_path / "key").write_text("from-a-file\n")

    async def ask(url: str) -> tuple[Any, Any]:
        async with aiohttp.ClientSession(url, headers={"Api-Token": "from-a-file"}) as session:
            lists = await _json(session.get("/api/3/lists"))
            return lists, await _json(session.get("/sandbox/switches"))

    options = ("--faults", "forbidden:0.5@info", "--no-administrator", "--imports-per-minute", "none")
    with _program("--key-file", str(tmp_path / "key"), "--list", "40:Forty", *options) as line:
        assert line.startswith("listening on http://127.0.0.1:")
        lists, switches = asyncio.run(ask(line.removeprefix("listening on ")))
    assert [(one["id"], one["name"]) for one in lists["lists"]] == [("40", "Forty")]
    assert (switches["faults"], switches["administrator"]) == (["forbidden:0.5@info"], False)
    assert switches["imports_per_minute"] is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--batch-seconds", "x"], "--batch-seconds: expected a number"),
        (["--window", "round", "--faults", "weird"], "--window: expected one of sliding, fixed, bucket"),
        (["--window", "round", "--faults", "weird"], "--faults: expected KIND"),
        (["--list", "forty"], "'forty' is not ID:NAME"),
        (["--key", "a", "--key-file", __file__], "exclude each other"),
    ],
)
def test_the_program_names_every_bad_argument_and_does_not_start(arguments: list[str], complaint: str) -> None:
    """With the option's own spelling."""
    ended = CliRunner().invoke(main, ["--port", "0", *arguments])
    assert ended.exit_code == 2
    assert complaint in ended.stderr
