"""The page's runs over a real store: who sees what, what may be done, whom a run left out, and how it is watched live."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from deploy.local.valkey import Valkey
from producer.access.token import Role
from producer.app import SCRIPT_ROOMS
from producer.web.pages import run_stream
from producer.web.pages.rejects import PAGES_SEARCHED, SHOWN
from producer.web.pages.runs import LISTED
from producer.web.rendering.run_labels import ACTS
from producer.web.run_watcher import RunWatcher
from tests.integration.access.test_access import House, house
from tests.integration.serving import serving
from tests.integration.visiting import Visitor
from wire.chunk_queue.rejects import Reject, page
from wire.chunk_queue.run import RunState
from wire.store.keys import key
from wire.store.redis import Store, connect, load_scripts

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]
Scenario = Callable[[House], Coroutine[Any, Any, None]]
WithHouse = Callable[[Scenario], None]

PEOPLE: Final = (Role.ADMIN, Role.CONTRIBUTOR, Role.VIEWER)
AT_ONCE: Final = 0.02


@pytest.fixture
def with_house(with_store: WithStore) -> WithHouse:
    """Run a scenario in a house over an empty store; runs are looked at often."""

    def run(scenario: Scenario) -> None:
        async def served(store: Store) -> None:
            async with serving(store, watching=RunWatcher(AT_ONCE)) as api:
                await scenario(await house(api))

        with_store(served)

    return run


async def visitor_of(house: House, role: Role, language: str = "en") -> Visitor:
    """Somebody of a role who is signed in."""
    visitor = Visitor(house.api, language)
    assert (await visitor.sign_in(house.tokens[role])).status == 303
    return visitor


async def survey(
    house: House, rejects: list[Reject], *, lines: int = 500, moves: Sequence[bytes] = (), **figures: int
) -> str:
    """Have the open run surveyed, with people left out."""
    run = await house.api.run_store.begin("reader")
    assert run is not None
    assert run.id == house.runs["open"]
    pages = [page(rejects[first : first + lines]) for first in range(0, len(rejects), lines)]
    written = await house.api.run_store.surveyed(
        run.id,
        "reader",
        figures={"selected": 0} | figures,
        selection=b"\x01",
        forecast={"requests": 1},
        rejects=pages,
        moves=moves,
        pin="p",
    )
    assert written == "ok"
    return run.id


def invalid(count: int, start: int = 0) -> list[Reject]:
    """People who are none."""
    return [
        Reject(number + 1, f"person{number}@@example.org", "invalid", "email_invalid", "It has two @-signs.")
        for number in range(start, start + count)
    ]


LEAVES: Final[dict[str, tuple[Role, ...]]] = {
    "GET /runs": PEOPLE,
    "GET /runs/{id}": PEOPLE,
    "GET /runs/{id}/rejects": PEOPLE[:2],
    "POST /runs/{id}/rejects": PEOPLE[:2],
    "GET /runs/{id}/rejects/download": PEOPLE[:2],
    **{f"GET /runs/{{id}}/{act}": PEOPLE[:2] for act in ACTS},
    **{f"POST /runs/{{id}}/{act}": PEOPLE[:2] for act in ACTS},
    "GET /segments": PEOPLE,
}


@pytest.mark.parametrize("leaf", LEAVES)
def test_everybody_gets_what_is_theirs_and_nothing_else(with_house: WithHouse, leaf: str) -> None:
    """And a contributor nothing but a look at a run over a closed connection."""
    method, path = leaf.split()

    async def scenario(house: House) -> None:
        for role in PEOPLE:
            for of in ("open", "closed"):
                visitor = await visitor_of(house, role)
                proof = (await visitor.get("/runs")).proof
                said = {"proof": proof} if method == "POST" else None
                answer = await visitor.ask(method, path.replace("{id}", house.runs[of]), said)
                is_open = of == "open" or role is Role.ADMIN or LEAVES[leaf] == PEOPLE
                may = role in LEAVES[leaf] and is_open
                assert (answer.status not in {401, 403}) == may, (role, of, answer.status)

    with_house(scenario)


def test_what_somebody_may_not_do_is_not_offered_to_them(with_house: WithHouse) -> None:
    """Neither buttons nor the way to addresses."""

    async def scenario(house: House) -> None:
        await survey(house, invalid(1), read=2, selected=1, invalid=1)
        async with record(house) as redis:
            await redis.hset(key("run", house.runs["closed"]), mapping={"begun": 1, "surveyed": 1})
        for role, of, offered in (
            (Role.ADMIN, "closed", True),
            (Role.CONTRIBUTOR, "open", True),
            (Role.CONTRIBUTOR, "closed", False),
            (Role.VIEWER, "open", False),
        ):
            shown = await (await visitor_of(house, role)).get(f"/runs/{house.runs[of]}")
            assert shown.status == 200
            assert (f"/runs/{house.runs[of]}/cancel" in shown.text) == offered, (role, of)
            assert (f"/runs/{house.runs[of]}/rejects" in shown.text) == offered, (role, of)

    with_house(scenario)


def test_empty_pages_say_what_to_do_next(with_store: WithStore) -> None:
    """In both languages."""

    async def scenario(store: Store) -> None:
        async with serving(store) as served:
            for language, runs, segments in (
                ("en", "Nothing has run yet", "No segment is known yet"),
                ("de", "Noch ist nichts gelaufen", "Noch ist kein Segment bekannt"),
            ):
                visitor = Visitor(served, language)
                await visitor.sign_in()
                shown = await visitor.get("/runs")
                assert shown.says(runs)
                assert 'href="/exports"' in shown.text
                assert (await visitor.get("/segments")).says(segments)

    with_store(scenario)


def test_runs_are_listed_with_their_state_and_why_they_ran_and_by_export(with_house: WithHouse) -> None:
    """Those of one export, and a sentence for one that has not run."""

    async def scenario(house: House) -> None:
        visitor = await visitor_of(house, Role.VIEWER)
        event = {"specversion": "1.0", "type": "segment.refreshed", "source": "/cdp", "id": "1", "subject": "open"}
        data = {"segment": "open", "snapshot": "/snapshots/b.csv"}
        status, answered = await house.api.ask("POST", "/v1/events", event | {"data": data})
        assert status == 202
        listed = await visitor.get("/runs")
        assert listed.says("By hand")
        assert listed.says("The segment was refreshed")
        assert all(run in listed.text for run in [*house.runs.values(), *answered["runs"]])
        of_one = await visitor.get("/runs?export=open")
        assert house.runs["closed"] not in of_one.text
        assert house.runs["open"] in of_one.text
        assert (await visitor.get("/runs?export=none")).status == 404

    with_house(scenario)


def test_a_long_list_goes_on(with_house: WithHouse) -> None:
    """Nothing is shown twice, and nothing left out."""

    async def scenario(house: House) -> None:
        visitor = await visitor_of(house, Role.VIEWER)
        ids = set(house.runs.values())
        for number in range(LISTED):
            asked = {"snapshot": f"/snapshots/{number}.csv", "dry_run": True}
            ids.add((await house.api.ask("POST", "/v1/exports/open/runs", asked))[1]["run"]["id"])
        first = await visitor.get("/runs")
        more = first.text.partition('href="/runs?after=')[2].partition('"')[0]
        second = await visitor.get(f"/runs?after={more}")
        shown = [{run for run in ids if f"/runs/{run}" in part.text} for part in (first, second)]
        assert [len(part) for part in shown] == [LISTED, len(ids) - LISTED]
        assert shown[0] | shown[1] == ids
        assert second.says("Newest")

    with_house(scenario)


def test_a_run_is_shown_with_books_that_add_up(with_house: WithHouse) -> None:
    """The bar beside a table, in both languages, with figures written as in each."""

    async def scenario(house: House) -> None:
        run = await survey(house, invalid(3), read=12_345, selected=10_000, unchanged=2_342, invalid=3)
        for language, words, figure in (("en", "unchanged", "2,342"), ("de", "unverändert", "2.342")):
            shown = await (await visitor_of(house, Role.ADMIN, language)).get(f"/runs/{run}")
            assert shown.says(words)
            assert f'<td class="number">{figure}</td>' in shown.text
            assert "<svg" in shown.text
            assert "The books do not add up" not in shown.text

    with_house(scenario)


def test_a_blocked_run_says_why_and_what_to_do(with_house: WithHouse) -> None:
    """A brake: its figures, and that somebody has to take it on themselves."""

    async def scenario(house: House) -> None:
        run = house.runs["open"]
        visitor = await visitor_of(house, Role.CONTRIBUTOR)
        german = await visitor_of(house, Role.CONTRIBUTOR, "de")
        async with record(house) as redis:
            reason = "Unlike the run before: the segment has 3 rows instead of 90000."
            said: dict[Any, Any] = {
                "scope": "run",
                "code": "brake",
                "reason": reason,
                "since": 1,
                "blocked": 1,
                "asks": 1,
            }
            await redis.hset(key("block", run), mapping=said)
        shown = await visitor.get(f"/runs/{run}")
        assert shown.says("blocked")
        assert shown.says(reason)
        assert shown.says("If the change is meant, accept it and go on")
        assert (await german.get(f"/runs/{run}")).says(
            "Anders als beim Lauf davor: Das Segment hat 3 Zeilen statt 90000."
        )
        asked = await visitor.get(f"/runs/{run}/accept")
        assert asked.says("You take it on yourself that the change is meant.")
        assert (await visitor.send(f"/runs/{run}/accept")).location == f"/runs/{run}"
        assert not (await visitor.get(f"/runs/{run}")).says("blocked")

    with_house(scenario)


def test_leavers_who_wait_are_told_and_those_who_are_proposed_may_be_left_out(with_house: WithHouse) -> None:
    """In both languages; the run goes on without them, and they wait."""

    async def scenario(house: House) -> None:
        visitor = await visitor_of(house, Role.CONTRIBUTOR)
        german = await visitor_of(house, Role.VIEWER, "de")
        run = await survey(house, [], leaving=3, leaving_waiting=12, read=1, selected=1)
        assert (await visitor.get(f"/runs/{run}")).says(
            "12 people have left the segment; they are unsubscribed when the next refresh agrees."
        )
        assert (await german.get(f"/runs/{run}")).says("12 Personen haben das Segment verlassen")
        said: dict[Any, Any] = {"scope": "run", "code": "leavers_by_hand", "since": 1, "blocked": 1, "asks": 1}
        reason = "3 of 40 members have left the segment and would be unsubscribed for good, among them a***@x***.org."
        async with record(house) as redis:
            await redis.hset(key("block", run), mapping=said | {"reason": reason})
        shown = await visitor.get(f"/runs/{run}")
        assert shown.says(reason)
        assert shown.says("Go on without them")
        assert (await german.get(f"/runs/{run}")).says("würden endgültig abgemeldet, unter ihnen a***@x***.org.")
        assert (await visitor.get(f"/runs/{run}/decline")).says("proposed again by the next run")
        assert (await visitor.send(f"/runs/{run}/decline")).location == f"/runs/{run}"
        shown = await visitor.get(f"/runs/{run}")
        assert not shown.says("blocked")
        assert shown.says("15 people have left the segment")

    with_house(scenario)


def test_a_run_is_paused_resumed_and_cancelled_after_it_was_asked(with_house: WithHouse) -> None:
    """Each question says what it means; nothing happens by looking at it, nor without the form's proof."""

    async def scenario(house: House) -> None:
        visitor, run = await visitor_of(house, Role.CONTRIBUTOR), house.runs["open"]

        async def state() -> str:
            return str((await house.api.ask("GET", f"/v1/runs/{run}"))[1]["state"])

        for act, question, after in (
            ("pause", "Pause this run?", RunState.PAUSED),
            ("resume", "Resume this run?", RunState.QUEUED),
            ("cancel", "Cancel this run?", RunState.CANCELLED),
        ):
            before = await state()
            asked = await visitor.get(f"/runs/{run}/{act}")
            assert asked.says(question)
            assert (await visitor.ask("POST", f"/runs/{run}/{act}", {"proof": "0" * 64})).status == 403
            assert await state() == before
            assert (await visitor.send(f"/runs/{run}/{act}")).location == f"/runs/{run}"
            assert await state() == after
        again = await visitor.send(f"/runs/{run}/pause")
        assert again.location == f"/runs/{run}?said=over"
        assert (await visitor.get(again.location)).says("The run was over already: nothing was done.")

    with_house(scenario)


