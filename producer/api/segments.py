"""The handler of segments: what was heard of, and what waits to be heard of."""

from aiohttp import web

from producer.api.request_context import services_of
from producer.api.responses import answer_page, window
from producer.services.paging import cut
from producer.services.segments import shown_segments


async def show_all(request: web.Request) -> web.Response:
    """List segments by name."""
    services = services_of(request)
    part, following = cut(await services.registry.segments(), lambda segment: segment.name, window(request))
    return answer_page(await shown_segments(services, part), following)
