"""Puts a worker process together: the only place where it builds and opens things."""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Callable
from typing import Final

import structlog

from wire.chunk_queue.chunk_store import ChunkStore
from wire.chunk_queue.rate_limiter import RateLimiter
from wire.chunk_queue.wakeup_queue import Broker, WakeupQueue, make_broker
from wire.chunk_queue.wakeups import Wakeups
from wire.http.session import Session, open_session
from wire.process import crashes, logs
from wire.process.periodic import cancel_and_wait, every
from wire.store.redis import Store, connect
from wire.vault import Vault
from worker import report_log
from worker.chunk_worker import ChunkWorker
from worker.dramatiq_actor import install, middleware
from worker.health_server import HealthServer, serve
from worker.liveness import Liveness
from worker.metrics import Metrics, exposition, is_shared
from worker.queue_fallback import QueueFallback
from worker.reports import WorkerReport
from worker.requester import Requester
from worker.settings import Settings, read_settings

RENEW_EVERY_SECONDS: Final = 5.0
BEAT_EVERY_SECONDS: Final = 1.0
SWEEP_EVERY_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)


def create_broker() -> None:
    """Set this process's broker up, as dramatiq's command asks for. SettingsError if it cannot be."""
    settings = read_settings(os.environ)
    logs.configure(settings.log_level, sys.stderr)
    crashes.contain()
    process = Process(settings)
    process.broker = make_broker(settings.queue_url, middleware(process.open, process.close))
    install(process.broker, process.handle_wakeup)


class Process:
    """What one worker process holds open between its boot and its end."""

    broker: Broker

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
        self._metrics = Metrics()
        self._tasks: list[asyncio.Task[None]] = []
        self._store: Store
        self._queue: WakeupQueue
        self._queue_fallback: QueueFallback
        self._session: Session
        self._chunk_worker: ChunkWorker
        self._server: HealthServer | None = None

    async def open(self, threads: int, threads_alive: Callable[[], bool]) -> None:
        """Open the store, the queue and the session on this loop, and begin to renew, to sweep and to show signs of life."""
        settings = self._settings
        self._store = Store(connect(settings.redis_url))
        self._queue = WakeupQueue(self.broker, Store(connect(settings.queue_url)))
        self._session = open_session(settings.trusted_hosts)
        self._queue_fallback = QueueFallback(self._queue, self.handle_wakeup, threads=threads)
        chunk_store, wakeups = ChunkStore(self._store), Wakeups(self._store, self._queue_fallback)
        vault = Vault(settings.secret_keys)
        requester = Requester(self._session, RateLimiter(self._store), vault, settings.trusted_hosts, self._listen)
        self._chunk_worker = ChunkWorker(chunk_store, requester, wakeups, self._listen)
        liveness = Liveness(oldest_held=self._chunk_worker.oldest_held, threads_alive=threads_alive)
        self._metrics.opened(threads)
        self._server = serve(settings.metrics_port, liveness, exposition(), shared=is_shared())

        async def renew() -> None:
            await chunk_store.renew(self._name, threads, self._chunk_worker.leased_chunks())
            liveness.renewed()

        async def sweep() -> None:
            await self._chunk_worker.give_back()
            self._metrics.swept(await wakeups.wake())

        async def beat() -> None:
            liveness.beat()
            self._metrics.holds(len(self._chunk_worker.leased_chunks()))

        self._tasks = [
            asyncio.create_task(every(RENEW_EVERY_SECONDS, renew, "renew")),
            asyncio.create_task(every(SWEEP_EVERY_SECONDS, sweep, "sweep")),
            asyncio.create_task(every(BEAT_EVERY_SECONDS, beat, "beat")),
        ]
        _log.info("worker_ready", process=self._name, threads=threads)

    async def handle_wakeup(self, account: str, wakeup: str) -> None:
        """Answer a bell."""
        await self._chunk_worker.handle_wakeup(account, wakeup)

    async def close(self) -> None:
        """Close what was opened; what is still in hand is taken again when its lease is over."""
        await cancel_and_wait(self._tasks)
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        await self._queue_fallback.close()
        await self._session.close()
        await self._queue.close()
        await self._store.close()
        _log.info("worker_stopped", process=self._name)

    def _listen(self, report: WorkerReport) -> None:
        self._metrics(report)
        report_log.log_report(report)
