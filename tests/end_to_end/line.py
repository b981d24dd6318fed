"""A line between our programs and the store that a test makes slow, cuts after a command was executed, or lets go dead."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from deploy.local.stack import LOOPBACK
from deploy.local.valkey import free_port


@dataclass
class Line:
    """Carries bytes to the store's port and back, as it is told at the moment.

    `slow_seconds`: each answer is held back so long. `cut`: how probable it is that a connection breaks in place of an
    answer, when the store has executed the command. `dead`: nothing goes through in either way, and nothing is refused.
    """

    store_port: int
    port: int = field(default_factory=free_port)
    slow_seconds: float = 0.0
    cut: float = 0.0
    dead: bool = False
    cuts: int = 0
    _dice: random.Random = field(default_factory=lambda: random.Random(7))

    def url(self, database: int) -> str:
        """Where programs find the store."""
        return f"redis://{LOOPBACK}:{self.port}/{database}"

    async def serve(self, open_: threading.Event, shut: asyncio.Event) -> None:
        """Carry until it is shut."""
        async with await asyncio.start_server(self._carry, LOOPBACK, self.port):
            open_.set()
            await shut.wait()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection(LOOPBACK, self.store_port)
            ways = [
                asyncio.create_task(self._commands(reader, back)),
                asyncio.create_task(self._answers(there, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            back.close()
        writer.close()

    async def _commands(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            await self._alive()
            writer.write(piece)
            await writer.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            await self._alive()
            if self.slow_seconds:
                await asyncio.sleep(self.slow_seconds)
            if self.cut and self._dice.random() < self.cut:
                self.cuts += 1
                return
            writer.write(piece)
            await writer.drain()

    async def _alive(self) -> None:
        while self.dead:  # noqa: ASYNC110  another thread says so
            await asyncio.sleep(0.05)


@contextmanager
def laid(line: Line) -> Iterator[Line]:
    """Lay a line, in a thread of its own."""
    loop, open_ = asyncio.new_event_loop(), threading.Event()
    shut = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(line.serve(open_, shut),))
    thread.start()
    try:
        assert open_.wait(10)
        yield line
    finally:
        line.dead = False
        loop.call_soon_threadsafe(shut.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
