"""Follows runs to their end: asks, shows, waits; a producer that is away for a while is waited for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

from producer.cli.watched import Watched, watched
from producer.client.errors import ProducerUnavailable
from producer.client.http import Reply

POLL_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 5 * 60.0
"""A producer that restarts or moves is back by then; the run itself does not need it to be watched."""

ReadRun = Callable[[str], Awaitable[Reply]]
"""From a run's id to its document; ApiError."""


class ProgressView(Protocol):
    """Whoever shows how runs go."""

    def show(self, run: Watched) -> None:
        """Show a run as it is now."""

    def waits(self, error: ProducerUnavailable) -> None:
        """Show that nothing is known for the moment."""


async def follow(
    look: ReadRun,
    ids: Sequence[str],
    view: ProgressView,
    *,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    clock_seconds: Callable[[], float] = time.monotonic,
) -> list[Reply]:
    """Follow runs until all have ended, and return their last documents in the same order; ApiError.

    Unavailable is raised only when nothing was heard for PATIENCE_SECONDS.
    """
    ended: dict[str, Reply] = {}
    heard = clock_seconds()
    while True:
        try:
            for run_id in ids:
                if run_id not in ended:
                    reply = await look(run_id)
                    heard = clock_seconds()
                    run = watched(reply.document)
                    view.show(run)
                    if run.over:
                        ended[run_id] = reply
        except ProducerUnavailable as error:
            if clock_seconds() - heard > PATIENCE_SECONDS:
                raise
            view.waits(error)
            await sleep(max(POLL_SECONDS, min(error.retry_after_seconds, PATIENCE_SECONDS)))
            continue
        if len(ended) == len(set(ids)):
            return [ended[run_id] for run_id in ids]
        await sleep(POLL_SECONDS)
