"""What the API answers about notification channels and their messages."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel

from producer.notifications.channel import Channel, ChannelKind
from producer.notifications.delivery import Delivery, DeliveryCounts, DeliveryState
from producer.notifications.messages import NotificationEvent
from producer.services.documents import Timestamp, moment, moment_or_none
from wire.store import codec


class NotificationDocument(BaseModel):
    """A channel, never its secret; `exports` is null for all. `waiting` and `dead` count its messages."""

    id: str
    name: str
    kind: ChannelKind
    url: str | None
    addresses: list[str]
    events: list[NotificationEvent]
    exports: list[str] | None
    enabled: bool
    waiting: int
    dead: int
    created: Timestamp
    changed: Timestamp

    @classmethod
    def of(cls, channel: Channel, export_names: Mapping[str, str], counts: DeliveryCounts) -> Self:
        """Show a channel; an export that was deleted since is left out."""
        exports = channel.exports
        return cls(
            id=channel.id,
            name=channel.name,
            kind=channel.kind,
            url=channel.url,
            addresses=list(channel.addresses),
            events=[NotificationEvent(event) for event in channel.events],
            exports=None
            if exports is None
            else sorted(export_names[services] for services in exports if services in export_names),
            enabled=channel.enabled,
            waiting=counts.waiting,
            dead=counts.dead,
            created=moment(channel.created),
            changed=moment(channel.changed),
        )


class NotificationMade(NotificationDocument):
    """A new channel with the secret that we made for it: it is told this once. Null, if there is none or it was given to us."""

    secret: str | None


class NotificationTested(BaseModel):
    """What came of a test message, and what was answered."""

    delivered: bool
    detail: str


class DeliveryDocument(BaseModel):
    """A message to a channel; `note` is what came of its last attempt, `next_attempt` null where there is none."""

    id: str
    type: str
    state: DeliveryState
    attempts: int
    created: Timestamp
    since: Timestamp
    next_attempt: Timestamp | None
    note: str | None
    message: dict[str, Any]

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Show a message."""
        message = codec.decode(delivery.body)
        return cls(
            id=delivery.id,
            type=message["type"],
            state=delivery.state,
            attempts=delivery.attempts,
            created=moment(delivery.created),
            since=moment(delivery.since),
            next_attempt=moment_or_none(delivery.due),
            note=delivery.note,
            message=message,
        )


class Redelivered(BaseModel):
    """What became of the wish to send a message again: `done`, or it was on its way already."""

    result: Literal["done", "already"]
