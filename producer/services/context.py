"""Whom the handlers work with, handed in as one value: they build nothing and know no process-wide state."""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from producer.access.tokens import Tokens
from producer.accounts.findings import Checks
from producer.audit.trail import Audit
from producer.doctor import Diagnosis
from producer.intake.event_stream_store import EventStreamStore
from producer.intake.open_runs import Intake
from producer.notifications.attempts import Attempt
from producer.notifications.channel import Channel
from producer.notifications.channels import Channels
from producer.notifications.outbox import Outbox
from producer.people.erase import Eraser
from producer.people.erasure_store import ErasureStore
from producer.people.trace import Tracer
from producer.registry.staleness_check import StalenessCheck
from producer.registry.store import Registry
from producer.runs.store import RunStore
from producer.snapshots import Preview
from wire.chunk_queue.run import Run
from wire.vault import Vault

ProjectFinish = Callable[[Sequence[Run]], Awaitable[Mapping[str, int]]]
"""From runs to when each is foreseen to finish: by id, in milliseconds since 1970; without a forecast, left out."""

ShowPreview = Callable[[str], Awaitable[Preview]]
"""Look at the beginning of a snapshot. Raises SnapshotError."""

Examine = Callable[[], Awaitable[Sequence[Diagnosis]]]
"""Look at everything that the service stands on."""

Exposition = Callable[[], Awaitable[tuple[bytes, str]]]
"""Write the metrics: bytes and their content type."""

Readiness = Callable[[], Awaitable[Sequence[str]]]
"""Say what keeps the producer from its work, a sentence each; nothing: it is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationServices:
    """Whom the handlers of notification channels work with; `mails`: whether there is a mail server to hand e-mail to."""

    channels: Channels
    outbox: Outbox
    attempt: Callable[[Channel, bytes, str, bytes], Awaitable[Attempt]]
    trusted_hosts: frozenset[str] = frozenset()
    public_url: str = ""
    mails: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What `make_app` is given; `clock_ms` dates what people registered, `new_id` names it for ever."""

    registry: Registry
    tokens: Tokens
    run_store: RunStore
    intake: Intake
    events: EventStreamStore
    checks: Checks
    tracer: Tracer
    erasure_store: ErasureStore
    eraser: Eraser
    audit: Audit
    examine: Examine
    vault: Vault
    staleness_check: StalenessCheck
    notifying: NotificationServices
    project: ProjectFinish
    preview: ShowPreview
    exposition: Exposition
    readiness: Readiness
    budget_minutes: float
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    new_id: Callable[[], str] = lambda: secrets.token_hex(8)
