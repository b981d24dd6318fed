"""The handler of segments: what was heard of, and what waits to be heard of."""

from aiohttp import web

from producer.api.answering import answer_page, cut, window
from producer.api.collaborators import collaborators
from producer.api.documents import SegmentDocument


async def show_all(request: web.Request) -> web.Response:
    """List segments by name."""
    segments = await collaborators(request).registry.segments()
    part, following = cut(segments, lambda segment: segment.name, window(request))
    return answer_page([SegmentDocument.of(segment) for segment in part], following)
