"""The producer's metrics show the record as it is: every figure of a known record, by name, and nothing twice."""

import asyncio
import platform
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from deploy.local.valkey import Valkey
from producer.app import SCRIPT_ROOMS
from producer.intake.new_run import Order, Retention, row
from producer.monitoring.metrics import Metrics
from producer.monitoring.overview import Overview
from producer.pipeline.survey import Survey
from producer.registry.staleness_check import StalenessCheck
from producer.registry.store import Registry
from producer.runs.store import RunStore
from tests.integration.serving import export
from tests.integration.walking import START
from tests.integration.workplace import Bells, Workplace, workplace
from wire.chunk_queue.chunk import ChunkOutcome, StopReason
from wire.chunk_queue.rate_limiter import RateLimiter
from wire.chunk_queue.run import Trigger
from wire.chunk_queue.wakeups import Wakeups
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store, connect, load_scripts

Scenario = Callable[["Shown"], Awaitable[None]]
Play = Callable[[Scenario], None]

MINUTE_MS = 60_000

DESIGN = (
    "profiles_total run_contacts run_started_timestamp_seconds run_deadline_timestamp_seconds"
    " run_projected_finish_timestamp_seconds run_unbalanced lane_chunks queue_messages allowance_used_ratio workers_wanted"
)

SURVEYED = Survey(
    read=33,
    invalid=2,
    duplicate=1,
    unchanged=0,
    held_back=0,
    selected=30,
    gone=0,
    unreadable=0,
    adds=30,
    changes=0,
    again=0,
    moves=(),
    moves_held_back=0,
    moves_met=0,
    reasons={"email_invalid": 2},
    nulls={},
    phones_left_out=4,
    weight=1,
    requests=1,
    selection=b"",
    rejects=(),
    held=(),
    pin="",
)


class Shown:
    """A workplace with the producer's metrics over its record."""

    def __init__(self, place: Workplace) -> None:
        self.place = place
        self.overview = Overview(place.store, place.run_store, place.wakeups, StalenessCheck(place.registry, 26))
        self.metrics = Metrics(self.overview, CollectorRegistry())

    async def text(self) -> str:
        """The exposition."""
        body, content_type = await self.metrics.exposition()
        assert content_type.startswith("text/plain")
        return body.decode()

    async def figures(self) -> dict[str, float]:
        """Every sample by its name without our prefix, and its labels; none may be there twice."""
        found = [
            (f"{sample.name.removeprefix('segment_export_')} {' '.join(sample.labels.values())}".strip(), sample.value)
            for family in text_string_to_metric_families(await self.text())
            for sample in family.samples
            if not sample.name.endswith("_created")
        ]
        twice = [name for name, count in Counter(name for name, _ in found).items() if count > 1]
        assert not twice, f"Prometheus refuses {twice}"
        return dict(found)

    def book(self, imports: int) -> None:
        """Let the pacer have booked so many imports since the account is known."""
        self.place.redis.hset(key("pace", self.place.host), "imports", imports)

    async def accept(self, batch: str) -> None:
        """Have one chunk accepted."""
        held = await self.place.chunk_store.take(self.place.host, "bell", f"token-{batch}")
        assert held is not None
        outcome = ChunkOutcome(
            to="accepted", count=held.count, batch=batch, books={"accepted": held.count}, due_in_ms=60_000
        )
        assert await self.place.chunk_store.settle(held, outcome)


@pytest.fixture
def play(valkey: Valkey) -> Iterator[Play]:
    """Run a scenario over an empty record."""
    with Redis(port=valkey.port) as redis:

        def run(scenario: Scenario) -> None:
            async def opened() -> None:
                async with workplace(redis, web.Application()) as place:
                    await scenario(Shown(place))

            asyncio.run(opened())

        yield run