def test_the_rest_of_a_run_is_sent_again_in_another_one(with_house: WithHouse) -> None:
    """Which says of which it is the retry."""

    async def scenario(house: House) -> None:
        visitor = await visitor_of(house, Role.CONTRIBUTOR)
        run = await survey(house, [], read=2, selected=2)
        await visitor.send(f"/runs/{run}/cancel")
        shown = await visitor.get(f"/runs/{run}")
        assert shown.says("2 unsent")
        opened = (await visitor.send(f"/runs/{run}/retry")).location
        assert opened.startswith("/runs/")
        retried = await visitor.get(opened)
        assert retried.says("Retry of an earlier run")
        assert f'href="/runs/{run}"' in retried.text

    with_house(scenario)


def test_whoever_was_known_again_is_listed_with_both_addresses_and_found_by_either(with_house: WithHouse) -> None:
    """In a list of its own, which is offered where somebody is in it."""

    async def scenario(house: House) -> None:
        sentence = "Known by another address before: their contact is given this one."
        moved = [
            Reject(
                number, f"new{number}@example.org", "changed_address", "update", sentence, f"old{number}@example.org"
            )
            for number in (1, 2)
        ]
        run = await survey(house, [], moves=[page(moved)], read=2, moving=2)
        german = await visitor_of(house, Role.ADMIN, "de")
        path = f"/runs/{run}/rejects"
        assert "?fate=changed_address" in (await german.get(path)).text
        listed = await german.get(f"{path}?fate=changed_address")
        assert listed.says("bisher: old1@example.org")
        assert listed.says("War unter einer anderen Adresse bekannt")
        found = await german.send(path, {"fate": "changed_address", "words": "OLD2@"})
        assert ("new2@example.org" in found.text, "new1@example.org" in found.text) == (True, False)

    with_house(scenario)


