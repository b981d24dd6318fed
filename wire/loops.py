"""Runs a step again and again, beside other work, for as long as its process lives; what a step does is not known here."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from wire.store import StoreError

_log = structlog.get_logger(__name__)


async def every(seconds: float, step: Callable[[], Awaitable[object]], name: str) -> None:
    """Run `step` every so many seconds until cancelled. What it raises is logged, and the next one tries again.

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
        await asyncio.sleep(seconds)
