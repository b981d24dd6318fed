"""A worker hears itself what the queue does not take, no more at a time than it has threads, and says so once."""

import asyncio
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from wire.store.results import Unreachable
from worker.queue_fallback import QueueFallback


@dataclass
class Queue:
    """A queue that may be gone."""

    gone: bool = False
    taken: list[str] = field(default_factory=list)

    async def put(self, account: str, bell: str) -> None:
        if self.gone:
            raise Unreachable("the queue does not answer")
        self.taken.append(bell)

    async def length(self) -> int:
        if self.gone:
            raise Unreachable("the queue does not answer")
        return len(self.taken)


def test_bells_go_to_the_queue_while_it_takes_them() -> None:
    """Nothing is heard here."""

    async def scenario() -> None:
        queue, heard = Queue(), asyncio.Queue[str]()
        ears = QueueFallback(queue, lambda _, bell: heard.put(bell), threads=2)
        await ears.put("acme", "one")
        assert (queue.taken, await ears.length(), heard.qsize()) == (["one"], 1, 0)

    asyncio.run(scenario())


def test_bells_that_the_queue_does_not_take_are_heard_here() -> None:
    """One line says so, and one that it takes them again; how long it is then counts for nothing."""

    async def scenario() -> None:
        queue, heard = Queue(gone=True), asyncio.Queue[str]()
        ears = QueueFallback(queue, lambda _, bell: heard.put(bell), threads=2)
        with capture_logs() as lines:
            assert await ears.length() == 0
            await ears.put("acme", "one")
            assert await heard.get() == "one"
            queue.gone = False
            await ears.put("acme", "two")
        assert queue.taken == ["two"]
        assert [line["event"] for line in lines] == ["queue_failed", "queue_answers_again"]

    asyncio.run(scenario())


def test_no_more_is_heard_than_there_are_threads() -> None:
    """The bell is refused then, and rings elsewhere; what is being heard at the end is left to its lease."""

    async def scenario() -> None:
        began, never = asyncio.Semaphore(0), asyncio.Event()

        async def handle_wakeup(_: str, __: str) -> None:
            began.release()
            await never.wait()

        ears = QueueFallback(Queue(gone=True), handle_wakeup, threads=2)
        for bell in ("one", "two"):
            await ears.put("acme", bell)
            await began.acquire()
        with pytest.raises(Unreachable):
            await ears.put("acme", "three")
        await ears.close()

    asyncio.run(scenario())
