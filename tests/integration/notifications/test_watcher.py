"""Changes of state are told once: under a flapping account, over two producers, in order, and to whom they concern."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from producer.app import SCRIPT_ROOMS
from producer.intake.cloudevents import SegmentRefreshed
from producer.intake.new_run import Retention
from producer.intake.open_runs import Demand, Intake
from producer.monitoring.queue_stats import QueueStatsStore
from producer.notifications.channel import Channel, ChannelKind
from producer.notifications.channels import Channels
from producer.notifications.delivery import DeliveryState
from producer.notifications.export_health import ExportHealth
from producer.notifications.health import LATE_MS_MAX, UNBLOCKED_MS
from producer.notifications.health_store import ExportHealthStore
from producer.notifications.messages import NotificationEvent as Told
from producer.notifications.outbox import Outbox
from producer.notifications.watcher import Watcher
from producer.registry.staleness_check import StalenessCheck
from producer.registry.store import Registry
from producer.runs.store import RunStore
from tests.integration.serving import connection, export
from tests.integration.walking import CLOCK, CLOCK_KEY, START
from wire.chunk_queue.chunk_store import ChunkStore
from wire.chunk_queue.run import Run
from wire.process.units import HOUR_MS
from wire.store import codec
from wire.store.redis import Store, connect, load_scripts

ALL = tuple(event.value for event in Told)


def channel(name: str = "ops", **changes: Any) -> Channel:
    """A webhook that is told of everything; its id is its name's."""
    said: dict[str, Any] = {
        "id": f"ch-{name}",
        "name": name,
        "kind": ChannelKind.WEBHOOK,
        "url": "https://hooks.example.com",
    }
    said |= {"addresses": (), "events": ALL, "exports": None, "enabled": True, "created": 1, "changed": 1}
    return Channel(**said | changes)


@dataclass
class Place:
    """A record on time that a test moves, with producers that watch it."""

    redis: Redis
    store: Store
    now: int = START
    finishes: dict[str, int] = field(default_factory=dict)
    ids: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.registry, self.run_store = Registry(self.store), RunStore(self.store)
        self.chunk_store = ChunkStore(self.store)
        self.channels, self.outbox = Channels(self.store), Outbox(self.store)
        dice = count(1)
        self.intake = Intake(
            self.store,
            self.registry,
            snapshot_roots=[Path("/s")],
            retention=Retention(),
            dice=lambda: f"{next(dice):08x}",
        )
        self.pass_time(0)

    def pass_time(self, milliseconds: int) -> None:
        """Let the store's time go on."""
        self.now += milliseconds
        self.redis.set(CLOCK_KEY, self.now)

    def watcher(self) -> Watcher:
        """Another producer's look."""

        async def project(runs: Sequence[Run]) -> Mapping[str, int]:
            return {run.id: self.finishes[run.id] for run in runs if run.id in self.finishes}

        return Watcher(
            healths=ExportHealthStore(self.store),
            channels=self.channels,
            registry=self.registry,
            run_store=self.run_store,
            staleness_check=StalenessCheck(self.registry, 26),
            project=project,
            runs_shown=QueueStatsStore(self.store).newest,
            new_id=lambda: f"{next(self.ids):032x}",
            public_url="https://export.example.com",
        )

    async def watch(self, milliseconds: int = 1_000) -> None:
        """Let time go on, and look."""
        self.pass_time(milliseconds)
        await self.watcher().watch()

    async def refresh(self) -> str:
        """Publish the segment, and begin the run of it."""
        said = {"segment": "vip", "snapshot": "/s/a.csv"}
        event = SegmentRefreshed(str(next(self.ids)), "/cdp", "segment.refreshed", None, None, said)
        (run,) = (await self.intake.accept_event(event)).runs
        begun = await self.run_store.begin("a-reader")
        assert begun is not None
        assert begun.id == run
        return run

    async def survey(self, run: str, selected: int = 10) -> None:
        """End the run's survey; with nobody selected, the run is over."""
        figures = {"read": selected, "selected": selected}
        nothing: dict[str, Any] = {"selection": b"", "forecast": {"requests": 1}, "rejects": [], "pin": "p"}
        assert await self.run_store.surveyed(run, "a-reader", figures=figures, **nothing) == "ok"

    async def succeed(self) -> str:
        """Refresh, and end well."""
        run = await self.refresh()
        await self.survey(run, 0)
        return run

    async def fail(self) -> str:
        """Refresh, and fail."""
        run = await self.refresh()
        assert await self.run_store.fail_reading(run, "a-reader", "the snapshot is gone") == "ok"
        return run

    def block(self, *, lifted: bool = False, scope: str = "id-main") -> None:
        """Block the connection, or lift its block, as the scripts do."""
        key_ = f"segment-export:block:{scope}"
        if lifted:
            self.redis.delete(key_)
        else:
            said = ("code", "credentials", "reason", "ActiveCampaign refuses the key", "since", self.now)
            self.redis.hset(key_, items=[*said, "blocked", 1, "probe_at", self.now])

    async def told(self, name: str = "ops") -> list[str]:
        """The messages of a channel, the oldest first."""
        return [body["type"].removeprefix("export.") for body in await self.bodies(name)]

    async def bodies(self, name: str = "ops") -> list[Any]:
        """Their documents."""
        found = await self.outbox.listed(f"ch-{name}", list(DeliveryState))
        return [codec.decode(letter.body) for letter in reversed(found)]