def test_whoever_was_left_out_is_found_by_address_reason_and_cause(with_house: WithHouse) -> None:
    """The address is never part of the page's own; causes stand in the reader's language."""

    async def scenario(house: House) -> None:
        rejects = [*invalid(60), Reject(99, "", "invalid", "email_missing", "There is no email address.")]
        run = await survey(house, rejects, lines=40, read=61, invalid=61)
        visitor = await visitor_of(house, Role.CONTRIBUTOR)
        path = f"/runs/{run}/rejects"
        first = await visitor.get(path)
        assert (first.text.count("@@example.org"), first.says("More")) == (SHOWN, True)
        following = first.text.partition('name="after" value="')[2].partition('"')[0]
        second = await visitor.send(path, {"after": following})
        assert (second.text.count("@@example.org"), second.says("More")) == (60 - SHOWN, False)
        assert second.says("The row has no email address.")
        one = await visitor.send(path, {"words": "PERSON7@"})
        assert one.text.count("@@example.org") == 1
        missing = await visitor.send(path, {"code": "email_missing"})
        assert "@@example.org" not in missing.text
        assert missing.says("no address")
        german = await visitor_of(house, Role.ADMIN, "de")
        assert (await german.send(path, {"words": "no email"})).says("In der Zeile steht keine E-Mail-Adresse.")
        assert (await german.send(path, {"words": "nobody at all"})).says("Darauf passt niemand")
        assert (await visitor.send(path, {"after": "nonsense", "code": "nonsense"})).status == 200

    with_house(scenario)


