"""A small double of the producer's HTTP API, as the design words it, on a thread of its own; it keeps what it was asked.

It decides nothing: answers are laid out by a test, by method and path, and served in order, the last of them for ever.
"""

import asyncio
import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "token-of-an-administrator"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Laid:
    """An answer; `status` 0 hangs up instead."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class SimulatedProducer:
    """What a test lays out, and what it finds afterwards."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._laid: dict[str, deque[Laid]] = defaultdict(deque)

    def answer(self, call: str, document: Any, status: int = 200) -> None:
        """Lay out the next answer to a call like `GET /v1/runs`."""
        self._laid[call].append(Laid(json.dumps(document).encode(), status))

    def answer_text(self, call: str, text: str, content_type: str, status: int = 200) -> None:
        """Lay out an answer that is no JSON."""
        self._laid[call].append(Laid(text.encode(), status, content_type))

    def refuse(self, call: str, status: int, detail: str, faults: Mapping[str, str] | None = None) -> None:
        """Lay out a problem document; 503 asks to come again in a second, as ours does."""
        document = problem(status, detail, faults or {})
        headers = {"Retry-After": "1"} if status == 503 else {}
        self._laid[call].append(Laid(json.dumps(document).encode(), status, "application/problem+json", headers))

    def redirect(self, call: str, to: str) -> None:
        """Lay out an answer that sends elsewhere."""
        self._laid[call].append(Laid(b"", 302, "text/html", {"Location": to}))

    def hang_up(self, call: str) -> None:
        """Lay out a connection that ends without an answer."""
        self._laid[call].append(Laid(b"", 0))

    async def handle(self, request: web.Request) -> web.Response:
        """Keep the request and serve what is laid out."""
        text = await request.text()
        body = json.loads(text) if text else None
        self.asked.append(Asked(request.method, request.raw_path, dict(request.query), request.headers, body))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _problem_response(problem(401, "A valid token is needed, as Authorization: Bearer TOKEN.", {}))
        laid = self._laid[f"{request.method} {request.path}"]
        if not laid:
            return _problem_response(problem(404, f"There is nothing at {request.path}.", {}))
        chosen = laid.popleft() if len(laid) > 1 else laid[0]
        if not chosen.status:
            assert request.transport is not None
            request.transport.close()
        return web.Response(
            body=chosen.body, status=chosen.status or 500, content_type=chosen.content_type, headers=chosen.headers
        )


def problem(status: int, detail: str, faults: Mapping[str, str]) -> dict[str, Any]:
    """Write a problem document of RFC 9457 with its faults by JSON pointer."""
    errors = [{"pointer": pointer, "detail": words} for pointer, words in faults.items()]
    return {"type": "about:blank", "title": "No", "status": status, "detail": detail, "errors": errors}


def run_document(state: str, **changes: Any) -> dict[str, Any]:
    """Write a run's document in this state."""
    books = dict.fromkeys(("read", "invalid", "duplicate", "unchanged", "held_back", "selected", "applied"), 0)
    books |= dict.fromkeys(("refused", "unconfirmed", "unsent", "pending"), 0)
    return {
        "id": "5f2c",
        "export": "vip",
        "state": state,
        "trigger": "event",
        "mode": "changes",
        "snapshot": "/data/vip.parquet",
        "books": books | {"leaving": dict(books)},
        "chunks": 0,
        "requests": 0,
        "throttles": 0,
        "accepted": 0,
        "created": "2026-11-23T22:00:00.000Z",
        "started": None,
        "finished": None,
        "deadline": "2026-11-23T23:30:00.000Z",
        "projected_finish": None,
        "error": None,
    } | changes


@contextmanager
def simulated_producer() -> Iterator[SimulatedProducer]:
    """Serve a double on a free port of this machine until the test is over."""
    double = SimulatedProducer()
    loop = asyncio.new_event_loop()
    started = threading.Event()
    ended = asyncio.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", double.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set()
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    yield double
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    loop.close()


def _problem_response(document: dict[str, Any]) -> web.Response:
    return web.json_response(document, status=document["status"], content_type="application/problem+json")
