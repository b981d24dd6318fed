"""Exports that run by the clock: once, whoever looks, over the latest snapshot, and not for times when they were off."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from producer.app import SCRIPT_ROOMS
from producer.intake.cloudevents import SegmentRefreshed
from producer.intake.new_run import Retention
from producer.intake.open_runs import Intake
from producer.intake.scheduler import Scheduler
from producer.registry.model import Export
from producer.registry.store import Registry
from producer.runs.store import RunStore
from tests.integration.serving import connection, export
from tests.integration.walking import CLOCK, CLOCK_KEY
from tests.logged import logged
from wire.chunk_queue.run import Mode, Run, RunState, Trigger, state
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store, connect, load_scripts
from wire.store.results import Unwritable

MORNING = {"cron": "0 6 * * *", "zone": "Europe/Zurich"}
MONDAY = "2026-11-23T05:00"


@dataclass
class Place:
    """Exports over a store whose clock a test sets, and producers that look at it."""

    redis: Redis
    store: Store
    registry: Registry
    run_store: RunStore
    intake: Intake

    def set_clock(self, text: str) -> None:
        """Set the store's clock, as Zurich's show it."""
        now = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Zurich"))
        self.redis.set(CLOCK_KEY, round(now.timestamp() * 1000))

    def producer(self, intake: Intake | None = None) -> Scheduler:
        """Another producer's look at the clock."""
        return Scheduler(self.store, self.registry, intake or self.intake, self.run_store.now)

    def slow(self, meanwhile: Callable[[], Awaitable[Any]]) -> Intake:
        """An intake that waits for something between looking and writing."""
        made = _Slow(self.store, self.registry, snapshot_roots=[], retention=Retention())
        made.meanwhile = meanwhile
        return made

    async def refresh(self, identity: str = "1", segment: str = "vip") -> tuple[str, ...]:
        """Publish a snapshot of the segment."""
        said = {"segment": segment, "snapshot": f"/s/{identity}.csv"}
        return (
            await self.intake.accept_event(SegmentRefreshed(identity, "/cdp", "segment.refreshed", None, None, said))
        ).runs

    async def runs(self) -> list[Run]:
        """All runs, the newest first."""
        return await self.run_store.look(await self.registry.runs(most=99))

    async def scheduled(self) -> list[Run]:
        """Those that the clock opened."""
        return [run for run in await self.runs() if run.trigger is Trigger.SCHEDULE]

    async def change(self, **changes: Any) -> None:
        """Change the export."""
        before = await self.registry.export("vips")
        await self.registry.save_export(replace(before, **changes), replaces=before)


