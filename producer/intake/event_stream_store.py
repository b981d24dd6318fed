"""The stream of events from in-cluster publishers, and the dead ones, in Python's words; what an event means is unknown here.

An entry is delivered to one consumer at a time, and stays with it until it is acknowledged or buried. Whoever took it and
was not heard of for `CLAIM_MS` has lost it to the next that asks. Nothing is trimmed that is not acknowledged.
"""

from collections.abc import Mapping
from typing import Final

from producer.intake.stream_entry import Cause, DeadEvent, Death, EventCounts, StreamEntry
from wire.store.keys import key
from wire.store.redis import Store

CLAIM_MS: Final = 60_000
"""Longer than a consumer may work on one entry, so that what is claimed was left behind."""

CONSUMER_GONE_MS: Final = 86_400_000
DEAD_KEPT_MS: Final = 30 * 86_400_000
DEAD_MOST: Final = 10_000
"""Dead events, with 4 KiB of each: a publisher that is wrong in a loop may not fill the store."""

EVENT_KEPT_BYTES: Final = 4_096
"""A refresh is some hundred bytes. A longer event is not kept, since a part of one is of no use."""

FROM_FIRST: Final = "-"


class EventStreamStore:
    """Takes and settles entries of the stream; every method but `dead` is one script."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def next(self, consumer: str, own_from: str | None = None) -> StreamEntry | None:
        """Take the next entry: one that was left behind, or a new one; None if there is none.

        With `own_from` only what this consumer took before and did not settle: from `FROM_FIRST`, or `after(entry)`.
        """
        reply = await self._store.run("next_event", consumer, own_from or "", CLAIM_MS, CONSUMER_GONE_MS)
        if reply is None:
            return None
        entry, event, deliveries, appended = reply
        return StreamEntry(entry.decode(), event, deliveries, int(appended))

    async def acknowledge(self, entry: StreamEntry) -> None:
        """Say that the answer to an entry is written."""
        await self._store.run("acknowledge_event", entry.id)

    async def bury(self, consumer: str, entry: StreamEntry, death: Death) -> bool:
        """Move an entry to the dead ones; False if another consumer has it by now."""
        event = entry.event or b""
        told: dict[str, str | bytes] = {
            "cause": death.cause,
            "reason": death.reason,
            "source": death.source,
            "id": death.event_id,
            "event": event if len(event) <= EVENT_KEPT_BYTES else b"",
        }
        pairs = [part for pair in told.items() for part in pair]
        word = await self._store.run("bury_event", consumer, entry.id, DEAD_KEPT_MS, DEAD_MOST, *pairs)
        return bool(word == b"buried")

    async def put_back(self, consumer: str, entry: StreamEntry) -> None:
        """Leave an entry for later as if it had not been delivered this time."""
        await self._store.run("put_back_event", consumer, entry.id, entry.deliveries - 1)

    async def count(self) -> EventCounts:
        """Count what waits and what is dead."""
        waiting, dead = await self._store.run("count_events")
        return EventCounts(waiting, dead)

    async def dead(self, *, before: str = "", most: int) -> list[DeadEvent]:
        """Read dead events, the newest first, those older than the one whose id is `before`."""
        found = await self._store.entries(key("dead_events"), f"({before}" if before else "+", most)
        return [_dead_event(entry, fields) for entry, fields in found]


def after(entry: StreamEntry) -> str:
    """Where a consumer's own entries go on after this one."""
    return f"({entry.id}"


def _dead_event(entry: str, fields: Mapping[str, bytes]) -> DeadEvent:
    text = {name: value.decode() for name, value in fields.items() if name != "event"}
    cause: Cause = text["cause"]  # type: ignore[assignment]  # only `bury` writes it
    death = Death(cause, text["reason"], text["source"], text["id"])
    return DeadEvent(entry, text["entry"], int(text["received"]), death)
