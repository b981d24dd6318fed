"""The leaf that tells how a run goes on, as server-sent events: parts of its page, written anew when something happens.

A stream ends with its run, with its session and with the process; whoever is cut off comes again by themselves.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.request_context import services_of
from producer.web.pages.login import DOORKEEPER
from producer.web.pages.runs import WORDS, look, may_act_on, unknown
from producer.web.rendering.run_view import RunView
from producer.web.rendering.templating import write
from producer.web.run_watcher import WATCHING, Watch
from producer.web.sessions import cookies
from wire.store.results import StoreError

BEAT_SECONDS: Final = 10.0
"""How often a stream in which nothing happens says that it is there, and asks whether its session still is."""

COME_AGAIN_MS: Final = 3_000


@dataclass
class _Stream:
    request: web.Request
    response: web.StreamResponse
    may_act: bool

    async def send(self, event: str, text: str) -> None:
        lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
        await self.response.write(f"event: {event}\n{lines}\n".encode())

    async def beat(self) -> None:
        await self.response.write(b": here\n\n")

    async def show(self, seen: RunView) -> None:
        """Write the part of the page that changes, and in a sentence what has, for whoever cannot see it."""
        await self.send("live", write(self.request, "run_live.html", seen=seen, may_act=self.may_act, **WORDS))
        await self.send("said", write(self.request, "run_said.html", seen=seen))


async def show(request: web.Request) -> web.StreamResponse:
    """Tell of a run until it is over."""
    services, run = services_of(request), request.match_info["id"]
    found = await look(services, run)
    if found is None:
        raise unknown(run)
    may_act = await may_act_on(services, request[IDENTITY], found.run)
    async with request.app[WATCHING].watch(run, lambda: look(services, run)) as watch:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        await response.write(f"retry: {COME_AGAIN_MS}\n\n".encode())
        with suppress(ConnectionError):  # whoever looked has gone
            await _tell(_Stream(request, response, may_act), watch)
    return response


async def _tell(stream: _Stream, watch: Watch, clock: Callable[[], float] = monotonic) -> None:
    number, asked = 0, clock()
    while True:
        is_new = await watch.after(number, BEAT_SECONDS)
        if clock() - asked >= BEAT_SECONDS or not is_new:
            asked = clock()
            if not await _is_still_signed_in(stream, watch.seen):
                await stream.send("gone", "")
                return
        if not is_new:
            await stream.beat()
            continue
        number, seen = watch.number, watch.seen
        if seen is not None:
            await stream.show(seen)
        if watch.is_over:
            if seen is None or seen.run.over:
                await stream.send("over", "")
            return


async def _is_still_signed_in(stream: _Stream, seen: RunView | None) -> bool:
    """Ask who looks, and what they may do by now."""
    request = stream.request
    try:
        identity = await request.app[DOORKEEPER].sessions.known(cookies.session_of(request))
        if identity is not None and seen is not None:
            stream.may_act = await may_act_on(services_of(request), identity, seen.run)
    except StoreError:
        return True  # nobody knows; it is asked again
    return identity is not None
