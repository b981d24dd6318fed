"""What a run leaves behind is gone when its retention is over: every key that bears its name, and it is found page by page."""

import asyncio
from collections.abc import Iterator

import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from producer.intake.new_run import Order, Retention, row
from producer.people.erase import same
from producer.people.membership import Membership
from producer.people.trace import PAGES_AT_ONCE, Tracer
from tests.integration.serving import export
from tests.integration.walking import START
from tests.integration.workplace import Workplace, workplace
from tests.sandbox.app import create_app
from tests.sandbox.settings import Settings
from tests.sandbox.switches import Switches, changed
from tests.unit.records import contacts
from wire.chunk_queue.rejects import Reject, page
from wire.chunk_queue.run import RunState, Trigger, state
from wire.store import codec
from wire.store.keys import PREFIX, key

DAYS_MS = 86_400_000
RUNS_MS, REJECTS_MS = 90 * DAYS_MS, 30 * DAYS_MS

PEOPLE = (("bad", "cid"), ("ann", "bob"), ("dan",), ("eve",))
"""The last one waits: alone in a request, they may go twenty times a minute."""


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[Redis]:
    """The store's server."""
    with Redis(port=valkey.port) as client:
        yield client


def kept(redis: Redis) -> dict[str, int]:
    """How long what bears the run's name is kept, in milliseconds; -1 is for ever."""
    names = redis.scan_iter(match=f"{PREFIX}*r1*", count=1000)
    return {name.decode(): redis.pttl(name) for name in names if redis.exists(name)}


async def a_run_that_leaves_everything(place: Workplace, *, record_ms: int, rejects_ms: int) -> None:
    """A run that ends partly: somebody refused, some held back, some unconfirmed, some never sent."""
    await place.open_run(*PEOPLE, patience_minutes=5.0)
    place.redis.hset(key("run", "r1"), mapping={"record_ms": record_ms, "rejects_ms": rejects_ms})
    held_back = page([Reject(9, "held@example.org", "held_back", "opted_out_or_excluded", "a reason")])
    place.redis.rpush(key("held_back", "r1"), held_back)
    while (await place.run()).accepted < 4:
        await place.step()
    await place.run_store.steer("r1", "cancel")
    kept_runs, books = [await place.run()], None
    while kept_runs and not kept_runs[0].over:
        books = kept_runs[0].books
        await place.step()
        kept_runs = await place.run_store.look(["r1"])
    assert books is not None
    assert (books.refused, books.unsent) == (1, 1)
    if kept_runs:
        assert kept_runs[0].books.unconfirmed == 4
        assert state(kept_runs[0]) is RunState.CANCELLED


async def begin_the_next(place: Workplace, retention: Retention) -> None:
    """The export's next run, which learns of those who may be there before it compares."""
    order = Order(snapshot="/s.csv", trigger=Trigger.DEMAND)
    fields = row("next", export(connection=place.connection.id), place.connection, order, retention)
    await place.store.run("demand", "", "", 1000, await place.registry.revision(), codec.text(fields))
    run = await place.run_store.begin("a-reader")
    assert run is not None
    assert await Membership(place.store).fold(run, "a-reader")


def play(redis: Redis, *, record_ms: int, rejects_ms: int) -> None:
    """Let such a run come to its end."""

    async def opened() -> None:
        places: list[Workplace] = []
        switches = changed(Switches(), {"batch_faults": ["endless"], "refuse_at_post": "^bad@"})
        app = create_app(Settings(switches=switches), lambda: (places[0].now if places else START) / 1000)
        async with workplace(redis, app) as place:
            places.append(place)
            await a_run_that_leaves_everything(place, record_ms=record_ms, rejects_ms=rejects_ms)
            await begin_the_next(place, Retention(rejects_days=rejects_ms / DAYS_MS))

    asyncio.run(opened())


def test_everything_that_a_run_leaves_has_its_time(redis: Redis) -> None:
    """Addresses as long as rejects; the books and the ids of batches, without any, as long as runs."""
    play(redis, record_ms=RUNS_MS, rejects_ms=REJECTS_MS)
    found = kept(redis)
    assert found.keys() == {key(name, "r1") for name in ("run", "rejects", "held_back", "batches", "left")}
    longest = {key("run", "r1"): RUNS_MS, key("batches", "r1"): RUNS_MS}
    for name, left_ms in found.items():
        assert 0 < left_ms <= longest.get(name, REJECTS_MS), name
    assert all(left_ms > REJECTS_MS for name, left_ms in found.items() if name in longest)


def test_when_its_time_is_over_nothing_bears_its_name(redis: Redis) -> None:
    """Not one key."""
    play(redis, record_ms=1, rejects_ms=1)
    while kept(redis):  # the server lets go of what is over when it is looked at
        continue
    assert not kept(redis)


def test_somebody_is_found_on_the_last_of_many_pages(redis: Redis) -> None:
    """In a run that was refused by the thousand."""

    async def opened() -> None:
        app = create_app(Settings(), lambda: START / 1000)
        async with workplace(redis, app) as place:
            await place.open_run(("ann",))
            for number in range(2 * PAGES_AT_ONCE + 1):
                line = Reject(number, f"p{number}@example.org", "invalid", "no_at", "a reason")
                place.redis.rpush(key("rejects", "r1"), page([line]))
                place.redis.rpush(key("left", "r1"), b"-" + codec.squeeze(contacts(f"p{number}")))
            tracer, last = Tracer(place.store, place.run_store), f"p{2 * PAGES_AT_ONCE}@example.org"
            trace = await tracer.trace(export(connection=place.connection.id), last, same(last))
            assert [line.row for line in trace.lines] == [2 * PAGES_AT_ONCE]
            assert [one.maybe for one in trace.left_behind] == [False]

    asyncio.run(opened())
