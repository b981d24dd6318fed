"""HTTP in front of the account: reads a request, asks `answering`, and writes the answer whole, cut, late or not at all.

A request counts from the moment its whole body is here. Every answer has an `x-request-id`, as ActiveCampaign's have.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from uuid import uuid4

import orjson
from aiohttp import web

from tests.sandbox.answering import Manner, Reply, reply
from tests.sandbox.answers import Answer
from tests.sandbox.endpoints import PREFIX, ROUTES, Endpoint
from tests.sandbox.journal import Request
from tests.sandbox.validation import contact_count
from tests.sandbox.world import Call, World

Clock = Callable[[], float]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CLOSE_WITH_RESET: Final = struct.pack("ii", 1, 0)


def add_routes(app: web.Application, world: World, clock: Clock) -> None:
    """Answer the vendor's calls below `/api/3`."""
    for endpoint, (method, path) in ROUTES.items():
        app.router.add_route(method, PREFIX + path, _handler(endpoint, world, clock))


def _handler(endpoint: Endpoint, world: World, clock: Clock) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        call = Call(
            endpoint,
            clock(),
            key=request.headers.get("Api-Token", ""),
            number=request.match_info.get("id", ""),
            query=dict(request.query),
            document=_parsed(body),
            body_bytes=len(body),
        )
        request_id = uuid4().hex
        replied = reply(world, call)
        world.journal.saw(_entry(request, call, replied, request_id, keep_body=world.switches.keep_bodies))
        return await _write(request, replied, request_id, world, call.now)

    return handle


async def _write(request: web.Request, replied: Reply, request_id: str, world: World, now: float) -> web.Response:
    if (latency := world.switches.latency_seconds.draw(world.dice)) > 0:
        await asyncio.sleep(latency)
    response = _response(replied.answer, request_id, now)
    whole = response.body if isinstance(response.body, bytes) else b""
    response.body = _BYTE_ORDER_MARK * world.switches.byte_order_marks + whole
    match replied.manner:
        case Manner.WHOLE:
            pass
        case Manner.CUT:
            response.body = whole[: len(whole) // 2]
        case Manner.BARE:
            response.body = b""
        case Manner.UTF_16:
            response.body = whole.decode().encode("utf-16")
        case Manner.SILENCE:
            await asyncio.sleep(world.switches.silence_seconds)
        case Manner.RESET:
            _reset(request)
    return response


def _response(answer: Answer, request_id: str, now: float) -> web.Response:
    # A Retry-After that is a date is read beside it: both are of the account's own clock.
    date = format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)
    headers = {"x-request-id": request_id, "Date": date, **answer.headers}
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    if isinstance(answer.body, str):
        return web.Response(status=answer.status, text=answer.body, content_type="text/html", headers=headers)
    return web.Response(
        status=answer.status, body=orjson.dumps(answer.body), content_type="application/json", headers=headers
    )


def _reset(request: web.Request) -> None:
    """Close the connection so that the client sees a reset and not an orderly end."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
        request.transport.abort()


def _entry(request: web.Request, call: Call, replied: Reply, request_id: str, *, keep_body: bool) -> Request:
    return Request(
        time=call.now,
        method=request.method,
        path=request.path_qs,
        endpoint=call.endpoint,
        status="reset" if replied.manner is Manner.RESET else str(replied.answer.status),
        request_id=request_id,
        contacts=contact_count(call.document) if call.endpoint is Endpoint.IMPORT else 0,
        fault=replied.fault,
        body=call.document if keep_body else None,
    )


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
