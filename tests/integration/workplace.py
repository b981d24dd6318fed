"""A desk at work: a real store on time that a test moves, bells that are heard in order, and an account over real HTTP.

It knows neither what the account answers nor what should come of it.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from producer.app import SCRIPT_ROOMS
from producer.intake.new_run import Order, Retention, row
from producer.registry.model import Connection
from producer.registry.store import Registry
from producer.runs.store import RunStore
from tests.integration.serving import VAULT, connection, export
from tests.integration.walking import CLOCK, CLOCK_KEY, START, Immediate
from tests.unit.records import contacts
from wire.chunk_queue.chunk import NewChunk
from wire.chunk_queue.chunk_store import ChunkStore
from wire.chunk_queue.rate_limiter import RateLimiter
from wire.chunk_queue.run import Run, Trigger
from wire.chunk_queue.wakeups import Wakeups
from wire.http.session import Session, open_session
from wire.store import codec
from wire.store.redis import Store, load_scripts
from worker import report_log
from worker.chunk_worker import ChunkWorker
from worker.metrics import Metrics
from worker.reports import WorkerReport
from worker.requester import Requester

API_KEY: Final = "sandbox-key"
STEP_MS: Final = 500
THREADS: Final = 32


@dataclass
class Bells:
    """A queue of bells that a test hears itself."""

    rung: list[tuple[str, str]] = field(default_factory=list)

    async def put(self, account: str, bell: str) -> None:
        """Keep a bell."""
        self.rung.append((account, bell))

    async def length(self) -> int:
        """Count those nobody has heard."""
        return len(self.rung)


class Workplace:
    """One connection, its runs, and a desk that works on them; `reports` is what the desk told."""

    def __init__(self, redis: Redis, session: Session, host: str) -> None:
        self.redis = redis
        self.now = START
        self.pass_time(0)
        self.store = Store(cast("AsyncRedis", Immediate(redis)), clock=CLOCK, scripts=load_scripts(*SCRIPT_ROOMS))
        self.run_store = RunStore(self.store)
        self.chunk_store = ChunkStore(self.store)
        self.registry = Registry(self.store)
        self.bells = Bells()
        self.wakeups = Wakeups(self.store, self.bells)
        self.connection: Connection = connection(host=host)
        self.reports: list[WorkerReport] = []
        self.metrics_registry = CollectorRegistry()
        self.while_waiting: Callable[[], Any] | None = None
        self._metrics = Metrics(self.metrics_registry)
        self._requester = Requester(
            session, RateLimiter(self.store, sleep=self._sleep), VAULT, frozenset({host}), self._listen
        )
        self.chunk_worker = self.another_desk()

    @property
    def host(self) -> str:
        """The account."""
        return self.connection.account

    def another_desk(
        self, chunk_store: ChunkStore | None = None, *, clock_seconds: Callable[[], float] = time.monotonic
    ) -> ChunkWorker:
        """Another worker process on the same record."""
        mine = chunk_store or self.chunk_store
        return ChunkWorker(
            mine, self._requester, self.wakeups, self._listen, jitter=lambda: 0.5, clock_seconds=clock_seconds
        )

    def pass_time(self, milliseconds: int) -> None:
        """Let the store's time go on."""
        self.now += milliseconds
        self.redis.set(CLOCK_KEY, self.now)

    async def connect(self, api_key: str = API_KEY, *, sealed_for: str | None = None) -> None:
        """Keep the connection with its key."""
        sealed = VAULT.seal(sealed_for or self.connection.id, SecretStr(api_key))
        await self.registry.save_connection(self.connection, secret=sealed)

    async def mend(self, api_key: str = API_KEY) -> None:
        """Put another key into the connection."""
        sealed = VAULT.seal(self.connection.id, SecretStr(api_key))
        await self.registry.save_connection(self.connection, secret=sealed, replaces=self.connection)

    async def open_run(
        self, *chunks: Sequence[str], name: str = "r1", over: Connection | None = None, **options: Any
    ) -> str:
        """Open a run and append chunks of people by their names, its rows counted from 1; `over` another connection."""
        order = Order(snapshot="/s.csv", trigger=Trigger.DEMAND)
        used = over or self.connection
        made = export(connection=used.id, **options)
        fields = row(name, made, used, order, Retention())
        revision = await self.registry.revision()
        await self.store.run("demand", "", "", 1000, revision, codec.text(fields))
        assert await self.run_store.begin("a-reader") is not None
        people = sum(map(len, chunks))
        await self.run_store.surveyed(
            name,
            "a-reader",
            figures={"read": people, "selected": people},
            selection=b"",
            forecast={"requests": len(chunks)},
            rejects=[],
            pin="a-pin",
        )
        row_number = 0
        for number, chunk in enumerate(chunks):
            rows = range(row_number + 1, row_number + len(chunk) + 1)
            told = await self.run_store.append(
                name,
                "a-reader",
                [NewChunk(rows[-1], contacts(*chunk, automations=made.automations), rows)],
                at=(number, row_number),
            )
            assert told.reading == "ok"
            row_number = rows[-1]
        await self.run_store.end_reading(name, "a-reader", at=(len(chunks), row_number))
        return name

    async def run(self, name: str = "r1") -> Run:
        """Look at a run."""
        (found,) = await self.run_store.look([name])
        return found

    async def step(self) -> None:
        """Ring for what is due, hear every bell, and let half a second pass."""
        await self.chunk_store.renew("process", THREADS, self.chunk_worker.leased_chunks())
        await self.wakeups.wake()
        while self.bells.rung:
            await self.chunk_worker.handle_wakeup(*self.bells.rung.pop(0))
        self.pass_time(STEP_MS)

    async def work(self, seconds: float) -> None:
        """Work for so long, in the store's time."""
        until = self.now + seconds * 1000
        while self.now < until:
            await self.step()

    async def finish(self, name: str = "r1", *, within_seconds: float = 600) -> Run:
        """Work until a run is over."""
        until = self.now + within_seconds * 1000
        while not (run := await self.run(name)).over:
            assert self.now < until, f"not over: {run}"
            await self.step()
        assert run.books.close(over=True)
        return run

    def counted(self) -> dict[str, float]:
        """The contacts that the metrics have counted, by outcome."""
        return {
            sample.labels["outcome"]: sample.value
            for metric in self.metrics_registry.collect()
            for sample in metric.samples
            if sample.name == "segment_export_contacts_total"
        }

    async def _sleep(self, seconds: float) -> None:
        if self.while_waiting is not None:
            await self.while_waiting()
        self.pass_time(round(seconds * 1000))

    def _listen(self, report: WorkerReport) -> None:
        self.reports.append(report)
        self._metrics(report)
        report_log.log_report(report)


@asynccontextmanager
async def workplace(redis: Redis, app: web.Application) -> AsyncIterator[Workplace]:
    """Serve an account on a free port of this machine, and work on it with an empty store."""
    redis.flushall()
    async with TestServer(app, host="127.0.0.1") as server:
        host = f"127.0.0.1:{server.port}"
        async with open_session(frozenset({host})) as session:
            place = Workplace(redis, session, host)
            await place.connect()
            yield place
