"""One budget an account, shared by all who send: asked at the moment of sending, `scripts/go.lua` answers go or ask again.

Nothing is reserved. A go is booked and good for 50 ms; whoever comes late to its own sending asks again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, Literal

from wire.chunk_queue.chunk import LeasedChunk
from wire.store.codec import Argument
from wire.store.redis import Store

GOOD_FOR_SECONDS: Final = 0.05
LATE_GOES: Final = 3
"""After so many goes that came late the process is slow, not unlucky: it sends, rather than burn allowance for ever."""

YIELDS: Final = (0.03, 0.02, 0.01)
"""By such a share a request waits longer the first times, so that those ask first who have waited before: else the last one
to come does, having asked in a quiet moment, and the first may wait for ever. What an import is late is caught up."""

RequestKind = Literal["import", "single", "other"]
Question = Literal["question"]
"""A request of no chunk: whoever asks it asks seldom, and a person or a run waits for the answer."""

LimitName = Literal["import", "single", "any"]


@dataclass(frozen=True, slots=True)
class Go:
    """Send now. `at`: the store's milliseconds."""

    at: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """Do not send: the chunk is no longer held, or its run was paused, ended or blocked."""


class RateLimiter:
    """Lets requests go within an account's limits."""

    def __init__(self, store: Store, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._store = store
        self._sleep = sleep

    async def ask(
        self, account: str, kind: RequestKind | Question, leased: LeasedChunk | None = None
    ) -> Go | Wait | Drop:
        """Ask once whether a request of this kind may go; with a chunk, whether it is still to be sent at all."""
        words: list[Argument] = [account, kind]
        if leased is not None:
            words += [leased.run.id, leased.chunk, leased.lane, leased.fence, leased.token]
        return _read(await self._store.run("acquire", *words))

    async def wait(
        self, account: str, kind: RequestKind | Question, leased: LeasedChunk | None = None, *, patience_seconds: float
    ) -> Go | Wait | Drop:
        """Ask until the answer is go; a wait beyond the patience is handed back instead of slept.

        A chunk brings its first answer with it, if that was for a request of this kind.
        """
        late, until = 0, monotonic() + patience_seconds
        yields = iter(YIELDS)
        told = _told(leased, kind)
        while True:
            if told is None:
                asked = monotonic()
                answer = await self.ask(account, kind, leased)
            else:
                answer, asked, told = *told, None
            match answer:
                case Go() if monotonic() - asked > GOOD_FOR_SECONDS and late < LATE_GOES:
                    late += 1
                case Wait(seconds) if monotonic() + seconds <= until:
                    await self._sleep(seconds * (1 + next(yields, 0.0)))
                case _:
                    return answer

    async def throttled(self, account: str, limit: LimitName, retry_after_seconds: float | None, sent_at: int) -> float:
        """Close the gate for everybody on the account and cut that limit's pace; return the seconds it stays closed."""
        after = "" if retry_after_seconds is None else round(retry_after_seconds * 1000)
        return float(await self._store.run("report_throttle", account, limit, after, sent_at)) / 1000


def _told(leased: LeasedChunk | None, kind: RequestKind | Question) -> tuple[Go | Wait | Drop, float] | None:
    """What a chunk was told as it was handed out, and when that was asked."""
    if leased is None or not leased.pace or leased.pace[0] != kind.encode():
        return None
    return _read(leased.pace[1:]), leased.asked_at


def _read(answer: Sequence[Any]) -> Go | Wait | Drop:
    match answer:
        case [b"go", at]:
            return Go(at)
        case [b"wait", milliseconds]:
            return Wait(milliseconds / 1000)
        case _:
            return Drop()
