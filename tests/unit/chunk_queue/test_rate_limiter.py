"""A chunk that was let go as it was taken is sent without asking again, unless that has become too old."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any, cast

import pytest

from tests.unit.records import held
from wire.chunk_queue.rate_limiter import GOOD_FOR_SECONDS, Go, RateLimiter, RequestKind, Wait
from wire.store.redis import Store


class Asked:
    """A store that lets everybody go, and counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    async def run(self, script: str, *_: object) -> list[Any]:
        assert script == "acquire"
        self.times += 1
        return [b"go", 9]


def waited(pacer: RateLimiter, kind: RequestKind, pace: Sequence[Any], asked_ago: float) -> object:
    chunk = held(["ann"], pace=pace, asked_at=monotonic() - asked_ago)
    return asyncio.run(pacer.wait("acme.test", kind, chunk, patience_seconds=2))


@pytest.mark.parametrize(
    ("pace", "kind", "asked_ago", "asks", "at"),
    [
        ([b"import", b"go", 7], "import", 0, 0, 7),
        ([b"import", b"go", 7], "import", GOOD_FOR_SECONDS, 1, 9),
        ([b"import", b"go", 7], "single", 0, 1, 9),
        ([b"import", b"wait", 5], "import", 0, 1, 9),
        ([], "import", 0, 1, 9),
    ],
    ids=["fresh", "too old", "for another kind of request", "not yet", "not told"],
)
def test_the_first_answer_comes_with_the_chunk(
    pace: Sequence[Any], kind: RequestKind, asked_ago: float, asks: int, at: int
) -> None:
    """It counts from when the chunk was asked for."""
    store, slept = Asked(), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pacer = RateLimiter(cast("Store", store), sleep=sleep)
    assert waited(pacer, kind, pace, asked_ago) == Go(at)
    assert store.times == asks
    assert slept == ([pytest.approx(0.00515)] if b"wait" in pace else [])


class Busy(Asked):
    """A store that lets somebody else go, five times."""

    async def run(self, script: str, *_: object) -> list[Any]:
        self.times += 1
        return [b"wait", 600] if self.times <= 5 else [b"go", 9]


def test_whoever_has_waited_longer_asks_first() -> None:
    """Of those who are told of the same moment."""
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pacer = RateLimiter(cast("Store", Busy()), sleep=sleep)
    assert asyncio.run(pacer.wait("acme.test", "import", patience_seconds=60)) == Go(9)
    assert slept == pytest.approx([0.618, 0.612, 0.606, 0.600, 0.600])


def test_a_first_wait_beyond_the_patience_is_handed_back() -> None:
    """Nobody is asked again."""
    store = Asked()
    assert waited(RateLimiter(cast("Store", store)), "import", [b"import", b"wait", 60_000], 0) == Wait(60)
    assert store.times == 0
