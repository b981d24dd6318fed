"""Events from the stream open their runs once, whoever dies on the way; what can never be taken is dead, with its reason."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent
from redis.asyncio import Redis

from producer.intake import event_stream as producer_stream
from producer.intake import event_stream_store as wire_events
from producer.intake.event_stream import DELIVERIES_MAX, EVENT_BYTES_MAX, EventStreamConsumer
from producer.intake.event_stream_store import CLAIM_MS, EventStreamStore
from producer.intake.new_run import Retention
from producer.intake.open_runs import AcceptedEvent, Contended, Intake
from producer.intake.stream_entry import DeadEvent, Death, EventCounts
from producer.registry.store import Registry
from tests.integration.serving import connection, export
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store
from wire.store.results import StoreError, Unreachable, Unwritable

STREAM = "segment-export:events"
GROUP = "producers"


class Publishers:
    """A store as publishers and operators see it, with a registered export, and producers over it."""

    def __init__(self, store: Store, redis: Redis) -> None:
        self.store = store
        self.redis: Any = redis
        self.registry = Registry(store)
        self.events = EventStreamStore(store)
        self.intake = Intake(store, self.registry, snapshot_roots=[Path("/s")], retention=Retention())

    def producer(self, name: str = "a", intake: Any = None) -> EventStreamConsumer:
        """A producer's consumer."""
        return EventStreamConsumer(self.events, intake or self.intake, name)

    async def append(self, **changes: Any) -> str:
        """Append an event as their library writes it; return the entry's id."""
        return await self.append_raw(event(**changes))

    async def append_raw(self, body: bytes, field: str = "event", entry: str = "*") -> str:
        """Append whatever it is."""
        return str((await self.redis.xadd(STREAM, {field: body}, id=entry)).decode())

    async def pending(self) -> int:
        """Count the entries in somebody's hands."""
        return int((await self.redis.xpending(STREAM, GROUP))["pending"])

    async def age(self, entry: str, consumer: str = "a") -> None:
        """Let an entry have been taken longer ago than a handler may need."""
        await self.redis.xclaim(STREAM, GROUP, consumer, 0, [entry], idle=CLAIM_MS + 1, justid=True)

    async def runs(self) -> int:
        """Count the runs that were opened."""
        return len(await self.registry.runs(most=99))

    async def dead(self) -> list[DeadEvent]:
        """The dead events, the newest first."""
        return await self.events.dead(most=99)


def event(identity: str = "1", *, snapshot: str = "/s/a.csv", **changes: Any) -> bytes:
    """Write a refresh of the segment vip as their library does, without the time that it adds."""
    attributes = {"id": identity, "source": "/cdp", "type": "segment.refreshed", "specversion": "1.0"} | changes
    made = CloudEvent(attributes, {"segment": "vip", "snapshot": snapshot})
    document = codec.decode(to_structured_event(made).body)
    return codec.encode(document if "time" in changes else document | {"time": None})


Scenario = Callable[[Publishers], Coroutine[Any, Any, None]]


@pytest.fixture
def with_publishers(with_store: Callable[..., None], redis_url: str) -> Callable[[Scenario], None]:
    """Run a scenario over a store in which an export of the segment vip is registered."""

    def run(scenario: Scenario) -> None:
        async def opened(store: Store) -> None:
            async with Redis.from_url(redis_url) as redis:
                found = Publishers(store, redis)
                await found.registry.save_connection(connection("main"), secret=b"s")
                await found.registry.save_export(export("a"))
                await scenario(found)

        with_store(opened)

    return run


WithPublishers = Callable[[Scenario], None]


class Troubled:
    """An intake that fails in its own way `times` over, before or after the real one has done its work."""

    def __init__(self, intake: Intake, error: Exception, times: int = 1_000, *, afterwards: bool = False) -> None:
        self.intake = intake
        self.error = error
        self.times = times
        self.afterwards = afterwards

    async def accept_event(self, *event: Any) -> AcceptedEvent:
        if self.afterwards:
            await self.intake.accept_event(*event)
        if self.times:
            self.times -= 1
            raise self.error
        return await self.intake.accept_event(*event)


def test_an_event_of_the_stream_opens_its_run_and_is_acknowledged(with_publishers: WithPublishers) -> None:
    """Also one that was appended before a producer ever ran."""

    async def scenario(on: Publishers) -> None:
        await on.append()
        await on.producer().run_all()
        assert (await on.runs(), await on.pending(), await on.dead()) == (1, 0, [])
        await on.append(identity="2", snapshot="/s/b.csv")
        await on.producer().run_all()
        assert (await on.runs(), await on.pending()) == (2, 0)
        assert (await on.registry.segment("vip")).snapshot == "/s/b.csv"

    with_publishers(scenario)


