"""Puts the producer together: the only place where it builds and opens things."""

import asyncio
import logging
import secrets
import signal
import socket
import sys
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import structlog
from aiohttp import web

from producer.access.openid.login import Login
from producer.access.openid.provider import Provider
from producer.access.session_store import PendingKeyStore, SessionStore
from producer.access.tokens import Tokens
from producer.accounts.checker import Checker
from producer.accounts.contact_limit_reader import ContactLimits
from producer.accounts.discovery import AccountDiscovery
from producer.api.app import make_app
from producer.api.server import make_runner
from producer.api.token_throttle import TokenThrottle
from producer.audit.trail import Audit
from producer.doctor import Diagnosis, Doctor, settings_diagnoses
from producer.intake.event_stream import EventStreamConsumer
from producer.intake.event_stream_store import EventStreamStore
from producer.intake.new_run import Retention
from producer.intake.open_runs import Intake
from producer.intake.scheduler import Scheduler
from producer.monitoring.metrics import Metrics
from producer.monitoring.overview import Overview
from producer.monitoring.queue_stats import QueueStatsStore
from producer.notifications.channels import Channels
from producer.notifications.health_store import ExportHealthStore
from producer.notifications.mail import Mail
from producer.notifications.outbox import Outbox
from producer.notifications.sender import Sender
from producer.notifications.watcher import Watcher
from producer.notifications.webhooks import Webhooks
from producer.people.erase import Eraser
from producer.people.erasure_store import ErasureStore
from producer.people.membership import Membership
from producer.people.trace import Tracer
from producer.pipeline.known_people import KnownPeopleReader
from producer.pipeline.runner import Runner
from producer.registry.staleness_check import StalenessCheck
from producer.registry.store import Registry
from producer.runs.run_log import RunLog
from producer.runs.store import RunStore
from producer.services.context import NotificationServices, Services
from producer.services.identity import Identities
from producer.settings import SHORT_TOKEN_CHARACTERS, Settings, read_settings
from producer.snapshots import Preview, preview_snapshot
from producer.web import PageAccess, PendingKeys, Sessions, add_page
from wire.chunk_queue.rate_limiter import RateLimiter
from wire.chunk_queue.wakeup_queue import WakeupQueue, make_broker
from wire.chunk_queue.wakeups import Wakeups
from wire.http.session import Session, open_session
from wire.process import crashes, logs
from wire.process.periodic import cancel_and_wait, every
from wire.process.settings import SettingsError
from wire.store.redis import SHARED_SCRIPTS, Store, connect, load_scripts, open_store
from wire.store.results import StoreError
from wire.vault import Vault

SCRIPT_ROOMS: Final = (
    *SHARED_SCRIPTS,
    "producer.access",
    "producer.audit",
    "producer.intake",
    "producer.monitoring",
    "producer.notifications",
    "producer.people",
    "producer.registry",
    "producer.runs",
)
"""The packages whose scripts the producer runs."""

SWEEP_SECONDS: Final = 1.0
SAMPLE_SECONDS: Final = 5.0
TELL_SECONDS: Final = 1.0
ERASE_SECONDS: Final = 2.0
CLOCK_SECONDS: Final = 2.0
WATCH_SECONDS: Final = 2.0
POST_SECONDS: Final = 1.0
TRIM_SECONDS: Final = 600.0
ACCOUNT_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


def serve(environment: Mapping[str, str]) -> int:
    """Run the producer until it is told to end; 0, or 2 where settings or store do not let it start."""
    try:
        settings = read_settings(environment)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201  there is no log yet
        return 2
    logs.configure(settings.log_level, sys.stderr)
    crashes.contain()
    try:
        asyncio.run(_serve(settings))
    except StoreError as error:
        _log.error("producer_cannot_start", error=str(error))
        return 2
    return 0


