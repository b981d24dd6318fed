"""The API over a real store, with doubles for whom it would ask outside: ActiveCampaign, metrics, forecasts."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.fernet import Fernet
from pydantic import SecretStr

from producer.access.openid.login import Login
from producer.access.session_store import PendingKeyStore, SessionStore
from producer.access.tokens import Tokens
from producer.accounts.findings import (
    Busy,
    CheckResult,
    Fields,
    FoundFields,
    Lists,
    NotThere,
    Ok,
    OldestLists,
    Sight,
    There,
    Wrong,
)
from producer.api import Identities, Identity, Role, Services, make_app
from producer.api.server import make_runner
from producer.api.token_throttle import TokenThrottle
from producer.audit.trail import Audit
from producer.doctor import Diagnosis, DiagnosisHealth
from producer.intake.event_stream_store import EventStreamStore
from producer.intake.new_run import Retention
from producer.intake.open_runs import Intake
from producer.notifications.attempts import Attempt, AttemptOutcome
from producer.notifications.channel import Channel
from producer.notifications.channels import Channels
from producer.notifications.outbox import Outbox
from producer.people.erase import Eraser
from producer.people.erasure_store import ErasureStore
from producer.people.trace import Tracer
from producer.registry.model import Allow, Connection, Consent, Export, Limits
from producer.registry.staleness_check import StalenessCheck
from producer.registry.store import Registry
from producer.runs.store import RunStore
from producer.services.context import NotificationServices
from producer.services.identity import Identify
from producer.snapshots import preview_snapshot
from producer.web import PageAccess, PendingKeys, Sessions, add_page
from producer.web.run_watcher import RunWatcher
from wire.activecampaign.results import ContactList, CustomField, ListMarks
from wire.chunk_queue.run import Run
from wire.http.hosts import InvalidHost, read_host
from wire.store.redis import Store
from wire.vault import Vault

TOKEN: Final = "an-admin-token-of-some-length"
API_KEY: Final = "canary-key-of-an-account"
VAULT: Final = Vault([SecretStr(Fernet.generate_key().decode())])
MAPPING: Final[Mapping[str, Any]] = {"email": "Email", "first_name": None, "last_name": None, "phone": None} | {
    "fields": {},
    "tags": [],
    "tags_column": None,
}

Client = TestClient[Any, Any]


@dataclass
class FakeChecks:
    """An ActiveCampaign that takes one key and knows one list; `busy` while it answers nobody."""

    api_keys: set[str] = field(default_factory=lambda: {API_KEY}, repr=False)
    known: set[str] = field(default_factory=lambda: {"12", "13"})
    administrator: bool = True
    busy: bool = False
    asked: list[str] = field(default_factory=list)
    contacts: dict[str, str] = field(default_factory=dict)
    answers_as: dict[str, str] = field(default_factory=dict)
    """Hosts that are other names of an account; each of the others is an account of its own."""
    lists_are_hidden: bool = False

    def mend_host(self, text: str) -> str | Wrong:
        try:
            return read_host(text)
        except InvalidHost as error:
            return Wrong("host", str(error))

    async def check_key(self, host: str, api_key: SecretStr) -> CheckResult:
        self.asked.append(f"key {host}")
        if self.busy:
            return Busy(7)
        good = api_key.get_secret_value() in self.api_keys
        return Ok(self.administrator) if good else Wrong("api_key", "ActiveCampaign refuses the key")

    async def check_list(self, host: str, api_key: SecretStr, list_id: str) -> CheckResult:
        self.asked.append(f"list {list_id}")
        key = await self.check_key(host, api_key)
        if isinstance(key, Ok) and list_id not in self.known:
            return Wrong("list_id", "there is no such list")
        return key

    async def look(self, host: str, api_key: SecretStr) -> Sight | Wrong | Busy:
        key = await self.check_key(host, api_key)
        if not isinstance(key, Ok):
            return key
        found = await self.lists(host, api_key)
        assert isinstance(found, Lists)
        limits = (10_000, 1_234) if self.administrator else (None, None)
        return Sight("ann.admin", self.administrator, limits[0], limits[1], found.lists)

    async def lists(self, host: str, api_key: SecretStr) -> Lists | Wrong | Busy:
        key = await self.check_key(host, api_key)
        if not isinstance(key, Ok):
            return key
        return Lists(tuple(ContactList(number, f"List {number}") for number in sorted(self.known)))

    async def oldest_lists(self, host: str, api_key: SecretStr) -> OldestLists | Wrong | Busy:
        if self.busy:
            return Busy(7)
        if self.lists_are_hidden or api_key.get_secret_value() not in self.api_keys:
            return Wrong("api_key", "the key's user may not see this")
        account = self.answers_as.get(host, host)
        return OldestLists(tuple(ListMarks(number, f"{account}-{number}", account) for number in sorted(self.known)))

    async def fields(self, host: str, api_key: SecretStr) -> Fields | Wrong | Busy:
        key = await self.check_key(host, api_key)
        return Fields((CustomField("7", "Loyalty tier"),)) if isinstance(key, Ok) else key

    async def find_contact(self, host: str, api_key: SecretStr, address: str) -> FoundFields:
        key = await self.check_key(host, api_key)
        if not isinstance(key, Ok):
            return key
        return There(self.contacts[address]) if address in self.contacts else NotThere()

    async def delete_contact(self, host: str, api_key: SecretStr, address: str) -> FoundFields:
        found = await self.find_contact(host, api_key, address)
        self.contacts.pop(address, None)
        return found


@dataclass
class Served:
    """What a test of the API holds: a client with the administrator's token, and what stands behind."""

    client: Client
    registry: Registry
    run_store: RunStore
    checks: FakeChecks
    unready: list[str]

    async def ask(self, method: str, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
        """Ask and return status and document."""
        said: dict[str, Any] = {"json": body} if body is not None else {}
        async with self.client.request(method, path, **said, **options) as response:
            return response.status, await response.json(content_type=None)


def roles_by_name(identities: Identities) -> Identify:
    """Know every role by its own name, besides whom `identities` knows."""

    async def identify(token: str) -> Identity | None:
        return Identity(f"somebody who is {token}", Role(token)) if token in set(Role) else await identities(token)

    return identify


async def at_once(_: float) -> None:
    """Wait for nothing."""


class AsServed(TestServer):
    """A test's server with the limits of the real one."""

    async def _make_runner(self, **_: Any) -> web.AppRunner:
        return make_runner(self.app)


@asynccontextmanager
async def serving(  # noqa: PLR0913  a test says what is unlike the ordinary, and nothing else
    store: Store,
    roots: Sequence[Path] = (Path("/snapshots"),),
    *,
    waits: Callable[[float], Awaitable[object]] = at_once,
    admin_token: str = TOKEN,
    openid: Login | None = None,
    watching: RunWatcher | None = None,
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    stale_after_hours: float = 26,
    proxies: Sequence[str] = (),
) -> AsyncIterator[Served]:
    """Serve the API over a store; `waits` is how it waits before it answers who has no good token.

    `proxies`: which of them it believes.
    """
    registry, run_store, checks = Registry(store), RunStore(store), FakeChecks()
    erasure_store = ErasureStore(store, run_store)
    unready: list[str] = []

    async def project(runs: Sequence[Run]) -> Mapping[str, int]:
        return {run.id: run.created + 60_000 for run in runs if not run.over}

    async def attempt(channel: Channel, secret: bytes, message: str, body: bytes) -> Attempt:
        return Attempt(AttemptOutcome.DELIVERED, "HTTP 200")

    async def exposition() -> tuple[bytes, str]:
        return b"segment_export_up 1\n", "text/plain; version=0.0.4; charset=utf-8"

    async def readiness() -> Sequence[str]:
        return unready

    async def examine() -> Sequence[Diagnosis]:
        return [Diagnosis("store", "version", DiagnosisHealth.OK, "Valkey 9.1.2")]

    services = Services(
        registry=registry,
        tokens=Tokens(store),
        run_store=run_store,
        intake=Intake(store, registry, snapshot_roots=roots, retention=Retention()),
        events=EventStreamStore(store),
        checks=checks,
        tracer=Tracer(store, run_store),
        erasure_store=erasure_store,
        eraser=Eraser(erasure_store, registry, checks, VAULT, run_store.now),
        vault=VAULT,
        staleness_check=StalenessCheck(registry, stale_after_hours),
        notifying=NotificationServices(channels=Channels(store), outbox=Outbox(store), attempt=attempt, mails=True),
        audit=Audit(store),
        examine=examine,
        project=project,
        preview=lambda uri: asyncio.to_thread(preview_snapshot, uri, roots),
        exposition=exposition,
        readiness=readiness,
        budget_minutes=90,
        clock_ms=clock_ms,
    )
    identities = Identities(SecretStr(admin_token), services.tokens)
    attempts = TokenThrottle(sleep=waits)
    app = make_app(
        services,
        identify=roles_by_name(identities),
        attempts=attempts,
        proxies=[ip_network(proxy) for proxy in proxies],
    )
    sessions = Sessions(SessionStore(store), services.tokens, SecretStr(admin_token))
    add_page(app, PageAccess(identities, attempts, sessions, PendingKeys(PendingKeyStore(store)), openid), watching)
    async with TestClient(AsServed(app), headers={"Authorization": f"Bearer {admin_token}"}) as client:
        yield Served(client, registry, run_store, checks, unready)


def connection(name: str = "main", **changes: Any) -> Connection:
    """Make a connection; its id is its name's."""
    said: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "display_name": name,
        "host": "acme.api-us1.com",
        "allow": Allow.ADMINS,
        "limits": Limits(),
        "consent": Consent("admin", 1),
        "administrator": True,
        "created": 1,
        "changed": 1,
    }
    return Connection(**said | changes)


def export(name: str = "vips", **changes: Any) -> Export:
    """Make an export over the connection `main`; its id is its name's."""
    said: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "connection": "id-main",
        "segment": "vip",
        "list_id": "12",
        "mapping": dict(MAPPING),
        "leavers": "keep",
        "automations": False,
        "default_region": None,
        "budget_minutes": 90.0,
        "patience_minutes": 30.0,
        "delivery_patience_minutes": 720.0,
        "created": 1,
        "changed": 1,
    }
    return Export(**said | changes)