def test_an_event_delivered_twice_opens_one_run(with_publishers: WithPublishers) -> None:
    """The producer is killed between the answer and its acknowledgement; or the publisher appends it twice."""

    async def scenario(on: Publishers) -> None:
        entry = await on.append()
        answered = Troubled(on.intake, Unreachable("the answer was lost"), 1, afterwards=True)
        with pytest.raises(StoreError):
            await on.producer(intake=answered).run_all()
        assert (await on.runs(), await on.pending()) == (1, 1)
        await on.age(entry)
        await on.producer("b").run_all()
        await on.append()
        await on.producer("b").run_all()
        assert (await on.runs(), await on.pending(), await on.dead()) == (1, 0, [])

    with_publishers(scenario)


def test_what_a_killed_producer_held_is_claimed_by_another(with_publishers: WithPublishers) -> None:
    """As soon as a living one would have settled it, and not before."""

    async def scenario(on: Publishers) -> None:
        entry = await on.append()
        assert await on.events.next("a") is not None
        await on.producer("b").run_all()
        assert (await on.runs(), await on.pending()) == (0, 1)
        await on.age(entry)
        await on.producer("b").run_all()
        assert (await on.runs(), await on.pending()) == (1, 0)

    with_publishers(scenario)


def test_a_producer_begins_with_what_its_last_life_held(with_publishers: WithPublishers) -> None:
    """At once, in order, and before anything new; what others hold stays theirs."""

    async def scenario(on: Publishers) -> None:
        for identity in ("1", "2", "3", "4"):
            await on.append(identity=identity, snapshot=f"/s/{identity}.csv")
        for holder in ("a", "other", "a"):
            assert await on.events.next(holder) is not None
        taken = []
        again = on.producer("a")
        while await again.run_once():
            taken.append((await on.registry.segment("vip")).snapshot)
        assert taken == ["/s/1.csv", "/s/3.csv", "/s/3.csv", "/s/4.csv"]  # the third look found nothing more of its own
        assert (await on.runs(), await on.pending()) == (3, 1)

    with_publishers(scenario)


def test_two_producers_share_the_stream(with_publishers: WithPublishers) -> None:
    """Every event is taken by one of them, side by side."""

    async def scenario(on: Publishers) -> None:
        both = asyncio.Barrier(2)
        taken: list[str] = []

        class Meeting:
            """An intake in which two producers must be at the same time."""

            def __init__(self, name: str) -> None:
                self.name = name

            async def accept_event(self, *event: Any) -> AcceptedEvent:
                await both.wait()
                taken.append(self.name)
                return await on.intake.accept_event(*event)

        for identity in range(10):
            await on.append(identity=str(identity), time=datetime(2026, 1, 1, tzinfo=UTC))
        await asyncio.gather(*(on.producer(name, Meeting(name)).run_all() for name in ("a", "b")))
        assert (sorted(taken), await on.runs(), await on.pending()) == (["a"] * 5 + ["b"] * 5, 10, 0)

    with_publishers(scenario)


@pytest.mark.parametrize(
    ("body", "cause", "told", "named"),
    [
        (b"no JSON", "malformed", "not JSON", ("", "")),
        (b"\xff\xfe", "malformed", "not JSON", ("", "")),
        (b'["an", "array"]', "malformed", "object", ("", "")),
        (b'{"id":"7","source":"/cdp","specversion":"0.3"}', "malformed", "/specversion", ("/cdp", "7")),
        (b'{"id":"a\\nb","source":5}', "malformed", "/source must be one line", ("", "")),
        (event().replace(b"null", b'"0001-01-01T00:00:00+14:00"'), "malformed", "/time", ("/cdp", "1")),
        (b'{"data":"' + b"x" * EVENT_BYTES_MAX + b'"}', "malformed", "larger than 1 MiB", ("", "")),
        (event(type="segment.deleted"), "unusable", "/type must be 'segment.refreshed'", ("/cdp", "1")),
        (event(subject="others"), "unusable", "/subject", ("/cdp", "1")),
        (event(snapshot="/etc/passwd"), "unusable", "/data/snapshot", ("/cdp", "1")),
    ],
)
def test_an_event_that_can_never_be_taken_is_buried_with_its_reason(
    with_publishers: WithPublishers, body: bytes, cause: str, told: str, named: tuple[str, str]
) -> None:
    """And acknowledged; those behind it are taken."""

    async def scenario(on: Publishers) -> None:
        entry = await on.append_raw(body)
        await on.append(identity="2")
        await on.producer().run_all()
        assert (await on.runs(), await on.pending()) == (1, 0)
        (dead,) = await on.dead()
        assert (dead.death.cause, dead.entry, dead.received) == (cause, entry, int(entry.split("-")[0]))
        assert told in dead.death.reason
        assert (dead.death.source, dead.death.event_id) == named

    with_publishers(scenario)