def test_a_search_goes_on_where_it_stopped_looking(with_house: WithHouse) -> None:
    """However many were left out, one look reads so many pages and no more."""

    async def scenario(house: House) -> None:
        rejects = [
            *invalid(PAGES_SEARCHED),
            Reject(7, "last@@example.org", "invalid", "email_invalid", "It is the last."),
        ]
        run = await survey(house, rejects, lines=1, read=len(rejects), invalid=len(rejects))
        visitor = await visitor_of(house, Role.ADMIN)
        first = await visitor.send(f"/runs/{run}/rejects", {"words": "last@@"})
        assert first.says(f"{PAGES_SEARCHED} lines were searched, and there are more.")
        following = first.text.partition('name="after" value="')[2].partition('"')[0]
        second = await visitor.send(f"/runs/{run}/rejects", {"words": "last@@", "after": following})
        assert second.says("It is the last.")

    with_house(scenario)


def test_those_left_out_are_downloaded_as_the_api_gives_them(with_house: WithHouse) -> None:
    """As CSV and as NDJSON."""

    async def scenario(house: House) -> None:
        run = await survey(house, invalid(2), read=2, invalid=2)
        visitor = await visitor_of(house, Role.CONTRIBUTOR)
        for form, begins in (("csv", "row,email,fate,code,reason\r\n1,person0@@"), ("ndjson", '{"row":1,')):
            answer = await visitor.get(f"/runs/{run}/rejects/download?format={form}")
            assert (answer.status, answer.text.startswith(begins)) == (200, True)
            assert answer.headers["Content-Disposition"] == f'attachment; filename="rejects-{run}.{form}"'
            assert answer.headers["Cache-Control"] == "no-store"

    with_house(scenario)


