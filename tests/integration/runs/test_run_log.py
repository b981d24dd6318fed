"""One line opens a run, one says that it stands, one closes it with its books: whoever ended it, and however many tell."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from redis import Redis
from structlog.testing import capture_logs

from deploy.local.valkey import Valkey
from producer.runs.run_log import RunLog
from tests.integration.walking import START
from tests.integration.workplace import Workplace, workplace
from wire.chunk_queue.chunk import ChunkOutcome, RequestCost, StopReason
from wire.store.keys import key

Scenario = Callable[[Workplace], Awaitable[None]]
Play = Callable[[Scenario], list[dict[str, Any]]]


@pytest.fixture
def play(valkey: Valkey) -> Iterator[Play]:
    """Run a scenario over an empty record; return the lines that two producers write, again and again, while it runs."""
    with Redis(port=valkey.port) as redis:

        def run(scenario: Scenario) -> list[dict[str, Any]]:
            async def opened() -> None:
                async with workplace(redis, web.Application()) as place:
                    await scenario(place)
                    await tell(place)

            with capture_logs() as lines:
                asyncio.run(opened())
            return [dict(line) for line in lines if line["event"].startswith("run_")]

        yield run


async def tell(place: Workplace) -> None:
    """Let two producers tell at once, twice."""
    tellers = [RunLog(place.store, place.run_store) for _ in range(2)]
    await asyncio.gather(*(teller.tell_all() for teller in [*tellers, *tellers]))


async def settle(place: Workplace, outcome: ChunkOutcome) -> None:
    """Take the one chunk that is due, and settle it."""
    held = await place.chunk_store.take(place.host, "bell", f"token at {place.now}")
    assert held is not None
    assert await place.chunk_store.settle(held, outcome)


def test_a_run_is_opened_by_a_line_that_says_what_it_is_to_do(play: Play) -> None:
    """Before anything is known of its snapshot."""

    async def scenario(place: Workplace) -> None:
        await place.open_run(("a", "b"))

    (line,) = play(scenario)
    assert line == {
        "event": "run_opened",
        "log_level": "info",
        "run": "r1",
        "export": "vips",
        "connection": "main",
        "segment": "vip",
        "trigger": "demand",
        "mode": "changes",
        "dry_run": False,
        "snapshot": "/s.csv",
        "budget_seconds": 5400.0,
    }


def test_a_run_that_a_worker_ends_is_closed_with_its_books(play: Play) -> None:
    """And with what it took."""

    async def scenario(place: Workplace) -> None:
        await place.open_run(("a", "b", "c"))
        await tell(place)
        place.pass_time(60_000)
        await settle(place, ChunkOutcome(to="over", books={"applied": 2, "refused": 1}))

    opened, closed = play(scenario)
    assert opened["event"] == "run_opened"
    assert closed["event"] == "run_closed"
    assert (closed["log_level"], closed["state"]) == ("warning", "partial")
    books = {
        name: closed[name] for name in ("read", "selected", "applied", "refused", "unconfirmed", "unsent", "pending")
    }
    assert books == {
        "read": 3, "selected": 3, "applied": 2, "refused": 1, "unconfirmed": 0, "unsent": 0, "pending": 0
    }  # fmt: skip
    assert (closed["seconds"], closed["late_seconds"], closed["unbalanced"]) == (60.0, 0, 0)


def test_a_run_that_stands_says_why_once_and_when_it_goes_on(play: Play) -> None:
    """Every run of a connection that is blocked, however many answers say so."""

    async def scenario(place: Workplace) -> None:
        await place.open_run(("a", "b"), ("c", "d"))
        refused = StopReason("connection", "credentials", "a reason", definite=True)
        for _ in range(2):
            await settle(place, ChunkOutcome(to="ready", count=2, stop=refused, wire=RequestCost()))
            place.pass_time(30_000)
        await settle(place, ChunkOutcome(to="ready", count=2, answered=True, wire=RequestCost()))

    opened, blocked, unblocked = play(scenario)
    assert opened["event"] == "run_opened"
    assert [(line["event"], line["log_level"], line["run"], line["code"]) for line in (blocked, unblocked)] == [
        ("run_blocked", "warning", "r1", "credentials"),
        ("run_unblocked", "info", "r1", "credentials"),
    ]


@pytest.mark.parametrize("ender", ["cancelled", "failed"])
def test_whoever_ends_a_run_it_is_closed_once(play: Play, ender: str) -> None:
    """Also when others try after it."""

    async def scenario(place: Workplace) -> None:
        await place.open_run(("a", "b"))
        if ender == "failed":
            place.redis.hdel(key("run", "r1"), "reading_ended")
            await place.run_store.fail_reading("r1", "a-reader", "the snapshot changed")
        await place.run_store.steer("r1", "cancel")
        await place.run_store.steer("r1", "cancel")
        await place.wakeups.wake()

    lines = play(scenario)
    assert [line["event"] for line in lines] == ["run_opened", "run_closed"]
    assert lines[1]["state"] == ender
    assert lines[1]["log_level"] == ("error" if ender == "failed" else "info")
    assert lines[1]["unsent"] == 2


def test_books_that_do_not_balance_close_as_an_error(play: Play) -> None:
    """Whatever the state."""

    async def scenario(place: Workplace) -> None:
        await place.open_run(("a", "b"))
        await settle(place, ChunkOutcome(to="over", books={"applied": 2}))
        place.redis.hset(key("run", "r1"), "unbalanced", 1)

    (_, closed) = play(scenario)
    assert (closed["log_level"], closed["unbalanced"]) == ("error", 1)


def test_a_late_run_says_by_how_much(play: Play) -> None:
    """Against its own deadline."""

    async def scenario(place: Workplace) -> None:
        await place.open_run(("a", "b"))
        place.pass_time(5_400_000 + 90_000)
        await settle(place, ChunkOutcome(to="over", books={"applied": 2}))
        assert (await place.run()).created == START

    (_, closed) = play(scenario)
    assert closed["late_seconds"] == 90.0


def test_while_nobody_tells_the_newest_are_kept(play: Play) -> None:
    """A night without a producer does not fill the store."""

    async def scenario(place: Workplace) -> None:
        place.redis.rpush(key("news"), *[f"opened gone{number}" for number in range(12_000)])
        await place.open_run(("a", "b"))
        assert place.redis.llen(key("news")) == 10_000

    assert [line["run"] for line in play(scenario)] == ["r1"]
