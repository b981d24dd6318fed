"""Takes a step again until the store answers: what is known here only, and may be written twice, is not given up early."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar

from wire.store.results import StoreError

T = TypeVar("T")

AGAIN_SECONDS: Final = 0.25
PATIENCE_SECONDS: Final = 300.0
"""While the store is away no chunk can be taken from whoever holds it. `heart.HELD_SECONDS` must be longer."""


async def until_answered(step: Callable[[], Awaitable[T]]) -> T:
    """Take a step until the store answers it; StoreError if it does not within the patience.

    The step changes nothing when it is taken again after an answer that was lost.
    """
    until = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await step()
        except StoreError:
            if monotonic() >= until:
                raise
            await asyncio.sleep(AGAIN_SECONDS)
