"""The leaf of segments: when each was last refreshed, who waits for it, and which have gone quiet."""

from aiohttp import web

from producer.api.request_context import services_of
from producer.services.segments import shown_segments
from producer.timestamps import milliseconds
from producer.web.rendering.templating import render


async def show_all(request: web.Request) -> web.Response:
    """List segments by name."""
    services = services_of(request)
    segments, now = await shown_segments(services, await services.registry.segments()), await services.run_store.now()
    return render(request, "segments.html", segments=segments, now=now, at=milliseconds)
