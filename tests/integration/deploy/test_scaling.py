"""How many workers the shipped autoscalers run: recorded figures of the real record, put through the scaling formula.

The record is worked on by hand in the store's time, the producer's metrics are scraped every quarter of a minute, and what
Prometheus would have recorded goes to the autoscaler as `deploy/kubernetes` sets it up.
"""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from deploy.local.valkey import Valkey
from deploy.scaling import Policy, ReadFigures, Scaler, replicas, scaler_of
from producer.monitoring.metrics import Metrics
from producer.monitoring.overview import Overview
from producer.registry.staleness_check import StalenessCheck
from tests.deployed import named
from tests.integration.serving import connection
from tests.integration.workplace import Workplace, workplace
from wire.chunk_queue.chunk import ChunkOutcome
from wire.chunk_queue.rate_limiter import RateLimiter

POLL_SECONDS: Final = 15
THREADS: Final = 32
WIDE: Final = 40
"""Chunks of a run: more than an account's allowance keeps in anybody's hands."""

ACCEPTED: Final = 10
"""Of them, those whose batches are worked off: more than are asked after at once."""

KEDA = scaler_of(named("prod", "ScaledObject", "segment-export-worker"))
PLAIN = scaler_of(named("plain", "HorizontalPodAutoscaler", "segment-export-worker"))
SCALERS = pytest.mark.parametrize("scaler", [KEDA, PLAIN], ids=["keda", "plain"])


class Recorder:
    """A workplace whose metrics are scraped while its time goes by."""

    def __init__(self, place: Workplace) -> None:
        self.place = place
        self.looks: list[ReadFigures] = []
        self.workers = ["one"]
        self._metrics = Metrics(
            Overview(place.store, place.run_store, place.wakeups, StalenessCheck(place.registry, 26)),
            CollectorRegistry(),
        )
        self._tokens = count()

    async def open_runs(self, accounts: int) -> None:
        """Open a run on each of so many accounts."""
        for number in range(accounts):
            name = f"a{number}"
            chunks = [(f"p{number}-{chunk}",) for chunk in range(WIDE)]
            over = connection(name, host=f"{name}.example")
            await self.place.open_run(*chunks, name=f"r{number}", over=over, id=f"e{number}")
            for batch in range(ACCEPTED):
                held = await self.place.chunk_store.take(over.account, "bell", f"t{next(self._tokens)}")
                assert held is not None
                outcome = ChunkOutcome(to="accepted", count=1, batch=f"b{batch}", due_in_ms=1)
                assert await self.place.chunk_store.settle(held, outcome)

    async def scrape(self, minutes: float, meanwhile: Callable[[], Awaitable[object]] | None = None) -> None:
        """Let so many minutes go by, with living workers, and record what is wanted."""
        for _ in range(round(minutes * 60 / POLL_SECONDS)):
            for _ in range(POLL_SECONDS // 5):
                for worker in self.workers:
                    await self.place.chunk_store.renew(worker, THREADS, ())
                self.place.pass_time(5_000)
            if meanwhile:
                await meanwhile()
            body, _ = await self._metrics.exposition()
            (wanted,) = (
                sample.value
                for family in text_string_to_metric_families(body.decode())
                for sample in family.samples
                if sample.name == "segment_export_workers_wanted"
            )
            self.looks.append(ReadFigures(len(self.looks) * POLL_SECONDS, wanted))

    async def take(self, account: str) -> bool:
        """Have a chunk taken by somebody who is never heard of again."""
        return await self.place.chunk_store.take(account, "bell", f"t{next(self._tokens)}") is not None

    async def end_runs(self, accounts: int) -> None:
        """Cancel them all; what is accepted comes to its end."""
        for number in range(accounts):
            await self.place.run_store.steer(f"r{number}", "cancel")
            while held := await self.place.chunk_store.take(f"a{number}.example", "bell", f"t{next(self._tokens)}"):
                assert await self.place.chunk_store.settle(held, ChunkOutcome(to="over", books={"applied": held.count}))


Scenario = Callable[[Recorder], Awaitable[None]]
Record = Callable[[Scenario], list[ReadFigures]]


@pytest.fixture
def record(valkey: Valkey) -> Iterator[Record]:
    """Play a scenario over an empty record, and return what was recorded."""
    with Redis(port=valkey.port) as redis:

        def play(scenario: Scenario) -> list[ReadFigures]:
            async def opened() -> list[ReadFigures]:
                async with workplace(redis, web.Application()) as place:
                    recorder = Recorder(place)
                    await scenario(recorder)
                    return recorder.looks

            return asyncio.run(opened())

        yield play


def counts(scaler: Scaler, looks: list[ReadFigures]) -> list[int]:
    """The replicas over time, a figure each quarter of a minute."""
    return [there for _, there in replicas(scaler, looks)]


@SCALERS
def test_one_account_needs_one_worker_however_many_contacts_wait(record: Record, scaler: Scaler) -> None:
    """A second one would wait beside it."""

    async def scenario(recorder: Recorder) -> None:
        await recorder.open_runs(1)
        await recorder.scrape(10)
        await recorder.end_runs(1)
        await recorder.scrape(6)

    assert set(counts(scaler, record(scenario))) == {1}


@SCALERS
def test_fifty_accounts_get_theirs_within_a_minute_and_keep_them_for_five_after_the_end(
    record: Record, scaler: Scaler
) -> None:
    """Five chunks each in the hands of workers that hold 32."""

    async def scenario(recorder: Recorder) -> None:
        await recorder.scrape(1)
        await recorder.open_runs(50)
        await recorder.scrape(5)
        await recorder.end_runs(50)
        await recorder.scrape(12)

    found = counts(scaler, record(scenario))
    began, ended = 60 // POLL_SECONDS, 6 * 60 // POLL_SECONDS
    assert set(found[:began]) == {1}
    assert found[began + 3 : ended] == [8] * (ended - began - 3)
    kept = 300 // POLL_SECONDS
    assert set(found[ended : ended + kept - 1]) == {8}
    assert found[-1] == 1
    assert all(after >= before / 2 - 1 for before, after in pairwise(found[ended:]))


@SCALERS
def test_a_throttled_account_needs_no_more_workers_for_being_slow(record: Record, scaler: Scaler) -> None:
    """Its gate is closed again and again: what waits longer does not want more hands."""

    async def scenario(recorder: Recorder) -> None:
        await recorder.open_runs(1)
        pacer = RateLimiter(recorder.place.store)

        async def throttle() -> None:
            await pacer.throttled("a0.example", "import", 30, recorder.place.now)

        await recorder.scrape(15, throttle)

    assert set(counts(scaler, record(scenario))) == {1}


@SCALERS
def test_a_stuck_worker_makes_the_number_neither_grow_nor_shrink(record: Record, scaler: Scaler) -> None:
    """It renews nothing any more and still holds chunks: its probe restarts it, and no scaler has to know."""

    async def scenario(recorder: Recorder) -> None:
        recorder.workers = ["one", "two", "stuck"]
        await recorder.open_runs(10)
        await recorder.scrape(3)
        for number in range(10):
            assert await recorder.take(f"a{number}.example")
        recorder.workers = ["one", "two"]
        await recorder.scrape(5)

    looks = record(scenario)
    assert {look.wanted for look in looks} == {2}
    assert set(counts(scaler, looks)[4:]) == {2}


def test_while_prometheus_is_away_the_fallback_holds_workers() -> None:
    """No answer is not none wanted; three looks are waited for."""
    looks = [ReadFigures(at * POLL_SECONDS, 1 if at < 4 else None) for at in range(12)]
    assert counts(KEDA, looks) == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]
    assert set(counts(PLAIN, looks)) == {1}