def test_an_entry_without_an_event_is_buried(with_publishers: WithPublishers) -> None:
    """Whoever wrote it used another field; an id of the far future is received now at the latest."""

    async def scenario(on: Publishers) -> None:
        await on.append_raw(event(), field="body")
        await on.append_raw(event(), field="body", entry="18446744073709551615-1")
        await on.producer().run_all()
        far, near = await on.dead()
        assert (near.death.cause, near.death.reason) == ("malformed", "the entry has no field `event`")
        assert near.received <= far.received < 4_102_444_800_000

    with_publishers(scenario)


def test_an_id_used_for_other_data_is_buried(with_publishers: WithPublishers) -> None:
    """Once, over HTTP or the stream, it stood for something else."""

    async def scenario(on: Publishers) -> None:
        await on.append()
        await on.append(snapshot="/s/other.csv")
        await on.producer().run_all()
        (dead,) = await on.dead()
        assert (dead.death.cause, dead.death.source, dead.death.event_id) == ("conflicting", "/cdp", "1")
        assert (await on.runs(), await on.pending()) == (1, 0)

    with_publishers(scenario)


def test_an_event_is_buried_after_five_failed_deliveries(with_publishers: WithPublishers) -> None:
    """Four are not enough: until then it waits for somebody who can, and others go past it."""

    async def scenario(on: Publishers) -> None:
        entry = await on.append()
        failing = Troubled(on.intake, RuntimeError("a bug"), 5)
        for _ in range(DELIVERIES_MAX - 1):
            await on.producer("b", failing).run_all()
            assert (await on.pending(), await on.dead()) == (1, [])
            await on.age(entry)
        await on.append(identity="2")
        await on.producer("b", failing).run_all()
        (dead,) = await on.dead()
        assert (dead.death.cause, dead.entry, await on.pending()) == ("failed", entry, 0)
        assert "RuntimeError" in dead.death.reason
        assert "a bug" not in dead.death.reason
        assert await on.runs() == 1

    with_publishers(scenario)


def test_what_fails_again_after_a_restart_is_tried_once_and_then_waits(with_publishers: WithPublishers) -> None:
    """A producer that begins with what it held does not turn in circles over it."""

    async def scenario(on: Publishers) -> None:
        await on.append()
        failing = Troubled(on.intake, RuntimeError("a bug"), 2)
        for delivery in (1, 2):
            await on.producer("a", failing).run_all()
            (row,) = await on.redis.xpending_range(STREAM, GROUP, "-", "+", 9)
            assert (row["times_delivered"], await on.dead()) == (delivery, [])

    with_publishers(scenario)


def test_an_event_that_kills_its_producer_is_buried_untouched(with_publishers: WithPublishers) -> None:
    """Five lives are enough."""

    async def scenario(on: Publishers) -> None:
        entry = await on.append()
        for _ in range(DELIVERIES_MAX):
            assert await on.events.next("a") is not None
            await on.age(entry)
        await on.producer("b", Troubled(on.intake, AssertionError("touched"))).run_all()
        (dead,) = await on.dead()
        assert (dead.death.cause, "no end" in dead.death.reason, await on.runs()) == ("failed", True, 0)

    with_publishers(scenario)


