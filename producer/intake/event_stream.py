"""Takes events from the stream that in-cluster publishers append to; what an event opens is decided by intake alone.

An entry is acknowledged when intake has written its answer, so a killed producer's are taken again and answered as before.
What can never be taken is buried with its reason, in one step with its acknowledgement. What the store or a change of
exports kept from being taken stays, as if it had not been delivered.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from producer.input_checks import is_line
from producer.intake.cloudevents import STRUCTURED, Malformed, read_event
from producer.intake.event_stream_store import FROM_FIRST, EventStreamStore, after
from producer.intake.open_runs import AcceptedEvent, Conflicting, Contended, Intake, Unusable
from producer.intake.stream_entry import Death, StreamEntry
from wire.process.periodic import every
from wire.store import codec
from wire.store.results import StoreError

LOOK_SECONDS: Final = 0.5
HANDLING_SECONDS: Final = 30.0
"""A folder on a share that hangs may not hold the stream; half of the time after which others claim the entry."""

DELIVERIES_MAX: Final = 5
EVENT_BYTES_MAX: Final = 1 << 20
"""As much as the HTTP call takes."""

NAME_CHARACTERS_SHOWN: Final = 255

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EventFailed:
    """Nobody knows why an entry could not be taken: it is left for another delivery."""


@dataclass(frozen=True, slots=True)
class EventLater:
    """An entry could not be taken now, through no fault of its own."""


class EventStreamConsumer:
    """The consumer of one producer process; `consumer` is a name that its next life has again."""

    def __init__(self, events: EventStreamStore, intake: Intake, consumer: str) -> None:
        self._events = events
        self._intake = intake
        self._consumer = consumer
        self._own_from: str | None = FROM_FIRST

    async def run(self) -> None:
        """Take events until cancelled."""
        await every(LOOK_SECONDS, self.run_all, "take_events")

    async def run_all(self) -> None:
        """Take all events that can be taken now."""
        while await self.run_once():
            continue

    async def run_once(self) -> bool:
        """Take one event, what this consumer still holds first; False if there is none, or nothing can be taken now.

        StoreError: what it holds is taken again when the store answers.
        """
        try:
            entry = await self._events.next(self._consumer, self._own_from)
            if entry is None:
                began, self._own_from = self._own_from is not None, None
                return began
            if self._own_from is not None:
                self._own_from = after(entry)
            return await self._settle(entry)
        except StoreError:
            self._own_from = FROM_FIRST
            raise

    async def _settle(self, entry: StreamEntry) -> bool:
        log = _log.bind(entry=entry.id, delivery=entry.deliveries)
        try:
            outcome = await self._outcome(entry, log)
        except StoreError:
            await self._events.put_back(self._consumer, entry)
            raise
        match outcome:
            case AcceptedEvent():
                await self._events.acknowledge(entry)
                log.info("event_taken", runs=outcome.runs)
            case Death():
                if await self._events.bury(self._consumer, entry, outcome):
                    log.warning("event_dead", cause=outcome.cause)
            case EventFailed():
                pass  # its idle time runs, and when it is over somebody claims it
            case EventLater():
                await self._events.put_back(self._consumer, entry)
                self._own_from = FROM_FIRST
                return False
        return True

    async def _outcome(self, entry: StreamEntry, log: Any) -> AcceptedEvent | Death | EventFailed | EventLater:
        """Let intake have the event; StoreError if the store did not let it."""
        if entry.deliveries > DELIVERIES_MAX:
            return _told(entry, Death("failed", f"{DELIVERIES_MAX} deliveries came to no end"))
        try:
            async with asyncio.timeout(HANDLING_SECONDS):
                return await self._accept(entry)
        except StoreError:
            raise
        except Contended:
            return EventLater()
        except Malformed as error:
            return _told(entry, Death("malformed", _sentence(error.faults)))
        except Unusable as error:
            return _told(entry, Death("unusable", _sentence(error.faults)))
        except Conflicting as error:
            return _told(entry, Death("conflicting", str(error)))
        except Exception as error:
            log.exception("event_failed")
            if entry.deliveries < DELIVERIES_MAX:
                return EventFailed()
            return _told(entry, Death("failed", f"{DELIVERIES_MAX} deliveries failed, the last with {_kind(error)}"))

    async def _accept(self, entry: StreamEntry) -> AcceptedEvent:
        if entry.event is None:
            raise Malformed({"": "the entry has no field `event`"})
        if len(entry.event) > EVENT_BYTES_MAX:
            raise Malformed({"": "the event is larger than 1 MiB"})
        event = read_event(STRUCTURED, {}, entry.event)
        # Without a time the order of arrival decides, and an entry arrived when it was appended: two producers may take
        # two refreshes of a segment in either order.
        return await self._intake.accept_event(replace(event, time=entry.appended) if event.time is None else event)


def _told(entry: StreamEntry, death: Death) -> Death:
    """Add what the event says of itself, as far as it can be read."""
    try:
        document = codec.decode(entry.event or b"")
    except ValueError:
        return death
    said: Mapping[str, Any] = document if isinstance(document, dict) else {}
    return replace(death, source=_name(said.get("source")), event_id=_name(said.get("id")))


def _name(value: object) -> str:
    return value[:NAME_CHARACTERS_SHOWN] if isinstance(value, str) and is_line(value) else ""


def _sentence(faults: Mapping[str, str]) -> str:
    return "; ".join(f"{where} {what}".strip() for where, what in faults.items())


def _kind(error: Exception) -> str:
    return type(error).__name__
