"""The handlers of events: one reads the CloudEvent and hands it to intake, one shows the events that could not be taken."""

import re
from typing import Final

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.problem_responses import Problem
from producer.api.request_context import services_of
from producer.api.responses import answer, answer_page, window
from producer.intake.cloudevents import Malformed, read_event, speaks_cloudevents
from producer.services.documents import DeadEventDocument, EventDocument
from producer.services.errors import invalid_fields

PLACE: Final = re.compile(r"\d{1,15}-\d{1,15}", re.ASCII)
"""The id of a dead event: the store's milliseconds and a count."""


async def accept(request: web.Request) -> web.Response:
    """Take a refresh and open its runs, once."""
    if not speaks_cloudevents(request.content_type, request.headers):
        raise Problem(415, "Send a CloudEvent: application/cloudevents+json, or JSON with ce- headers.")
    try:
        event = read_event(request.content_type, request.headers, await request.read())
    except Malformed as error:
        raise invalid_fields(error.faults) from None
    accepted = await services_of(request).intake.accept_event(event, by=request[IDENTITY].author)
    document = EventDocument(runs=list(accepted.runs), reason=accepted.reason)
    return answer(document, 202, leave_out_none=True)


async def show_dead(request: web.Request) -> web.Response:
    """List events that could not be taken, the newest first."""
    if request.query.get("state") != "dead":
        raise Problem(422, "The parameter state must be dead: other events are not listed.")
    wanted = window(request)
    if wanted.after and not PLACE.fullmatch(wanted.after):
        raise Problem(422, "The parameter after must be the next of the part before.")
    found = await services_of(request).events.dead(before=wanted.after, most=wanted.most + 1)
    part = found[: wanted.most]
    return answer_page([DeadEventDocument.of(dead) for dead in part], part[-1].id if len(found) > len(part) else None)
