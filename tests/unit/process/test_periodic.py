"""Loops end when they are told to, and steps wait for a store that takes nothing in."""

import asyncio

import pytest
from structlog.testing import capture_logs

from wire.process import periodic
from wire.process.periodic import cancel_and_wait, every, when_writable
from wire.store.results import Unreachable, Unwritable


def test_a_task_in_which_a_cancellation_got_lost_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that has ended already, whatever it raised, keeps nobody."""
    monkeypatch.setattr(periodic, "CANCEL_AGAIN_SECONDS", 0.001)

    async def deaf() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    async def failed() -> None:
        raise ValueError

    async def scenario() -> None:
        tasks = [asyncio.create_task(deaf()), asyncio.create_task(failed())]
        await asyncio.sleep(0)
        await cancel_and_wait(tasks)
        assert tasks[0].cancelled()
        assert isinstance(tasks[1].exception(), ValueError)

    asyncio.run(scenario())


def test_a_step_is_taken_again_until_the_store_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, and once at the end."""
    monkeypatch.setattr(periodic, "WRITABLE_AGAIN_SECONDS", 0)
    left = [Unwritable("full"), Unwritable("full")]

    async def step() -> str:
        if left:
            raise left.pop()
        return "written"

    with capture_logs() as lines:
        assert asyncio.run(when_writable(step, "append", run="r1")) == "written"
    assert [(line["event"], line["run"]) for line in lines] == [
        ("store_takes_nothing_in", "r1"),
        ("store_takes_in_again", "r1"),
    ]


def test_a_step_that_the_store_failed_is_taken_again_soon_however_seldom_it_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An hour's step waits a second for a store that is away, and an hour again when it was taken."""
    slept: list[float] = []
    left = [Unreachable("gone"), Unreachable("gone")]

    async def step() -> None:
        if left:
            raise left.pop()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 4:
            raise asyncio.CancelledError

    monkeypatch.setattr("wire.process.periodic.asyncio.sleep", sleep)
    with capture_logs() as lines, pytest.raises(asyncio.CancelledError):
        asyncio.run(every(3_600, step, "hourly"))
    assert slept == [1, 1, 3_600, 3_600]
    assert [line["event"] for line in lines] == ["store_failed", "store_answers_again"]
