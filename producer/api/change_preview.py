"""Rehearses changes of connections, exports and notification channels: everything is checked as if it were done, and nothing is done.

So whoever has many changes to make learns of every fault of all of them before the first is made. They are rehearsed by the
very functions that make them, over a registry that keeps what is saved to itself (`producer.registry.overlay`).
"""

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer
from producer.services.change_preview import RehearsalBody, rehearse_changes


async def rehearse(request: web.Request) -> web.Response:
    """Say what of these changes would be refused."""
    body = await read_body(request, RehearsalBody)
    return answer(await rehearse_changes(services_of(request), request[IDENTITY], body))