def test_a_record_is_shown_figure_by_figure(play: Play) -> None:
    """One chunk accepted, two ready, two seconds into the run."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b", "c"), ("d", "e"), ("f",))
        await shown.accept("a-batch")
        await shown.place.wakeups.wake()
        shown.place.pass_time(2_000)
        found = await shown.figures()
        finish = START / 1000 + 2 + 2 * 60 / 100 * 1.008 + 10
        assert found.pop("run_projected_finish_timestamp_seconds vips") == pytest.approx(finish, abs=0.01)
        assert found.pop("allowance_imports_per_second main") == pytest.approx(100 / 60)
        assert found.pop("store_memory_bytes") > 100_000
        assert found.pop(f"build_info producer {platform.python_version()} {version('segment-export')}") == 1
        assert found == {
            "store_up": 1,
            "sweeps_total": 0,
            "bells_rung_total": 0,
            "notifications_waiting": 0,
            "dead_notifications": 0,
            "run_info main vips vip": 1,
            "run_budget_seconds vips": 90 * 60,
            "run_accepted_contacts vips": 3,
            "run_requests vips": 0,
            "run_throttles vips": 0,
            "run_imports vips": 0,
            "run_forecast_imports vips": 3,
            **{
                f"run_leavers vips {state}": 0
                for state in ("applied", "refused", "unconfirmed", "unsent", "pending", "kept", "waiting")
            },
            "run_chunks vips ready": 2,
            "run_chunks vips accepted": 1,
            "leased_chunks main deliver": 0,
            "leased_chunks main confirm": 0,
            "oldest_ready_chunk_age_seconds main": 2,
            "gate_closed_seconds main": 0,
            "pace_ratio main": 1,
            "workers_present": 0,
            "worker_threads_present": 0,
            "store_memory_limit_bytes": 0,
            "run_contacts vips applied": 0,
            "run_contacts vips refused": 0,
            "run_contacts vips unconfirmed": 0,
            "run_contacts vips unsent": 0,
            "run_contacts vips pending": 6,
            "run_started_timestamp_seconds vips": START / 1000,
            "run_deadline_timestamp_seconds vips": START / 1000 + 90 * 60,
            "run_unbalanced vips": 0,
            "run_state vips delivering": 1,
            "lane_chunks main ready": 2,
            "lane_chunks main accepted": 1,
            "allowance_used_ratio main": 0,
            "queue_messages": len(shown.place.bells.rung),
            "workers_wanted": 1,
            "event_stream_lag": 0,
            "dead_events": 0,
        }
        assert found["queue_messages"] > 0

    play(scenario)


def test_every_name_of_the_design_is_there(play: Play) -> None:
    """Dashboards and alerts depend on them."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        shown.metrics.surveyed(await shown.place.run(), SURVEYED)
        names = {name.partition(" ")[0] for name in await shown.figures()}
        assert set(DESIGN.split()) <= names

    play(scenario)


def test_profiles_are_counted_by_what_the_survey_found(play: Play) -> None:
    """Surveys of one export add up; what is no outcome is not counted."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        run = await shown.place.run()
        shown.metrics.surveyed(run, SURVEYED)
        shown.metrics.surveyed(run, SURVEYED)
        found = {name: value for name, value in (await shown.figures()).items() if name.startswith("profiles")}
        assert found == {
            "profiles_total vips read": 66,
            "profiles_total vips invalid": 4,
            "profiles_total vips duplicate": 2,
            "profiles_total vips unchanged": 0,
            "profiles_total vips held_back": 0,
            "profiles_total vips selected": 60,
        }

    play(scenario)


def test_an_export_with_a_run_under_way_and_one_that_waits_shows_the_one_under_way(play: Play) -> None:
    """One row an export, or Prometheus refuses all of it."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        shown.place.pass_time(1_000)
        fields = await shown.place.store.hash(key("run", "r1"))
        waits = {
            name: fields[name] for name in fields if name not in {"begun", "surveyed", "reading_ended", "selected"}
        }
        shown.place.redis.hset(key("run", "r2"), mapping=waits)  # type: ignore[arg-type]
        shown.place.redis.zadd(key("runs"), {"r2": shown.place.now})
        found = await shown.figures()
        assert found["run_state vips delivering"] == 1
        assert "run_state vips queued" not in found

    play(scenario)


def test_a_blocked_connection_shows_in_its_runs(play: Play) -> None:
    """An alert looks at the state."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        held = await shown.place.chunk_store.take(shown.place.host, "bell", "token")
        assert held is not None
        stop = StopReason("connection", "credentials", "a reason")
        assert await shown.place.chunk_store.settle(held, ChunkOutcome(to="ready", count=2, stop=stop))
        assert (await shown.figures())["run_state vips blocked"] == 1

    play(scenario)


def test_books_that_do_not_balance_show_by_how_many_whatever_the_sign(play: Play) -> None:
    """Too many fates are as wrong as too few."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        shown.place.redis.hset(key("run", "r1"), mapping={"finished": START, "unbalanced": -3})
        assert (await shown.figures())["run_unbalanced vips"] == 3

    play(scenario)