async def _serve(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        store = await open_store(settings.redis_url, load_scripts(*SCRIPT_ROOMS))
        stack.push_async_callback(store.close)
        await _check_store(store)
        if len(settings.admin_token) < SHORT_TOKEN_CHARACTERS:
            _log.warning("admin_token_is_short", characters=len(settings.admin_token))
        queue_store = Store(connect(settings.queue_url))
        queue = WakeupQueue(make_broker(settings.queue_url), queue_store)
        stack.push_async_callback(queue.close)
        session = await stack.enter_async_context(open_session(settings.trusted_hosts))

        run_store, wakeups, registry = RunStore(store), Wakeups(store, queue), Registry(store)
        staleness_check = StalenessCheck(registry, settings.stale_after_hours)
        overview = Overview(store, run_store, wakeups, staleness_check)
        metrics = Metrics(overview, settings=_shown(settings, store))

        async def wake(account: str) -> None:
            await wakeups.wake([account])

        checker, vault = Checker(session, RateLimiter(store), settings.trusted_hosts), Vault(settings.secret_keys)
        erasure_store = ErasureStore(store, run_store)
        eraser = Eraser(erasure_store, registry, checker, vault, run_store.now)

        async def sweep() -> None:
            metrics.swept(await wakeups.wake())

        reading = Runner(
            run_store,
            KnownPeopleReader(Membership(store), run_store, erasure_store.forgotten),
            roots=settings.snapshot_roots,
            trusted_hosts=settings.trusted_hosts,
            allowance=overview.allowance,
            contract=ContactLimits(registry, checker, vault).of,
            appended=wake,
            surveyed=metrics.surveyed,
        )
        intake = Intake(
            store,
            registry,
            snapshot_roots=settings.snapshot_roots,
            trusted_hosts=settings.trusted_hosts,
            retention=Retention(settings.rejects_days, settings.runs_days),
        )
        channels, outbox = Channels(store), Outbox(store)
        mail = Mail(settings.mail) if settings.mail else None
        sender = Sender(outbox, vault, Webhooks(session), mail, metrics.posted)
        watcher = Watcher(
            healths=ExportHealthStore(store),
            channels=channels,
            registry=registry,
            run_store=run_store,
            staleness_check=staleness_check,
            project=overview.project,
            runs_shown=QueueStatsStore(store).newest,
            new_id=lambda: secrets.token_hex(16),
            public_url=settings.public_url,
        )
        events, audit = EventStreamStore(store), Audit(store)
        look = partial(_look, settings)
        doctor = Doctor(settings, store=store, queue=queue_store, wakeups=wakeups, checks=checker, preview=look)
        services = Services(
            registry=registry,
            tokens=Tokens(store),
            run_store=run_store,
            intake=intake,
            events=events,
            checks=checker,
            tracer=Tracer(store, run_store),
            erasure_store=erasure_store,
            eraser=eraser,
            audit=audit,
            examine=doctor.examine,
            vault=vault,
            staleness_check=staleness_check,
            notifying=NotificationServices(
                channels=channels,
                outbox=outbox,
                attempt=sender.attempt,
                trusted_hosts=settings.trusted_hosts,
                public_url=settings.public_url,
                mails=settings.mail is not None,
            ),
            project=overview.project,
            preview=look,
            exposition=metrics.exposition,
            readiness=lambda: _readiness(store),
            budget_minutes=settings.budget_minutes,
        )
        tokens, attempts = services.tokens, TokenThrottle()
        identities = Identities(settings.admin_token, tokens)
        app = make_app(services, identify=identities, attempts=attempts, proxies=settings.trusted_proxies)
        sessions, openid = (
            Sessions(SessionStore(store), tokens, settings.admin_token),
            _openid(settings, session, vault),
        )
        add_page(app, PageAccess(identities, attempts, sessions, PendingKeys(PendingKeyStore(store)), openid))
        runner = make_runner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        host, port = settings.listen
        await web.TCPSite(runner, host, port).start()
        _log.info("producer_ready", host=host, port=port)
        # A name that no living producer shares, and that a restarted one has again with what it had taken.
        stream = EventStreamConsumer(events, intake, consumer=f"{socket.gethostname()}:{port}")
        await _until_told(
            reading.run(),
            stream.run(),
            every(SWEEP_SECONDS, sweep, "sweep"),
            every(SAMPLE_SECONDS, overview.sample, "sample"),
            every(TELL_SECONDS, RunLog(store, run_store).tell_all, "tell"),
            every(WATCH_SECONDS, watcher.watch, "watch"),
            every(POST_SECONDS, sender.post, "post"),
            every(ERASE_SECONDS, eraser.go_on, "erase"),
            every(CLOCK_SECONDS, Scheduler(store, registry, intake, run_store.now).keep_time, "schedule"),
            every(ACCOUNT_SECONDS, AccountDiscovery(registry, checker, vault).step, "look_at_accounts"),
            every(TRIM_SECONDS, lambda: audit.trim(settings.audit_days), "trim_audit"),
        )
        _log.info("producer_stops")


async def _look(settings: Settings, uri: str) -> Preview:
    return await asyncio.to_thread(preview_snapshot, uri, settings.snapshot_roots, settings.trusted_hosts)


def examine(environment: Mapping[str, str]) -> list[Diagnosis]:
    """Examine what a producer with these settings would stand on, without one."""
    try:
        settings = read_settings(environment)
    except SettingsError as error:
        return settings_diagnoses(error.problems)
    logs.configure(logging.CRITICAL, sys.stderr)  # what goes wrong is told once, by the doctor
    return asyncio.run(_examine(settings))


async def _examine(settings: Settings) -> list[Diagnosis]:
    async with AsyncExitStack() as stack:
        store = Store(connect(settings.redis_url), scripts=load_scripts(*SCRIPT_ROOMS))
        queue_store = Store(connect(settings.queue_url))
        queue = WakeupQueue(make_broker(settings.queue_url), queue_store)
        stack.push_async_callback(store.close)
        stack.push_async_callback(queue.close)
        session = await stack.enter_async_context(open_session(settings.trusted_hosts))
        checker = Checker(session, RateLimiter(store), settings.trusted_hosts)
        wakeups, look = Wakeups(store, queue), partial(_look, settings)
        doctor = Doctor(settings, store=store, queue=queue_store, wakeups=wakeups, checks=checker, preview=look)
        return await doctor.examine()


async def _until_told(*loops: Coroutine[Any, Any, None]) -> None:
    """Run loops until SIGTERM or SIGINT, then end them."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    tasks = [asyncio.create_task(loop) for loop in loops]
    waiting = asyncio.create_task(told.wait())
    done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    await cancel_and_wait([waiting, *tasks])
    for task in done - {waiting}:
        task.result()


def _shown(settings: Settings, store: Store) -> dict[str, str]:
    """The settings that explain what the metrics show, as labels; no place and no secret."""
    return {
        "budget_minutes": f"{settings.budget_minutes:g}",
        "stale_after_hours": f"{settings.stale_after_hours:g}",
        "rejects_retention_days": f"{settings.rejects_days:g}",
        "runs_retention_days": f"{settings.runs_days:g}",
        "audit_days": f"{settings.audit_days:g}",
        "store_may_lose": "yes" if store.durability.risk else "no",
    }


def _openid(settings: Settings, session: Session, vault: Vault) -> Login | None:
    """How people log in by OpenID Connect, if that is set."""
    config = settings.openid
    return None if config is None else Login(Provider(session, config, settings.trusted_hosts), vault, config)


async def _check_store(store: Store) -> None:
    """Say what a yes of this store risks, and refuse one that may throw records away."""
    if store.durability.risk:
        _log.warning("store_may_lose", risk=store.durability.risk)
    policy = (await store.settings("maxmemory-policy")).get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        raise StoreError(f"maxmemory-policy is {policy}: the store would throw records away; set it to noeviction")


async def _readiness(store: Store) -> list[str]:
    await store.ping()
    return []