def test_segments_say_when_they_were_refreshed_and_who_waits(with_house: WithHouse) -> None:
    """One that never was is said to be so."""

    async def scenario(house: House) -> None:
        event = {"specversion": "1.0", "type": "segment.refreshed", "source": "/cdp", "id": "1", "subject": "open"}
        data = {"segment": "open", "snapshot": "/snapshots/b.csv"}
        await house.api.ask("POST", "/v1/events", event | {"data": data})
        for language, never in (("en", "never refreshed"), ("de", "nie aktualisiert")):
            shown = await (await visitor_of(house, Role.VIEWER, language)).get("/segments")
            assert shown.text.count(f">{never}<") == 1
            assert "/snapshots/b.csv" in shown.text
            assert 'href="/exports/open"' in shown.text

    with_house(scenario)


def test_a_segment_that_has_grown_old_is_said_to_be_so(with_house: WithHouse) -> None:
    """With its age, and from when on it counts as old."""

    async def scenario(house: House) -> None:
        event = {"specversion": "1.0", "type": "segment.refreshed", "source": "/cdp", "id": "1", "subject": "open"}
        data = {"segment": "open", "snapshot": "/snapshots/b.csv"}
        await house.api.ask("POST", "/v1/events", event | {"data": data, "time": "2020-01-01T00:00:00Z"})
        for language, word, sentence in (
            ("en", "old", "after 26 hours it counts as old"),
            ("de", "alt", "Nach 26 Stunden gilt es als alt"),
        ):
            shown = await (await visitor_of(house, Role.VIEWER, language)).get("/segments")
            assert f">{word}<" in shown.text
            assert shown.says(sentence)

    with_house(scenario)


class Stream:
    """A live run as a browser's EventSource hears it."""

    def __init__(self, content: Any) -> None:
        self._content = content

    async def line(self) -> str | None:
        """The next line, also of what is no event; None at the end."""
        return (await self._content.readline()).decode() or None

    async def event(self) -> tuple[str, str]:
        """The next event and what it says; empty at the end of the stream."""
        name, data = "", []
        while (raw := await self.line()) is not None:
            line = raw.rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data.append(line.removeprefix("data: "))
            elif not line and name:
                return name, "\n".join(data)
        return "", ""

    async def until(self, wanted: str, words: str = "") -> str:
        """Wait for an event that says something."""
        while True:
            name, data = await self.event()
            assert name, f"the stream ended before {wanted!r} with {words!r}"
            if name == wanted and words in data:
                return data


@asynccontextmanager
async def streaming(visitor: Visitor, run: str) -> AsyncIterator[Stream]:
    """Listen to a run."""
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    headers = {
        "Cookie": cookie,
        "Accept": "text/event-stream",
        "Accept-Language": visitor.language,
        "Authorization": "",
    }
    async with visitor.served.client.get(f"/runs/{run}/live", headers=headers) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield Stream(response.content)


@asynccontextmanager
async def record(house: House) -> AsyncIterator[Redis]:
    """The record itself."""
    store: Any = house.api.run_store._store
    yield store._redis


def watchers() -> list[asyncio.Task[Any]]:
    """Those that look at runs now."""
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("watch ")]


async def nobody_watches() -> None:
    """Wait until nobody does."""
    if tasks := watchers():
        await asyncio.wait(tasks)