def test_an_event_that_hangs_is_a_failed_delivery(
    with_publishers: WithPublishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not hold up those behind it."""

    class Hanging:
        async def accept_event(self, _: object) -> AcceptedEvent:
            await asyncio.Event().wait()
            raise AssertionError

    async def scenario(on: Publishers) -> None:
        monkeypatch.setattr(producer_stream, "HANDLING_SECONDS", 0.0)
        await on.append()
        await on.producer("a", Hanging()).run_all()
        (row,) = await on.redis.xpending_range(STREAM, GROUP, "-", "+", 9)
        assert (row["times_delivered"], await on.dead()) == (1, [])

    with_publishers(scenario)


@pytest.mark.parametrize("error", [Unwritable("full"), Unreachable("gone"), Contended("restless")])
def test_what_the_store_kept_from_being_taken_stays_however_often(
    with_publishers: WithPublishers, error: Exception
) -> None:
    """It does not count as a failed delivery, and is taken by the same producer as soon as it can be."""

    async def scenario(on: Publishers) -> None:
        await on.append()
        producer = on.producer("a", Troubled(on.intake, error, 3 * DELIVERIES_MAX))
        for _ in range(3 * DELIVERIES_MAX):
            try:
                await producer.run_all()
            except StoreError as raised:
                assert raised is error  # noqa: PT017  one of the three is not raised
            assert (await on.pending(), await on.dead(), await on.runs()) == (1, [], 0)
        await producer.run_all()
        assert (await on.pending(), await on.dead(), await on.runs()) == (0, [], 1)

    with_publishers(scenario)


def test_who_was_slow_cannot_bury_what_another_took(with_publishers: WithPublishers) -> None:
    """Nor make its deliveries fewer."""

    async def scenario(on: Publishers) -> None:
        entry = await on.append_raw(b"no JSON")
        slow = await on.events.next("slow")
        assert slow is not None
        await on.age(entry, "slow")
        held = await on.events.next("quick")
        assert held is not None
        assert (held.id, held.deliveries) == (entry, 2)
        await on.events.put_back("slow", slow)
        assert not await on.events.bury("slow", slow, Death("failed", "late"))
        (row,) = await on.redis.xpending_range(STREAM, GROUP, "-", "+", 9)
        assert (row["consumer"], row["times_delivered"], await on.dead()) == (b"quick", 2, [])
        assert await on.events.bury("quick", held, Death("failed", "in time"))
        assert not await on.events.bury("quick", held, Death("failed", "twice"))
        assert [dead.death.reason for dead in await on.dead()] == ["in time"]

    with_publishers(scenario)


def test_trimming_keeps_everything_that_is_not_acknowledged(with_publishers: WithPublishers) -> None:
    """What is pending, and what nobody has taken; the rest goes."""

    async def scenario(on: Publishers) -> None:
        entries = [await on.append(identity=str(identity)) for identity in range(6)]
        held = [await on.events.next("a") for _ in range(4)]
        for taken in (held[0], held[2], held[3]):
            assert taken is not None
            await on.events.acknowledge(taken)
        left = [entry.decode() for entry, _ in await on.redis.xrange(STREAM)]
        assert left == entries[1:]
        assert await on.events.count() == EventCounts(waiting=3, dead=0)
        assert held[1] is not None
        await on.events.acknowledge(held[1])
        left = [entry.decode() for entry, _ in await on.redis.xrange(STREAM)]
        assert left == entries[3:]  # the last one taken marks where the group stands
        await on.producer("b").run_all()
        assert (await on.redis.xlen(STREAM), await on.runs()) == (1, 2)

    with_publishers(scenario)


def test_of_two_refreshes_without_a_time_the_one_appended_later_stands(with_publishers: WithPublishers) -> None:
    """Also where another producer was quicker with it; a time that is said goes before."""

    async def scenario(on: Publishers) -> None:
        await on.append_raw(event("1", snapshot="/s/early.csv"), entry="1795435200000-0")
        assert await on.events.next("slow") is not None
        await on.append_raw(event("2", snapshot="/s/late.csv"), entry="1795435200001-0")
        await on.producer("quick").run_all()
        await on.producer("slow").run_all()
        assert (await on.registry.segment("vip")).snapshot == "/s/late.csv"
        await on.append_raw(event("3", snapshot="/s/old.csv", time=datetime(2020, 1, 1, tzinfo=UTC)))
        await on.producer("quick").run_all()
        assert ((await on.registry.segment("vip")).snapshot, await on.runs()) == ("/s/late.csv", 1)

    with_publishers(scenario)


def test_an_entry_deleted_by_hand_holds_nothing_up(with_publishers: WithPublishers) -> None:
    """Pending or not; what waits is still counted."""

    async def scenario(on: Publishers) -> None:
        entries = [await on.append(identity=str(identity)) for identity in range(4)]
        for _ in range(2):
            assert await on.events.next("a") is not None
        await on.redis.xdel(STREAM, entries[0], entries[2])
        assert await on.events.count() == EventCounts(waiting=3, dead=0)
        await on.producer("a").run_all()
        assert (await on.pending(), await on.runs()) == (0, 2)
        assert await on.events.count() == EventCounts(waiting=0, dead=0)

    with_publishers(scenario)


def test_what_waits_and_what_is_dead_is_counted(with_publishers: WithPublishers) -> None:
    """Before there is a stream, before there is a group, and with something in somebody's hands."""

    async def scenario(on: Publishers) -> None:
        async def counted() -> tuple[int, int]:
            found = await on.events.count()
            return found.waiting, found.dead

        assert await counted() == (0, 0)
        await on.append(identity="1")
        await on.append_raw(b"no JSON")
        assert await counted() == (2, 0)
        assert await on.events.next("a") is not None
        assert await counted() == (2, 0)
        await on.producer("b").run_all()
        assert await counted() == (1, 1)
        await on.producer("a").run_all()
        assert await counted() == (0, 1)

    with_publishers(scenario)


def test_a_stream_that_was_lost_is_begun_anew(with_publishers: WithPublishers) -> None:
    """A running producer finds neither stream nor group, and goes on with what comes."""

    async def scenario(on: Publishers) -> None:
        producer = on.producer()
        await on.append()
        await producer.run_all()
        held = await on.append(identity="2")
        entry = await on.events.next("a")
        assert entry is not None
        assert entry.id == held
        await on.redis.delete(STREAM)
        await on.events.acknowledge(entry)
        await on.events.put_back("a", entry)
        assert not await on.events.bury("a", entry, Death("failed", "gone"))
        await on.append(identity="3")
        await producer.run_all()
        assert (await on.runs(), await on.pending()) == (2, 0)

    with_publishers(scenario)


def test_a_full_store_keeps_what_cannot_be_buried(with_publishers: WithPublishers) -> None:
    """The letter is written before the acknowledgement, in one step: nothing is lost between the two."""

    async def scenario(on: Publishers) -> None:
        await on.append_raw(b"no JSON")
        producer = on.producer()
        entry = await on.events.next("a")
        assert entry is not None
        await on.redis.config_set("maxmemory", "1mb")
        try:
            with pytest.raises(Unwritable):
                await on.events.bury("a", entry, Death("malformed", "not JSON"))
        finally:
            await on.redis.config_set("maxmemory", "0")
        assert (await on.pending(), await on.dead()) == (1, [])
        await producer.run_all()
        assert (await on.pending(), len(await on.dead())) == (0, 1)

    with_publishers(scenario)


def test_dead_events_are_bounded_and_what_is_too_long_is_not_kept(
    with_publishers: WithPublishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By number, by age and by size; the newest stay."""

    async def scenario(on: Publishers) -> None:
        monkeypatch.setattr(wire_events, "DEAD_MOST", 3)
        await on.redis.xadd(key("dead_events"), {"old": "1"}, id="1-1")
        for size in (1, 2, 3_000, 5_000):
            await on.append_raw(b"x" * size)
        await on.producer().run_all()
        kept = [fields[b"event"] for _, fields in await on.redis.xrange(key("dead_events"))]
        assert kept == [b"xx", b"x" * 3_000, b""]
        monkeypatch.setattr(wire_events, "DEAD_KEPT_MS", -1_000)
        await on.append_raw(b"x")
        await on.producer().run_all()
        assert await on.dead() == []

    with_publishers(scenario)


def test_producers_that_are_gone_are_struck_off(
    with_publishers: WithPublishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each deployment brings new names; one that holds something stays until it is claimed."""

    async def scenario(on: Publishers) -> None:
        await on.append(identity="1")
        await on.append(identity="2")
        assert await on.events.next("holds") is not None
        await on.producer("gone").run_all()
        assert await _names(on.redis) == {b"holds", b"gone"}
        monkeypatch.setattr(wire_events, "CONSUMER_GONE_MS", -1)
        await on.producer("living").run_all()
        assert b"holds" in await _names(on.redis)
        assert b"gone" not in await _names(on.redis)

    with_publishers(scenario)


async def _names(redis: Any) -> set[bytes]:
    found: Awaitable[list[dict[str, bytes]]] = redis.xinfo_consumers(STREAM, GROUP)
    return {consumer["name"] for consumer in await found}


def test_the_names_are_those_that_publishers_are_told() -> None:
    """They append without asking us."""
    assert key("events") == STREAM
    assert codec.decode(event())["specversion"] == "1.0"
