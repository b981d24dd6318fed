"""Lists the segments that were refreshed or are named by an export."""

from collections.abc import Sequence

from producer.registry.model import Segment
from producer.services.context import Services
from producer.services.documents import SegmentDocument


async def shown_segments(services: Services, segments: Sequence[Segment]) -> list[SegmentDocument]:
    """Return segments as they are shown."""
    warnings = await services.staleness_check.of_segments(segments, await services.run_store.now())
    return [SegmentDocument.of(segment, warnings[segment.name]) for segment in segments]
