"""The trail of changes and decisions, read: part by part with the newest first, or whole as NDJSON with the oldest first."""

import re
from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.problem_responses import Problem
from producer.api.request_context import services_of
from producer.api.responses import answer_page, window
from producer.audit.entry import AuditedKind
from producer.audit.trail import AuditFilter
from producer.input_checks import is_line
from producer.services.audit import NDJSON, WHATS, read_trail, time_parameter
from producer.services.audit_documents import AuditDocument
from producer.services.permissions import require_admin

PLACE: Final = re.compile(r"(\d{1,15}-\d{1,15})?", re.ASCII)
"""The id of an entry: the store's milliseconds and a count."""


async def show(request: web.Request) -> web.StreamResponse:
    """Show the entries that are wanted."""
    wanted, after = _wanted(request.query), request.query.get("after", "")
    if not PLACE.fullmatch(after):
        raise Problem(422, "The parameter after must be the id of an entry: the next of the part before.")
    if _is_export(request):
        return await _streamed(request, wanted, after)
    most = window(request).most
    items, following = await read_trail(services_of(request), request[IDENTITY], wanted, before=after, most=most)
    return answer_page(items, following)


async def _streamed(request: web.Request, wanted: AuditFilter, after: str) -> web.StreamResponse:
    """Stream entries as lines, the oldest first, so that whoever keeps them goes on after the last one."""
    require_admin(request[IDENTITY])
    async with aclosing(services_of(request).audit.oldest_first(wanted, after=after)) as entries:
        # The first is read before the status is sent: a store that fails is still a 503.
        first = await anext(entries, None)
        response = web.StreamResponse(headers={"Content-Type": NDJSON, "Cache-Control": "no-store"})
        await response.prepare(request)
        if first is not None:
            await response.write(_line(AuditDocument.of(first)))
        async for entry in entries:
            await response.write(_line(AuditDocument.of(entry)))
    await response.write_eof()
    return response


def _line(document: AuditDocument) -> bytes:
    return document.model_dump_json().encode() + b"\n"


def _is_export(request: web.Request) -> bool:
    form = request.query.get("format")
    if form not in {None, "json", "ndjson"}:
        raise Problem(422, "The parameter format must be json or ndjson.")
    return form == "ndjson" or (form is None and NDJSON in request.headers.get("Accept", ""))


def _wanted(query: Mapping[str, str]) -> AuditFilter:
    """Read which entries are wanted; Problem 422 names what would match nothing for ever."""
    said = {name: query.get(name, "") for name in ("who", "what", "kind", "name", "run")}
    if said["what"] not in {"", *WHATS}:
        raise Problem(422, f"The parameter what must be one of {', '.join(WHATS)}.")
    if said["kind"] not in {"", *AuditedKind}:
        raise Problem(422, f"The parameter kind must be one of {', '.join(AuditedKind)}.")
    if not all(is_line(text) for text in said.values() if text):
        raise Problem(422, "The parameters who, name and run must be one line of text each.")
    return AuditFilter(**said, since=time_parameter(query, "since"), until=time_parameter(query, "until"))
