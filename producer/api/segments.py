"""The handler of segments: what was heard of, and what waits to be heard of."""

from collections.abc import Sequence

from aiohttp import web

from producer.api.responses import answer_page, cut, window
from producer.registry.model import Segment
from producer.services.context import Collaborators, collaborators
from producer.services.documents import SegmentDocument


async def show_all(request: web.Request) -> web.Response:
    """List segments by name."""
    of = collaborators(request)
    part, following = cut(await of.registry.segments(), lambda segment: segment.name, window(request))
    return answer_page(await shown_segments(of, part), following)


async def shown_segments(of: Collaborators, segments: Sequence[Segment]) -> list[SegmentDocument]:
    """Return segments as they are shown."""
    warnings = await of.ageing.of_segments(segments, await of.ledger.now())
    return [SegmentDocument.of(segment, warnings[segment.name]) for segment in segments]
