"""The handler of events: reads the CloudEvent and hands it to intake."""

from aiohttp import web

from producer.api.answering import answer
from producer.api.collaborators import collaborators
from producer.api.documents import EventDocument
from producer.api.problems import Problem, unprocessable
from producer.cloudevents import Malformed, read_event, speaks_cloudevents


async def accept(request: web.Request) -> web.Response:
    """Take a refresh and open its runs, once."""
    if not speaks_cloudevents(request.content_type, request.headers):
        raise Problem(415, "Send a CloudEvent: application/cloudevents+json, or JSON with ce- headers.")
    try:
        event = read_event(request.content_type, request.headers, await request.read())
    except Malformed as error:
        raise unprocessable(error.faults) from None
    accepted = await collaborators(request).intake.accept_event(event)
    document = EventDocument(runs=list(accepted.runs), reason=accepted.reason)
    return answer(document, 202, leave_out_none=True)
