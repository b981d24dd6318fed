"""Serves a worker's metrics and its health on a thread of its own, so that it answers when the event loop does not.

`/metrics` is for Prometheus, `/healthz` for the liveness probe and `/readyz` for the readiness probe. Of several processes of
one worker the first serves for all; the health it tells is its own.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from wire.store import codec
from worker.liveness import Liveness

JSON: Final = ("Content-Type", "application/json")

Application = Callable[..., Any]


def serve(port: int, liveness: Liveness, metrics: Application, *, shared: bool = False) -> "HealthServer | None":
    """Serve until closed; None where `shared`, and another process of this worker serves already.

    OSError if the port is taken by somebody else.
    """
    with suppress(*([OSError] if shared else [])):
        server = make_server("", port, application(liveness, metrics), HealthServer, Quiet)
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        return server
    return None


def application(liveness: Liveness, metrics: Application) -> Application:
    """Make the application behind all three paths."""

    def standing(problems: list[str], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("503 Service Unavailable" if problems else "200 OK", [JSON])
        return [codec.encode({"ok": not problems, "problems": problems})]

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                shown: Iterable[bytes] = metrics(environ, start_response)
                return shown
            case "/healthz":
                return standing(liveness.ailments(), start_response)
            case "/readyz":
                return standing(liveness.hindrances(), start_response)
            case _:
                start_response("404 Not Found", [JSON])
                return [b"{}"]

    return answer


class HealthServer(ThreadingMixIn, WSGIServer):
    """Answers each request on a thread: a slow scrape keeps no probe waiting."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Writes no line for a request."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's signature
        """Say nothing."""