def test_the_allowance_used_is_that_of_the_last_minute(play: Play) -> None:
    """50 imports in half a minute at 100 a minute are all of it; older ones are forgotten."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        shown.book(7)
        await shown.overview.sample()
        shown.place.pass_time(MINUTE_MS // 2)
        shown.book(57)
        await shown.overview.sample()
        assert (await shown.figures())["allowance_used_ratio main"] == pytest.approx(1)
        shown.place.pass_time(MINUTE_MS // 2 + 1)
        shown.book(57)
        await shown.overview.sample()
        assert (await shown.figures())["allowance_used_ratio main"] == 0

    play(scenario)


def test_an_account_that_rested_does_not_seem_to_use_all_it_ever_booked(play: Play) -> None:
    """Its count goes on from its last run; the share begins when it has chunks again."""

    async def scenario(shown: Shown) -> None:
        shown.book(40_000)
        await shown.overview.sample()
        shown.place.pass_time(5_000)
        await shown.place.open_run(("a", "b"))
        assert (await shown.figures())["allowance_used_ratio main"] == 0
        await shown.overview.sample()
        shown.place.pass_time(6_000)
        shown.book(40_005)
        assert (await shown.figures())["allowance_used_ratio main"] == pytest.approx(0.5)

    play(scenario)


def test_workers_are_wanted_for_what_the_allowances_can_keep_busy(play: Play) -> None:
    """Sixty chunks at once in workers of ten threads are six; without a chunk none is."""

    async def scenario(shown: Shown) -> None:
        assert (await shown.figures())["workers_wanted"] == 0
        shown.place.redis.hset(key("account", shown.place.host), "imports_per_minute", 80 * 60)
        await shown.place.open_run(*[(f"a{number}", f"b{number}") for number in range(70)])
        await shown.place.chunk_store.renew("one", 10, ())
        await shown.place.chunk_store.renew("two", 10, ())
        assert (await shown.figures())["workers_wanted"] == 6

    play(scenario)


def test_while_the_store_is_away_what_is_counted_here_is_still_told() -> None:
    """And nothing is said of the record."""

    async def scenario() -> None:
        store = Store(connect("redis://127.0.0.1:1/0"), scripts=load_scripts(*SCRIPT_ROOMS))
        metrics = Metrics(
            Overview(store, RunStore(store), Wakeups(store, Bells()), StalenessCheck(Registry(store), 26)),
            CollectorRegistry(),
        )
        body, _ = await metrics.exposition()
        assert b"segment_export_profiles" in body
        assert b"segment_export_run_contacts" not in body
        await store.close()

    asyncio.run(scenario())


@pytest.mark.needs("promtool")
def test_promtool_finds_nothing_to_say_about_the_exposition(play: Play) -> None:
    """Names, units and help, as Prometheus' own lint sees them."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        shown.metrics.surveyed(await shown.place.run(), SURVEYED)
        text = await shown.text()
        told = await asyncio.to_thread(
            subprocess.run, ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert (told.returncode, told.stdout, told.stderr) == (0, "", "")

    play(scenario)


def test_after_a_throttle_the_gate_and_the_pace_show_it(play: Play) -> None:
    """And what waits behind the gate."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        await RateLimiter(shown.place.store).throttled(shown.place.host, "import", 30, shown.place.now)
        shown.place.pass_time(10_000)
        found = await shown.figures()
        assert found["gate_closed_seconds main"] == 20
        assert found["pace_ratio main"] == pytest.approx(0.5 + 0.05 / 6)
        assert found["oldest_ready_chunk_age_seconds main"] == 10

    play(scenario)


def test_a_chunk_in_hand_is_leased_until_its_lease_is_over(play: Play) -> None:
    """And then it waits again."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        assert await shown.place.chunk_store.take(shown.place.host, "bell", "token") is not None
        assert (await shown.figures())["leased_chunks main deliver"] == 1
        assert (await shown.figures())["oldest_ready_chunk_age_seconds main"] == 0
        shown.place.pass_time(20_001)
        assert (await shown.figures())["leased_chunks main deliver"] == 0

    play(scenario)


def test_a_run_is_shown_however_many_are_newer(play: Play) -> None:
    """While it is not over, and the newest of each export that is still there after that."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        shown.place.redis.zadd(key("runs"), {f"other{number}": shown.place.now + number for number in range(3_000)})
        assert (await shown.figures())["run_state vips delivering"] == 1

    play(scenario)


def test_an_export_that_was_made_anew_under_the_same_name_is_shown_once(play: Play) -> None:
    """The old one's run may still be ending."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"), name="r1", id="e1")
        await shown.place.open_run(("c", "d"), name="r2", id="e2", list_id="13")
        assert [name for name in await shown.figures() if name.startswith("run_state")] == ["run_state vips delivering"]

    play(scenario)


def test_a_segment_that_an_export_names_shows_when_it_was_refreshed(play: Play) -> None:
    """One that nobody names is nobody's business."""

    async def scenario(shown: Shown) -> None:
        place = shown.place
        await place.registry.save_export(export(connection=place.connection.id))
        for segment in ("vip", "other"):
            place.redis.hset(key("segment", segment), mapping={"time": START, "accepted": START, "snapshot": "/s.csv"})
        found = {name: value for name, value in (await shown.figures()).items() if name.startswith("segment_")}
        assert found == {"segment_refreshed_timestamp_seconds vip": START / 1000}

    play(scenario)


def test_while_a_slow_account_is_watched_the_finish_is_that_of_its_pace(play: Play) -> None:
    """Ten chunks a minute of a hundred, though the allowance is ten times that; and a pause is not held against it."""

    async def scenario(shown: Shown) -> None:
        place = shown.place
        await place.open_run(*[(f"a{number}", f"b{number}") for number in range(120)])

        async def work(chunks: int) -> None:
            for number in range(chunks):
                await shown.overview.sample()
                held = await place.chunk_store.take(place.host, "bell", f"t{place.now}-{number}")
                assert held is not None
                assert await place.chunk_store.settle(held, ChunkOutcome(to="over", books={"applied": 2}))
                place.pass_time(6_000)

        await work(20)
        await shown.overview.sample()
        finish = (await shown.overview.project([await place.run()]))["r1"]
        assert finish - place.now == pytest.approx(100 * 6_000, rel=0.1)
        # Two hours of pause; who comes to look after it has only the record, and must not hold the pause against it either.
        place.redis.hset(key("run", "r1"), mapping={"accepted": 40, "first_import": START})
        await place.run_store.steer("r1", "pause")
        for _ in range(120):
            place.pass_time(MINUTE_MS)
            await shown.overview.sample()
        await place.run_store.steer("r1", "resume")
        for overview in (shown.overview, Shown(place).overview):
            await overview.sample()
            resumed = (await overview.project([await place.run()]))["r1"]
            assert resumed - place.now < 15 * MINUTE_MS

    play(scenario)


def test_two_producers_show_the_same(play: Play) -> None:
    """So that their maximum is what each says."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        await shown.accept("a-batch")
        first, second = await shown.figures(), await Shown(shown.place).figures()
        memory = "store_memory_bytes"
        assert {**first, memory: 0} == {**second, memory: 0}

    play(scenario)


def test_chunks_of_a_run_that_is_paused_wait_for_a_person_and_not_for_a_worker(play: Play) -> None:
    """Nobody is to be woken for them."""

    async def scenario(shown: Shown) -> None:
        await shown.place.open_run(("a", "b"))
        await shown.place.run_store.steer("r1", "pause")
        shown.place.pass_time(3_600_000)
        assert (await shown.figures())["oldest_ready_chunk_age_seconds main"] == 0

    play(scenario)


def test_a_run_that_waits_to_begin_is_shown_and_one_that_is_over_as_long_as_its_export_is_there(play: Play) -> None:
    """What was deleted is not looked at any more."""

    async def scenario(shown: Shown) -> None:
        place = shown.place
        made = export(connection=place.connection.id)
        revision = await place.registry.revision()
        fields = row("r1", made, place.connection, Order("/s.csv", Trigger.DEMAND), Retention())
        await place.store.run("demand", "", "", 1000, revision, codec.text(fields))
        assert (await shown.figures())["run_state vips queued"] == 1
        await place.registry.save_export(made)
        await place.run_store.steer("r1", "cancel")
        assert (await shown.figures())["run_state vips cancelled"] == 1
        await place.registry.delete_export("vips")
        assert [name for name in await shown.figures() if name.startswith("run_state")] == []

    play(scenario)