def test_a_change_within_a_tenth_changes_nothing() -> None:
    """Kubernetes' tolerance."""
    looks = [ReadFigures(at * POLL_SECONDS, wanted) for at, wanted in enumerate([1, 10, 10, 10, 18, 18, 18, 19])]
    assert counts(KEDA, looks) == [1, 9, 9, 10, 17, 17, 17, 19]


def test_the_most_and_the_least_are_kept() -> None:
    """Whatever is asked for."""
    looks = [ReadFigures(at * POLL_SECONDS, 1_000 if at < 20 else 0) for at in range(80)]
    found = counts(KEDA, looks)
    assert max(found) == KEDA.most
    assert found[-1] == KEDA.least


def test_the_two_scalers_are_set_up_alike() -> None:
    """They differ in where the figure comes from, and in the fallback."""
    assert (KEDA.least, KEDA.most, KEDA.target, KEDA.up, KEDA.down) == (
        PLAIN.least, PLAIN.most, PLAIN.target, PLAIN.up, PLAIN.down
    )  # fmt: skip
    assert KEDA.up.policies == (Policy("Pods", 8, 30),)


def test_recorded_figures_of_your_own_are_put_through_by_a_command(tmp_path: Path) -> None:
    """A line a look: seconds, wanted, replicas."""
    recorded = tmp_path / "recorded.csv"
    recorded.write_text("0,1\n15,5\n30,5\n45,\n")
    command = [sys.executable, "-m", "deploy.scaling", str(recorded)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout == "0\t1\t1\n15\t5\t5\n30\t5\t5\n45\t-\t5\n"
