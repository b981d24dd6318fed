"""Events on the stream, those that could not be taken, and their counts. Pure."""

from dataclasses import dataclass
from typing import Literal

Cause = Literal["malformed", "unusable", "conflicting", "failed"]
"""Why an event is dead: no CloudEvent; not to be followed; its id stood for other data; nobody came to an end with it."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """An entry in a consumer's hands; `appended` in milliseconds since 1970, by the publisher's `*` the store's time."""

    id: str
    event: bytes | None
    deliveries: int
    appended: int


@dataclass(frozen=True, slots=True)
class Death:
    """Why an entry can never be taken, with what its event says of itself, empty where it says nothing."""

    cause: Cause
    reason: str
    source: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """A dead event; `id` is its place among the dead, `received` in milliseconds since 1970."""

    id: str
    entry: str
    received: int
    death: Death


@dataclass(frozen=True, slots=True)
class EventCounts:
    """How many events are not acknowledged, and how many are dead."""

    waiting: int
    dead: int
