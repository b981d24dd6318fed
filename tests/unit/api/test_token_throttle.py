"""Whoever presents tokens that are nobody's waits longer and longer, and costs no more memory for it."""

import asyncio
from dataclasses import dataclass, field

import pytest

from producer.api.problem_responses import Problem
from producer.api.token_throttle import (
    CLIENTS_MOST,
    FORGOTTEN_AFTER_SECONDS,
    FREE,
    WAIT_SECONDS_MAX,
    WAITING_MOST,
    TokenThrottle,
)


@dataclass
class Time:
    """A clock that a test moves, and sleepers that it wakes."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.woken.wait()


async def _fail(attempts: TokenThrottle, times: int, address: str = "10.0.0.1") -> None:
    for _ in range(times):
        await attempts.failed(address)


def _made() -> tuple[TokenThrottle, Time]:
    time = Time()
    time.woken.set()
    return TokenThrottle(clock=lambda: time.now, sleep=time.sleep), time


def test_the_first_failures_cost_nothing_and_the_next_ones_more_and_more() -> None:
    """Up to a bound."""
    attempts, time = _made()
    asyncio.run(_fail(attempts, FREE))
    assert time.slept == []
    asyncio.run(_fail(attempts, 2_000))
    assert time.slept[:4] == [0.1, 0.2, 0.4, 0.8]
    assert set(time.slept[4:]) == {WAIT_SECONDS_MAX}


def test_every_address_waits_for_its_own_failures() -> None:
    """One that tries does not slow down its neighbours."""
    attempts, time = _made()
    asyncio.run(_fail(attempts, 100))
    before = len(time.slept)
    asyncio.run(_fail(attempts, FREE, "10.0.0.2"))
    assert len(time.slept) == before


def test_failures_are_forgotten_after_a_while_without_any() -> None:
    """A wrong variable is mended, and that is that."""
    attempts, time = _made()
    asyncio.run(_fail(attempts, 100))
    time.now += FORGOTTEN_AFTER_SECONDS + 1
    before = len(time.slept)
    asyncio.run(_fail(attempts, FREE))
    assert len(time.slept) == before


def test_only_so_many_answers_wait_at_a_time() -> None:
    """The next one is 429 at once, and says when to come again; those that waited are answered in the end."""

    async def scenario() -> None:
        attempts, time = _made()
        await _fail(attempts, FREE)
        time.woken.clear()
        waiting = [asyncio.create_task(attempts.failed("10.0.0.1")) for _ in range(WAITING_MOST)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await attempts.failed("10.0.0.1")
        assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
        time.woken.set()
        await asyncio.gather(*waiting)
        await attempts.failed("10.0.0.1")

    asyncio.run(scenario())


def test_a_client_that_hangs_up_waits_no_longer() -> None:
    """Its place is free for the next."""

    async def scenario() -> None:
        attempts, time = _made()
        await _fail(attempts, FREE)
        time.woken.clear()
        for _ in range(3 * WAITING_MOST):
            waiting = asyncio.create_task(attempts.failed("10.0.0.1"))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        time.woken.set()
        await attempts.failed("10.0.0.1")

    asyncio.run(scenario())


def test_only_so_many_addresses_are_remembered() -> None:
    """The one that was heard of longest ago is forgotten first."""
    attempts, _ = _made()

    async def scenario() -> None:
        for number in range(2 * CLIENTS_MOST):
            await attempts.failed(f"address-{number}")

    asyncio.run(scenario())
    assert len(attempts._clients) == CLIENTS_MOST
    assert f"address-{2 * CLIENTS_MOST - 1}" in attempts._clients
    assert "address-0" not in attempts._clients
