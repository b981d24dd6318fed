"""The handlers that say how the producer is: alive, ready, its metrics, and what the API is."""

from typing import Any, Final

from aiohttp import web

from producer.api.request_context import services_of
from producer.api.responses import answer
from producer.services.documents import StandingDocument
from wire.store import codec
from wire.store.results import StoreError

DESCRIPTION: Final = web.AppKey("description", dict[str, Any])


async def healthz(_: web.Request) -> web.Response:
    """Say that the process answers; it asks nobody else."""
    return answer(StandingDocument(ok=True))


async def readyz(request: web.Request) -> web.Response:
    """Say whether the producer can do its work, or what is in the way."""
    try:
        problems = list(await services_of(request).readiness())
    except StoreError as error:
        problems = [str(error)]
    return answer(StandingDocument(ok=not problems, problems=problems), 503 if problems else 200)


async def metrics(request: web.Request) -> web.Response:
    """Show the metrics in Prometheus's form."""
    body, content_type = await services_of(request).exposition()
    return web.Response(body=body, headers={"Content-Type": content_type})


async def describe(request: web.Request) -> web.Response:
    """Show what the API is, as OpenAPI 3.1."""
    return web.Response(body=codec.encode(request.app[DESCRIPTION]), content_type="application/json")
