"""Loops end when they are told to, and steps wait for a store that takes nothing in."""

import asyncio

import pytest
from structlog.testing import capture_logs

from wire import loops
from wire.loops import ended, when_writable
from wire.store import Unwritable


def test_a_task_in_which_a_cancellation_got_lost_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that has ended already, whatever it raised, keeps nobody."""
    monkeypatch.setattr(loops, "CANCEL_AGAIN_SECONDS", 0.001)

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
        await ended(tasks)
        assert tasks[0].cancelled()
        assert isinstance(tasks[1].exception(), ValueError)

    asyncio.run(scenario())


def test_a_step_is_taken_again_until_the_store_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, and once at the end."""
    monkeypatch.setattr(loops, "WRITABLE_AGAIN_SECONDS", 0)
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
