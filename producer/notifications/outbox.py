"""Messages on their way to notification channels: handed out under leases, settled, listed, and sent again.

A message is delivered at least once, always under the same id, and its attempts are counted when it is taken.
"""

from collections.abc import Sequence
from typing import Final, Literal

from producer.audit.entry import SYSTEM, Author, author_as_text
from producer.notifications.channel import Channel
from producer.notifications.delivery import Delivery, DeliveryCounts, DeliveryState, TakenDelivery
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store

LEASE_MS: Final = 60_000
"""Longer than an attempt takes: what is taken again was left behind by somebody who was killed."""


class Outbox:
    """Every method but `listed` is one script."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, token: str, most: int, lease_ms: int = LEASE_MS) -> list[TakenDelivery]:
        """Take messages that are due."""
        return [
            TakenDelivery(delivery.decode(), body, attempt, Channel.from_document(codec.decode(document)), secret)
            for delivery, body, attempt, document, secret in await self._store.run(
                "take_letters", token, lease_ms, most
            )
        ]

    async def settle(self, delivery: str, token: str, to: DeliveryState, *, note: str, due_in_ms: int = 0) -> bool:
        """Write what came of an attempt; False if the message was no longer ours."""
        return bool(await self._store.run("settle_letter", delivery, token, to, due_in_ms, note) == b"settled")

    async def redeliver(
        self, channel_id: str, delivery: str, *, by: Author = SYSTEM
    ) -> Literal["done", "already"] | None:
        """Send a message that is over once more, under its id; None if the channel has none of it."""
        word = await self._store.keep("redeliver_letter", channel_id, delivery, author_as_text(by))
        return None if word is None else "done" if word == b"done" else "already"

    async def count_each(self) -> dict[str, DeliveryCounts]:
        """Count what is on its way and what is dead, by the ids of the channels."""
        told = await self._store.run("count_letters")
        counted = zip(told[::3], told[1::3], told[2::3], strict=True)
        return {channel.decode(): DeliveryCounts(waiting, dead) for channel, waiting, dead in counted}

    async def count(self) -> DeliveryCounts:
        """Count what is on its way and what is dead over all channels."""
        counts = (await self.count_each()).values()
        return DeliveryCounts(sum(one.waiting for one in counts), sum(one.dead for one in counts))

    async def listed(self, channel_id: str, states: Sequence[DeliveryState]) -> list[Delivery]:
        """Read a channel's messages in these states, the newest first."""
        ids = [
            delivery
            for state in states
            for delivery, _ in await self._store.ranked(key("letters", channel_id, state), newest=True)
        ]
        dues = dict(await self._store.ranked(key("deliveries")))
        found = await self._store.hashes([key("delivery", delivery) for delivery in ids])
        outbox = [
            Delivery(
                id=delivery,
                state=DeliveryState(fields["state"].decode()),
                body=fields["body"],
                attempts=int(fields["attempts"]),
                created=int(fields["created"]),
                since=int(fields["since"]),
                due=round(dues[delivery]) if delivery in dues else None,
                note=fields["note"].decode() if "note" in fields else None,
            )
            for delivery, fields in zip(ids, found, strict=True)
            if fields
        ]
        return sorted(outbox, key=lambda delivery: (delivery.created, delivery.id), reverse=True)