DEMAND = Demand()
WithPlace = Callable[[Callable[[Place], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def with_place(redis_url: str) -> WithPlace:
    """Run a scenario with one export and one channel."""

    def run(scenario: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
        async def opened() -> None:
            store = Store(connect(redis_url), clock=CLOCK, scripts=load_scripts(*SCRIPT_ROOMS))
            with Redis.from_url(redis_url) as redis:
                place = Place(redis, store)
                try:
                    await place.registry.save_connection(connection("main"), secret=b"s")
                    await place.registry.save_export(export(created=START))
                    await place.channels.save(channel(), secret=b"sealed")
                    await scenario(place)
                finally:
                    await store.close()

        asyncio.run(opened())

    return run


def test_an_account_that_flaps_is_told_of_once_a_change(with_place: WithPlace) -> None:
    """Blocked over four refreshes, well for two runs, and all of it again: two changes there, two back, four messages."""

    async def scenario(place: Place) -> None:
        for _ in range(2):
            place.block()
            run = await place.refresh()
            for _ in range(3):
                said = {"segment": "vip", "snapshot": "/s/b.csv"}
                event = SegmentRefreshed(str(next(place.ids)), "/cdp", "segment.refreshed", None, None, said)
                await place.intake.accept_event(event)
                await place.watch(HOUR_MS // 60)
            place.block(lifted=True)
            await place.watch()
            await place.survey(run, 0)
            await place.watch()
            waiting = await place.run_store.begin("a-reader")
            assert waiting is not None
            await place.survey(waiting.id, 0)
            await place.watch()
        assert await place.told() == ["blocked", "recovered", "blocked", "recovered"]

    with_place(scenario)


def test_a_run_that_fails_every_night_is_told_of_once(with_place: WithPlace) -> None:
    """And once when it is well again; the messages say how many-th change each was."""

    async def scenario(place: Place) -> None:
        for _ in range(3):
            await place.fail()
            await place.watch(HOUR_MS)
        await place.succeed()
        await place.watch()
        await place.succeed()
        await place.watch()
        assert await place.told() == ["failed", "recovered"]
        failed, recovered = await place.bodies()
        assert (failed["data"]["change"], recovered["data"]["change"]) == (1, 2)
        assert (failed["data"]["before"], failed["data"]["after"]) == ("well", "failed")
        assert failed["data"]["detail"] == "Export vips failed: the snapshot is gone."
        assert failed["data"]["run"]["error"] == "the snapshot is gone"
        assert failed["data"]["link"] == f"https://export.example.com/runs/{failed['data']['run']['id']}"
        assert recovered["data"]["run"]["books"]["read"] == 0

    with_place(scenario)


def test_what_came_and_went_while_nobody_looked_is_told_in_order(with_place: WithPlace) -> None:
    """Producers were down, and workers ended the runs."""

    async def scenario(place: Place) -> None:
        for _ in range(2):
            await place.fail()
            await place.succeed()
        await place.watch()
        assert await place.told() == ["failed", "recovered", "failed", "recovered"]

    with_place(scenario)


def test_many_producers_tell_of_a_change_once(with_place: WithPlace) -> None:
    """All of them look at the same moment, several times."""

    async def scenario(place: Place) -> None:
        await place.fail()
        await place.succeed()
        place.block()
        await place.refresh()
        for _ in range(3):
            await asyncio.gather(*(place.watcher().watch() for _ in range(6)))
        assert await place.told() == ["failed", "recovered", "blocked"]

    with_place(scenario)


def test_what_is_under_way_is_not_judged_before_what_has_ended(with_place: WithPlace) -> None:
    """Nor a run as it was when it was looked at, once it is over; whoever was slow looks again."""

    async def scenario(place: Place) -> None:
        healths = ExportHealthStore(place.store)
        before = (await healths.told(["id-vips"]))["id-vips"]
        run = await place.fail()
        assert await healths.judge("id-vips", before, ExportHealth.BLOCKED) == "changed"
        await place.watch()
        after = (await healths.told(["id-vips"]))["id-vips"]
        assert await healths.judge("id-vips", after, ExportHealth.BLOCKED, looked_at=run) == "changed"
        assert await healths.judge("id-vips", before, ExportHealth.BLOCKED) == "changed"
        assert await healths.judge("id-vips", after, ExportHealth.BLOCKED) == "judged"

    with_place(scenario)


def test_a_block_that_comes_back_within_two_minutes_is_one_block(with_place: WithPlace) -> None:
    """A probe that succeeds lifts it, and the next request brings it back; gone for longer, it is over."""

    async def scenario(place: Place) -> None:
        run = await place.refresh()
        await place.survey(run)
        for _ in range(4):
            place.block()
            await place.watch(30_000)
            place.block(lifted=True)
            await place.watch(30_000)
        assert await place.told() == ["blocked"]
        await place.watch(UNBLOCKED_MS)
        assert await place.told() == ["blocked", "recovered"]

    with_place(scenario)


def test_a_run_that_will_miss_its_budget_is_told_of_when_that_has_lasted(with_place: WithPlace) -> None:
    """It wavers around its deadline, before it is told of and after that; whoever cancels it knows."""

    async def scenario(place: Place) -> None:
        run = await place.refresh()
        await place.survey(run)
        (found,) = await place.run_store.look([run])
        for behind in (600_000, -600_000) * 5:
            place.finishes[run] = found.deadline + behind
            await place.watch(20_000)
        assert await place.told() == []
        place.finishes[run] = found.deadline + 600_000
        await place.watch()
        await place.watch(LATE_MS_MAX)
        assert await place.told() == ["will_miss_budget"]
        for behind in (60_000, -60_000) * 20:
            place.finishes[run] = found.deadline + behind
            await place.watch(20_000)
        assert await place.told() == ["will_miss_budget"]
        await place.run_store.steer(run, "cancel")
        await place.watch()
        await place.succeed()
        await place.watch()
        assert await place.told() == ["will_miss_budget"]

    with_place(scenario)


def test_a_deadline_that_is_past_is_told_of_at_once(with_place: WithPlace) -> None:
    """Also where nobody can project anything."""

    async def scenario(place: Place) -> None:
        run = await place.refresh()
        await place.watch(91 * 60_000)
        assert await place.told() == ["will_miss_budget"]
        await place.survey(run, 0)
        await place.watch()
        assert await place.told() == ["will_miss_budget", "recovered"]
        assert "1 minutes late" in (await place.bodies())[1]["data"]["detail"]

    with_place(scenario)


def test_data_that_grow_old_are_told_of_once_and_when_they_are_fresh_again(with_place: WithPlace) -> None:
    """What never came, after as long as a snapshot may grow old; runs over old data change nothing."""

    async def scenario(place: Place) -> None:
        await place.watch()
        assert await place.told() == []
        for _ in range(3):
            await place.watch(27 * HOUR_MS)
        assert await place.told() == ["stale"]
        (stale,) = await place.bodies()
        assert [one["code"] for one in stale["data"]["warnings"]] == ["segment_never_seen"]
        assert stale["data"]["run"] is None
        await place.succeed()
        await place.watch()
        assert await place.told() == ["stale", "recovered"]
        await place.watch(27 * HOUR_MS)
        await place.intake.demand("vips", DEMAND)
        begun = await place.run_store.begin("a-reader")
        assert begun is not None
        await place.survey(begun.id, 0)
        await place.watch()
        assert await place.told() == ["stale", "recovered", "stale"]

    with_place(scenario)


def test_dry_runs_and_runs_that_were_superseded_or_cancelled_are_no_news(with_place: WithPlace) -> None:
    """A person, or a newer refresh, did it."""

    async def scenario(place: Place) -> None:
        run = await place.refresh()
        said = {"segment": "vip", "snapshot": "/s/b.csv"}
        for identity in ("x", "y"):
            await place.intake.accept_event(SegmentRefreshed(identity, "/cdp", "segment.refreshed", None, None, said))
        await place.run_store.steer(run, "cancel")
        dry = await place.intake.demand("vips", replace(DEMAND, dry_run=True))
        while (begun := await place.run_store.begin("a-reader")) is not None:
            if begun.id == dry:
                await place.run_store.fail_reading(dry, "a-reader", "the snapshot is gone")
                break
            await place.survey(begun.id, 0)
        await place.watch()
        assert await place.told() == []

    with_place(scenario)


def test_a_channel_is_told_of_what_it_asked_for_and_of_no_recovery_from_anything_else(with_place: WithPlace) -> None:
    """Of its events, of its exports, and only while it is enabled."""

    async def scenario(place: Place) -> None:
        for one in (
            channel("failures", events=("failed", "recovered")),
            channel("blocks", events=("blocked", "recovered")),
            channel("others", exports=("id-other",)),
            channel("mine", exports=("id-vips",)),
            channel("off", enabled=False),
        ):
            await place.channels.save(one, secret=b"sealed")
        await place.fail()
        await place.succeed()
        await place.watch()
        assert await place.told("failures") == ["failed", "recovered"]
        assert await place.told("mine") == ["failed", "recovered"]
        assert [await place.told(name) for name in ("blocks", "others", "off")] == [[], [], []]

    with_place(scenario)


def test_an_export_that_is_deleted_is_forgotten_with_what_was_told(with_place: WithPlace) -> None:
    """And its endings hold up nobody else's."""

    async def scenario(place: Place) -> None:
        await place.fail()
        await place.watch()
        await place.fail()
        await place.registry.delete_export("vips")
        await place.registry.save_export(export("other", id="id-other", created=place.now))
        await place.fail()
        await place.watch()
        assert place.redis.llen("segment-export:endings") == 0
        assert [body["data"]["export"]["name"] for body in await place.bodies()] == ["vips", "other"]
        assert place.redis.exists("segment-export:export:id-vips:health") == 0

    with_place(scenario)


def test_a_message_holds_ids_names_and_figures_and_nothing_of_a_snapshot(with_place: WithPlace) -> None:
    """Neither its place nor a row of it."""

    async def scenario(place: Place) -> None:
        await place.fail()
        await place.watch()
        (body,) = await place.bodies()
        text = codec.text(body)
        assert "/s/a.csv" not in text
        assert "@" not in text
        assert set(body) == {"type", "timestamp", "data"}

    with_place(scenario)
