"""The trail of changes and decisions, read: part by part with the newest first, or whole as NDJSON with the oldest first."""

import re
from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

from aiohttp import web

from producer.api.access import IDENTITY, Identity
from producer.api.responses import ITEMS_MAX, answer_page, window
from producer.audit.trail import Kind, Wanted, What
from producer.input_checks import is_line
from producer.intake.cloudevents import milliseconds
from producer.services.audit_documents import AuditDocument
from producer.services.context import Collaborators, collaborators
from producer.services.permissions import require_admin
from producer.services.problems import Problem

NDJSON: Final = "application/x-ndjson"
PLACE: Final = re.compile(r"(\d{1,15}-\d{1,15})?", re.ASCII)
"""The id of an entry: the store's milliseconds and a count."""

WHATS: Final = sorted({*What, *(what.partition(".")[0] for what in What)})


async def read_trail(
    of: Collaborators, who: Identity, wanted: Wanted, *, before: str = "", most: int = ITEMS_MAX
) -> tuple[list[AuditDocument], str | None]:
    """Return entries, the newest first, older than the one with the id `before`, and what the next part is before.

    Problem 403.
    """
    require_admin(who)
    part: list[AuditDocument] = []
    async with aclosing(of.audit.entries(wanted, before=before)) as entries:
        async for entry in entries:
            if len(part) == most:
                return part, part[-1].id
            part.append(AuditDocument.of(entry))
    return part, None


async def show(request: web.Request) -> web.StreamResponse:
    """Show the entries that are wanted."""
    wanted, after = _wanted(request.query), request.query.get("after", "")
    if not PLACE.fullmatch(after):
        raise Problem(422, "The parameter after must be the id of an entry: the next of the part before.")
    if _is_export(request):
        return await _streamed(request, wanted, after)
    most = window(request).most
    items, following = await read_trail(collaborators(request), request[IDENTITY], wanted, before=after, most=most)
    return answer_page(items, following)


async def _streamed(request: web.Request, wanted: Wanted, after: str) -> web.StreamResponse:
    """Stream entries as lines, the oldest first, so that whoever keeps them goes on after the last one."""
    require_admin(request[IDENTITY])
    async with aclosing(collaborators(request).audit.oldest_first(wanted, after=after)) as entries:
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


def _wanted(query: Mapping[str, str]) -> Wanted:
    """Read which entries are wanted; Problem 422 names what would match nothing for ever."""
    said = {name: query.get(name, "") for name in ("who", "what", "kind", "name", "run")}
    if said["what"] not in {"", *WHATS}:
        raise Problem(422, f"The parameter what must be one of {', '.join(WHATS)}.")
    if said["kind"] not in {"", *Kind}:
        raise Problem(422, f"The parameter kind must be one of {', '.join(Kind)}.")
    if not all(is_line(text) for text in said.values() if text):
        raise Problem(422, "The parameters who, name and run must be one line of text each.")
    return Wanted(**said, since=_moment(query, "since"), until=_moment(query, "until"))


def _moment(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return max(0, milliseconds(text))
    except (ValueError, TypeError, OverflowError):
        raise Problem(422, f"The parameter {name} must be a time of RFC 3339 with its offset.") from None