def test_a_live_run_is_told_to_everybody_and_looked_at_by_one(with_house: WithHouse) -> None:
    """Each in their language and with what they may do; with the end of the run, the streams and the watcher end."""

    async def scenario(house: House) -> None:
        run = house.runs["open"]
        english, german = await visitor_of(house, Role.ADMIN), await visitor_of(house, Role.VIEWER, "de")
        async with streaming(english, run) as one, streaming(english, run) as two, streaming(german, run) as three:
            shown = [await stream.until("live") for stream in (one, two, three)]
            assert "/cancel" in shown[0]
            assert "/cancel" not in shown[2]
            assert [task.get_name() for task in watchers()] == [f"watch {run}"]
            await house.api.ask("POST", f"/v1/runs/{run}/pause")
            assert "open: paused" in await one.until("said", "paused")
            assert "open: angehalten" in await three.until("said", "angehalten")
            await house.api.ask("POST", f"/v1/runs/{run}/cancel")
            for stream in (one, two, three):
                await stream.until("over")
                assert await stream.event() == ("", "")
        await nobody_watches()

    with_house(scenario)


def test_a_live_run_that_nobody_sees_any_more_is_not_looked_at(
    with_house: WithHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tab that was closed leaves no watcher, and no connection."""
    monkeypatch.setattr(run_stream, "BEAT_SECONDS", AT_ONCE)

    async def scenario(house: House) -> None:
        async with streaming(await visitor_of(house, Role.VIEWER), house.runs["open"]) as stream:
            await stream.until("live")
        await nobody_watches()

    with_house(scenario)


def test_a_live_run_ends_with_the_session(with_house: WithHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed out in another tab, or the token revoked: nothing more is told."""
    monkeypatch.setattr(run_stream, "BEAT_SECONDS", AT_ONCE)

    async def scenario(house: House) -> None:
        leaving, revoked = await visitor_of(house, Role.VIEWER), await visitor_of(house, Role.CONTRIBUTOR)
        for visitor, end in (
            (leaving, lambda: leaving.send("/logout", seen="/runs")),
            (revoked, lambda: house.api.ask("DELETE", f"/v1/tokens/a-{Role.CONTRIBUTOR}")),
        ):
            async with streaming(Visitor(house.api, cookies=dict(visitor.cookies)), house.runs["open"]) as stream:
                await stream.until("live")
                await end()
                await stream.until("gone")
                assert await stream.event() == ("", "")

    with_house(scenario)


def test_the_process_ends_though_somebody_looks(with_store: WithStore) -> None:
    """The stream breaks off without saying that the run is over: the browser comes again."""

    async def scenario(store: Store) -> None:
        async with serving(store, watching=RunWatcher(AT_ONCE)) as api:
            furnished = await house(api)
            run = furnished.runs["open"]
            async with streaming(await visitor_of(furnished, Role.VIEWER), run) as stream:
                await stream.until("live")
                closing = asyncio.create_task(api.client.server.close())
                heard = [name async for name in names(stream)]
                assert "over" not in heard
                await closing

    with_store(scenario)


async def names(stream: Stream) -> AsyncIterator[str]:
    """The events of a stream, to its end."""
    while (event := await stream.event())[0]:
        yield event[0]


def test_a_store_that_is_away_for_a_moment_ends_no_stream(server: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happened meanwhile is told when it is back."""
    monkeypatch.setattr(run_stream, "BEAT_SECONDS", AT_ONCE)

    async def scenario() -> None:
        store = Store(connect(server.url()), scripts=load_scripts(*SCRIPT_ROOMS))
        async with serving(store, watching=RunWatcher(AT_ONCE)) as api:
            furnished = await house(api)
            run = furnished.runs["open"]
            with capture_logs() as lines:
                async with streaming(await visitor_of(furnished, Role.ADMIN), run) as stream:
                    await stream.until("live")
                    await asyncio.to_thread(server.stop)
                    while not any(line["event"] == "run_not_seen" for line in lines):
                        await stream.line()
                    await asyncio.to_thread(server.start)
                    await api.run_store.steer(run, "cancel")
                    assert "cancelled" in await stream.until("said", "cancelled")
        await store.close()

    asyncio.run(scenario())


def test_there_is_nothing_live_about_a_run_that_is_not_there(with_house: WithHouse) -> None:
    """A page that says so, and no watcher."""

    async def scenario(house: House) -> None:
        visitor = await visitor_of(house, Role.VIEWER)
        for path in ("/runs/none", "/runs/none/live"):
            missing = await visitor.get(path)
            assert (missing.status, missing.says("There is no run 'none'.")) == (404, True)
        await nobody_watches()

    with_house(scenario)
