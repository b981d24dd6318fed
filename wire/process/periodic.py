"""Runs a step again and again, beside other work, for as long as its process lives; what a step does is not known here."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, TypeVar

import structlog

from wire.store.results import StoreError, Unwritable

T = TypeVar("T")

WRITABLE_AGAIN_SECONDS: Final = 1.0
CANCEL_AGAIN_SECONDS: Final = 1.0
STORE_AGAIN_SECONDS: Final = 1.0
"""A step that the store failed is taken again so soon, however seldom it is taken otherwise: work goes on when it is back."""

_log = structlog.get_logger(__name__)


async def every(seconds: float, step: Callable[[], Awaitable[object]], name: str) -> None:
    """Run `step` every so many seconds until cancelled. What it raises is logged, and the next one tries again.

    After a store that failed it is tried again within a second.

    A store that fails is told once, and once more when it answers again: a night of it is two lines, not ten thousand.
    """
    failing = False
    while True:
        try:
            await step()
        except StoreError as error:
            if not failing:
                _log.warning("store_failed", step=name, error=str(error))
            failing = True
        except Exception:  # noqa: BLE001  a loop that dies quietly is worse than one that complains
            _log.exception("step_failed", step=name)
        else:
            if failing:
                _log.info("store_answers_again", step=name)
            failing = False
        await asyncio.sleep(min(seconds, STORE_AGAIN_SECONDS) if failing else seconds)


async def when_writable(step: Callable[[], Awaitable[T]], name: str, **about: str) -> T:
    """Take a step that waits, as often as it takes, while the store is full or cannot write; told once, and once at the end."""
    waited = False
    while True:
        try:
            taken = await step()
        except Unwritable as error:
            if not waited:
                _log.warning("store_takes_nothing_in", step=name, error=str(error), **about)
            waited = True
            await asyncio.sleep(WRITABLE_AGAIN_SECONDS)
        else:
            if waited:
                _log.info("store_takes_in_again", step=name, **about)
            return taken


async def cancel_and_wait(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and return when all of them have ended.

    It is said again each second: a library in which a cancellation got lost would keep the process from ending for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_SECONDS)
