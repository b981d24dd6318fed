"""The handler of snapshots: a look at one, before a run is asked for."""

from aiohttp import web

from producer.api.problem_responses import Problem
from producer.api.request_context import services_of
from producer.api.responses import answer
from producer.services.documents import PreviewDocument
from producer.snapshots import SnapshotError


async def preview(request: web.Request) -> web.Response:
    """Show columns and the first rows of a snapshot, addresses masked."""
    snapshot = request.query.get("snapshot")
    if not snapshot:
        raise Problem(422, "The parameter snapshot is missing: a URI or an absolute path.")
    try:
        found = await services_of(request).preview(snapshot)
    except SnapshotError as error:
        raise Problem(422, str(error)) from None
    return answer(PreviewDocument.of(snapshot, found))
