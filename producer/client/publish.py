"""The Python call for publishers: tell a producer that a segment was refreshed, from a job or an orchestrator's task.

It sends one CloudEvents 1.0 event and waits for the answer, not for the runs. A producer that is away for a moment is
asked again with the same event, which it takes only once. What can go wrong:

* ApiError        the event was not taken, or nobody knows whether it was
  x Refused       the producer says no: `status`, `detail` and `faults`. Mend the call, or the token.
  x Unavailable   nothing useful answered for a minute. Publish again with the same `id`.
  x NotTheApi     something else answers at this address.
* ValueError      the address or the time cannot be used; nothing was sent

docs/publishing.md shows it at work.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import random
from typing import Any, Final

from producer.client.errors import ApiError, ApiFault, NotTheApi, ProducerUnavailable, RequestRefused
from producer.client.http import Api, Reply, base_url, opened, route

__all__ = [
    "ApiError",
    "ApiFault",
    "NotTheApi",
    "ProducerUnavailable",
    "PublishAnswer",
    "RequestRefused",
    "publish_segment_refreshed",
    "publish_segment_refreshed_async",
]

CLOUDEVENT: Final = "application/cloudevents+json"
SOURCE: Final = "/segment-export/python"
FIRST_WAIT_SECONDS: Final = 0.5
WAIT_SECONDS_MAX: Final = 10.0
PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class PublishAnswer:
    """What the producer made of an event: the ids of the runs it opened, and where it opened none, why."""

    runs: tuple[str, ...]
    reason: str | None


def publish_segment_refreshed(
    url: str,
    token: str,
    *,
    segment: str,
    snapshot: str,
    source: str = SOURCE,
    id: str | None = None,  # noqa: A002  CloudEvents calls it so
    time: datetime | None = None,
) -> PublishAnswer:
    """Publish that a segment was refreshed, and wait until the producer has taken the event.

    `snapshot` is a URI or an absolute path as the producer sees it. `source` and `id` name the event: the same two again
    open nothing new and are answered as the first time, so give an `id` wherever the call itself may be repeated. `time`,
    with its offset, is when the segment was refreshed; an older refresh than the last one opens nothing. Without it, the
    order of arrival decides. Not for a running event loop: there, await `publish_segment_refreshed_async`. Source of the
    event's fields: CloudEvents 1.0.2. Raises ApiError and ValueError.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(
            publish_segment_refreshed_async(
                url, token, segment=segment, snapshot=snapshot, source=source, id=id, time=time
            )
        )
    raise RuntimeError("an event loop is running here: await publish_segment_refreshed_async instead")


async def publish_segment_refreshed_async(
    url: str,
    token: str,
    *,
    segment: str,
    snapshot: str,
    source: str = SOURCE,
    id: str | None = None,  # noqa: A002  CloudEvents calls it so
    time: datetime | None = None,
) -> PublishAnswer:
    """Publish that a segment was refreshed, as `publish_segment_refreshed` does, on a running event loop."""
    event = refreshed(segment, snapshot, source=source, event_id=id, time=time)
    async with opened(base_url(url), token.strip()) as api:
        return answer((await deliver(api, event)).document)


def refreshed(
    segment: str, snapshot: str, *, source: str, event_id: str | None = None, time: datetime | None = None
) -> dict[str, Any]:
    """Write the event that says so; ValueError for a time without an offset."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "type": "segment.refreshed",
        "source": source,
        "id": event_id or secrets.token_hex(16),
        "subject": segment,
        "datacontenttype": "application/json",
        "data": {"segment": segment, "snapshot": snapshot},
    }
    if time is not None:
        if time.utcoffset() is None:
            raise ValueError(f"the time {time.isoformat()} needs its offset from UTC")
        event["time"] = time.isoformat()
    return event


async def deliver(
    api: Api,
    event: Mapping[str, Any],
    *,
    waits: Callable[[ProducerUnavailable], None] = lambda _: None,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    dice: Callable[[], float] = random,
) -> Reply:
    """Send an event until it is taken or refused, or patience has ended; `waits` hears why it is sent again. ApiError."""
    attempt, waited_seconds = 0, 0.0
    while True:
        try:
            return await api.ask("POST", route("events"), body=event, content_type=CLOUDEVENT)
        except ProducerUnavailable as error:
            pause_seconds = max(backoff_seconds(attempt, dice()), error.retry_after_seconds)
            waited_seconds += pause_seconds
            if waited_seconds > PATIENCE_SECONDS:
                raise
            waits(error)
        attempt += 1
        await sleep(pause_seconds)


def backoff_seconds(attempt: int, dice: float) -> float:
    """Return how long to wait after an attempt, the first being 0: ever longer, less up to half as the dice (0 to 1) say.

    Publishers that lost the same producer would otherwise come back in step.
    """
    return min(FIRST_WAIT_SECONDS * 2.0**attempt, WAIT_SECONDS_MAX) * (1 - dice / 2)


def answer(document: Mapping[str, Any]) -> PublishAnswer:
    """Read the answer to an event; NotTheApi."""
    runs = document.get("runs")
    if not isinstance(runs, list):
        raise NotTheApi("What answers is no producer: it does not say which runs it opened.")
    return PublishAnswer(tuple(runs), document.get("reason"))
