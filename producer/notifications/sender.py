"""Delivers messages: takes what is due, sends it by its channel's kind, and writes what came of it."""

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from producer.notifications.attempts import Attempt, AttemptOutcome, given_up, wait_seconds
from producer.notifications.channel import Channel, ChannelKind
from producer.notifications.delivery import DeliveryState, TakenDelivery
from producer.notifications.mail import Mail
from producer.notifications.outbox import Outbox
from producer.notifications.webhooks import Webhooks
from wire.process.units import SECOND_MS
from wire.store import codec
from wire.vault import SecretError, Vault

AT_ONCE: Final = 20

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SendReport:
    """What came of an attempt, for metrics."""

    kind: ChannelKind
    outcome: AttemptOutcome


class Sender:
    """Delivers at least once, under the same id; `listen` is told of every attempt."""

    def __init__(
        self,
        outbox: Outbox,
        vault: Vault,
        webhooks: Webhooks,
        mail: Mail | None,
        listen: Callable[[SendReport], None],
        *,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._vault = vault
        self._webhooks = webhooks
        self._mail = mail
        self._listen = listen
        self._dice = dice

    async def post(self) -> None:
        """Deliver everything that is due."""
        while True:
            token = secrets.token_hex(8)
            taken = await self._outbox.take(token, AT_ONCE)
            await asyncio.gather(*(self._deliver(delivery, token) for delivery in taken))
            if len(taken) < AT_ONCE:
                return

    async def attempt(self, channel: Channel, secret: bytes, message: str, body: bytes) -> Attempt:
        """Send a message to a channel, once, and say what came of it."""
        match channel.kind:
            case ChannelKind.WEBHOOK:
                try:
                    opened = self._vault.open(channel.id, secret)
                except SecretError:
                    return Attempt(
                        AttemptOutcome.FAILED, "its secret cannot be opened: give back the old SECRET_KEYS, or set it"
                    )
                return await self._webhooks.send(channel.url or "", opened, message, body)
            case ChannelKind.EMAIL if self._mail is None:
                return Attempt(AttemptOutcome.FAILED, "no mail server is set: SEGMENT_EXPORT_SMTP_HOST")
            case ChannelKind.EMAIL:
                return await self._mail.send(channel.addresses, message, codec.decode(body))

    async def _deliver(self, delivery: TakenDelivery, token: str) -> None:
        attempt = await self.attempt(delivery.channel, delivery.secret, delivery.id, delivery.body)
        outcome, due_in_ms = attempt.outcome, 0
        if outcome is AttemptOutcome.FAILED and given_up(delivery.attempt):
            outcome = AttemptOutcome.DEAD
        if outcome is AttemptOutcome.FAILED:
            due_in_ms = round(wait_seconds(delivery.attempt, attempt.retry_after_seconds, self._dice()) * SECOND_MS)
        to = {
            AttemptOutcome.DELIVERED: DeliveryState.DELIVERED,
            AttemptOutcome.FAILED: DeliveryState.PENDING,
            AttemptOutcome.DEAD: DeliveryState.DEAD,
        }[outcome]
        if not await self._outbox.settle(delivery.id, token, to, note=attempt.note, due_in_ms=due_in_ms):
            return
        self._listen(SendReport(delivery.channel.kind, outcome))
        write = _log.info if outcome is AttemptOutcome.DELIVERED else _log.warning
        write(
            "notification_posted",
            channel=delivery.channel.name,
            message=delivery.id,
            outcome=outcome,
            attempt=delivery.attempt,
            note=attempt.note,
        )