WithPlace = Callable[[Callable[[Place], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def with_place(redis_url: str) -> WithPlace:
    """Run a scenario with one export that runs at six, from five on a Monday."""

    def run(scenario: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
        async def opened() -> None:
            store = Store(connect(redis_url), clock=CLOCK, scripts=load_scripts(*SCRIPT_ROOMS))
            with Redis.from_url(redis_url) as redis:
                try:
                    await scenario(await _furnished(redis, store, export(schedule=MORNING)))
                finally:
                    await store.close()

        asyncio.run(opened())

    return run


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    """What was logged, line by line."""
    return [codec.decode(line) for line in written.getvalue().splitlines()]


async def _furnished(redis: Redis, store: Store, *exports: Export) -> Place:
    registry, dice = Registry(store), count(1)
    intake = Intake(
        store, registry, snapshot_roots=[Path("/s")], retention=Retention(), dice=lambda: f"{next(dice):08x}"
    )
    place = Place(redis, store, registry, RunStore(store), intake)
    place.set_clock(MONDAY)
    await registry.save_connection(connection("main"), secret=b"s")
    for one in exports:
        await registry.save_export(one)
    return place


def test_an_export_runs_at_its_time_over_the_latest_snapshot(with_place: WithPlace) -> None:
    """Once a day, by its zone's clocks, as a run of changes that says why it was opened."""

    async def scenario(place: Place) -> None:
        await place.refresh("old")
        await place.refresh("new")
        producer = place.producer()
        for moment in (MONDAY, "2026-11-23T05:59:59", "2026-11-23T06:00:01", "2026-11-23T06:00:03", "2026-11-23T23:00"):
            place.set_clock(moment)
            await producer.keep_time()
        (run,) = await place.scheduled()
        assert (run.snapshot, run.mode, run.dry_run, state(run)) == ("/s/new.csv", Mode.CHANGES, False, RunState.QUEUED)
        place.set_clock("2026-11-24T06:00")
        await producer.keep_time()
        assert [state(run) for run in await place.scheduled()] == [RunState.QUEUED, RunState.SUPERSEDED]

    with_place(scenario)


class _Slow(Intake):
    """An intake between whose looking and writing something happens."""

    meanwhile: Callable[[], Awaitable[Any]]

    async def keep_time(self, *args: Any, **options: Any) -> str | None:
        await self.meanwhile()
        return await super().keep_time(*args, **options)


def test_of_many_producers_one_opens_the_run(with_place: WithPlace) -> None:
    """All of them have looked before the first one writes."""

    async def scenario(place: Place) -> None:
        await place.refresh()
        await place.producer().keep_time()
        place.set_clock("2026-11-23T06:00:01")
        together = asyncio.Barrier(8)
        with logged() as written:
            await asyncio.gather(*(place.producer(place.slow(together.wait)).keep_time() for _ in range(8)))
        assert len(await place.scheduled()) == 1
        assert [line["event"] for line in lines(written)] == ["schedule_kept"]

    with_place(scenario)


def test_a_producer_that_was_slow_keeps_no_time_of_a_schedule_that_was_changed(with_place: WithPlace) -> None:
    """Nor of an export that was disabled while it thought."""

    async def scenario(place: Place) -> None:
        await place.refresh()
        await place.producer().keep_time()
        place.set_clock("2026-11-23T06:00:01")
        await place.producer(place.slow(lambda: place.change(enabled=False))).keep_time()
        assert await place.scheduled() == []

    with_place(scenario)


def test_a_producer_that_was_slow_opens_no_run_of_an_export_as_it_was(with_place: WithPlace) -> None:
    """It looks again, and the run goes where the export goes now."""

    async def scenario(place: Place) -> None:
        await place.refresh()
        await place.producer().keep_time()
        place.set_clock("2026-11-23T06:00:01")
        await place.producer(place.slow(lambda: place.change(list_id="13"))).keep_time()
        assert await place.scheduled() == []
        await place.producer().keep_time()
        assert [run.list_id for run in await place.scheduled()] == ["13"]

    with_place(scenario)


def test_a_producer_that_was_down_makes_up_for_the_last_time_once(with_place: WithPlace) -> None:
    """A week was missed, and at half past eight of the next Monday one run is opened."""

    async def scenario(place: Place) -> None:
        await place.refresh()
        await place.producer().keep_time()
        place.set_clock("2026-11-30T08:30")
        with logged() as written:
            for _ in range(3):
                await place.producer().keep_time()
        assert len(await place.scheduled()) == 1
        assert [(line["event"], line["late_seconds"]) for line in lines(written)] == [("schedule_kept", 9_000)]

    with_place(scenario)


def test_what_was_missed_by_more_than_six_hours_is_said_and_not_made_up_for(with_place: WithPlace) -> None:
    """The next time is kept as ever."""

    async def scenario(place: Place) -> None:
        await place.refresh()
        await place.producer().keep_time()
        place.set_clock("2026-11-23T12:00:01")
        with logged() as written:
            await place.producer().keep_time()
        assert [line["event"] for line in lines(written)] == ["schedule_missed"]
        assert await place.scheduled() == []
        place.set_clock("2026-11-24T06:00")
        await place.producer().keep_time()
        assert len(await place.scheduled()) == 1

    with_place(scenario)


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ({"enabled": False}, {"enabled": True}),
        ({"connection": None}, {"connection": "id-main"}),
        ({"schedule": None}, {"schedule": MORNING}),
    ],
)
def test_times_at_which_an_export_was_off_are_not_made_up_for(
    with_place: WithPlace, off: dict[str, Any], on: dict[str, Any]
) -> None:
    """Disabled, detached or without a schedule; the next one after that is kept."""

    async def scenario(place: Place) -> None:
        await place.refresh()
        await place.producer().keep_time()
        await place.change(**off)
        place.set_clock("2026-11-23T06:05")
        await place.producer().keep_time()
        await place.change(**on)
        await place.producer().keep_time()
        assert await place.scheduled() == []
        place.set_clock("2026-11-24T06:05")
        await place.producer().keep_time()
        assert len(await place.scheduled()) == 1

    with_place(scenario)


def test_another_schedule_counts_from_when_it_was_saved(with_place: WithPlace) -> None:
    """What the old one had planned is forgotten with it; any other change leaves the plan alone."""

    async def scenario(place: Place) -> None:
        await place.refresh()
        await place.producer().keep_time()
        place.set_clock("2026-11-23T06:30")
        await place.change(list_id="13")
        await place.change(schedule=MORNING | {"cron": "0 7 * * *"})
        await place.producer().keep_time()
        assert await place.scheduled() == []
        await place.change(list_id="14")
        place.set_clock("2026-11-23T07:01")
        await place.change(list_id="15")
        await place.producer().keep_time()
        (run,) = await place.scheduled()
        assert run.list_id == "15"

    with_place(scenario)


def test_a_time_that_comes_before_the_segment_was_ever_refreshed_opens_nothing(with_place: WithPlace) -> None:
    """Nor is it made up for when it is: a refresh runs the export anyway."""

    async def scenario(place: Place) -> None:
        await place.producer().keep_time()
        place.set_clock("2026-11-23T06:01")
        await place.producer().keep_time()
        await place.refresh()
        await place.producer().keep_time()
        assert [run.trigger for run in await place.runs()] == [Trigger.EVENT]

    with_place(scenario)


def test_while_a_run_is_under_way_the_next_waits_and_they_do_not_pile_up(with_place: WithPlace) -> None:
    """The newest scheduled one takes the place of those that wait; what a person or an event asked for stays."""

    async def scenario(place: Place) -> None:
        (event_run,) = await place.refresh()
        begun = await place.run_store.begin("a-reader")
        assert begun is not None
        assert begun.id == event_run
        await place.change(schedule={"cron": "*/5 * * * *", "zone": "UTC"})
        producer = place.producer()
        for minute in range(0, 31, 5):
            place.set_clock(f"2026-11-23T05:{minute:02}:10")
            await producer.keep_time()
        states = [(run.trigger, state(run)) for run in await place.runs()]
        assert states.count((Trigger.SCHEDULE, RunState.QUEUED)) == 1
        assert states.count((Trigger.SCHEDULE, RunState.SUPERSEDED)) == 5
        assert (Trigger.EVENT, RunState.SURVEYING) in states

    with_place(scenario)


def test_a_deleted_export_leaves_no_time_behind(with_place: WithPlace) -> None:
    """Another one of its name begins anew."""

    async def scenario(place: Place) -> None:
        await place.refresh()
        await place.producer().keep_time()
        assert place.redis.keys("*:scheduled") != []
        await place.registry.delete_export("vips")
        assert place.redis.keys("*:scheduled") == []

    with_place(scenario)


def test_a_full_store_keeps_the_time_for_when_there_is_room(with_place: WithPlace) -> None:
    """Nothing is taken in, and nothing is skipped."""

    async def scenario(place: Place) -> None:
        await place.refresh()
        await place.producer().keep_time()
        place.set_clock("2026-11-23T06:00:01")
        place.redis.config_set("maxmemory", 1)
        try:
            with pytest.raises(Unwritable):
                await place.producer().keep_time()
        finally:
            place.redis.config_set("maxmemory", 0)
        await place.producer().keep_time()
        assert len(await place.scheduled()) == 1

    with_place(scenario)


def test_an_export_that_is_disabled_is_passed_over_by_refreshes(with_place: WithPlace) -> None:
    """The answer says so; on demand it runs all the same, since a person asked."""

    async def scenario(place: Place) -> None:
        await place.change(enabled=False)
        said = {"segment": "vip", "snapshot": "/s/a.csv"}
        answer = await place.intake.accept_event(SegmentRefreshed("1", "/cdp", "segment.refreshed", None, None, said))
        assert (answer.runs, answer.reason) == ((), "every export of this segment is disabled")

    with_place(scenario)


def test_an_export_kept_by_an_earlier_version_can_be_changed(with_place: WithPlace) -> None:
    """Its text in the record knows nothing of schedules."""

    async def scenario(place: Place) -> None:
        await place.change(schedule=None)
        kept = (await place.store.hash(key("export", "id-vips")))["document"]
        assert b"schedule" not in kept
        assert b"enabled" not in kept
        await place.change(list_id="13")

    with_place(scenario)
