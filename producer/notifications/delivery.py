"""A message on its way to a channel, and what came of it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from producer.notifications.channel import Channel


class DeliveryState(StrEnum):
    """How far a message is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class TakenDelivery:
    """A message in somebody's hands: the how many-th attempt this is, and the channel with its sealed secret."""

    id: str
    body: bytes
    attempt: int
    channel: Channel
    secret: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it is listed; `note` is what came of its last attempt, `due` when it is tried next, if it is."""

    id: str
    state: DeliveryState
    body: bytes
    attempts: int
    created: int
    since: int
    due: int | None
    note: str | None


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """How many messages are on their way, and how many are dead."""

    waiting: int = 0
    dead: int = 0
