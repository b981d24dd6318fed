"""The handler of a run's rejects: streamed page by page, as NDJSON or as CSV that is safe in a spreadsheet."""

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping
from typing import Final, Literal

from aiohttp import web

from producer.api.access import IDENTITY, Identity
from producer.services.context import Collaborators, collaborators
from producer.services.permissions import require_use
from producer.services.problems import Problem
from wire.chunk_queue.chunk_store import Ledger, Report
from wire.chunk_queue.rejects import Reject
from wire.store import codec

PAGES: Final = 16
"""Pages read at once: 8,000 lines, so that memory is flat however many were rejected."""

_COMMON: Final = tuple(name for name in Reject.__dataclass_fields__ if name != "former")
COLUMNS: Final[Mapping[Report, tuple[str, ...]]] = {
    "rejects": _COMMON,
    "held_back": _COMMON,
    "moved": (*_COMMON, "former"),
}
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"
FORMULAS: Final = re.compile(r"(^|[;,|\t\r\n])(?=[ \"\u00a0\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n])")
"""Where a spreadsheet would begin to run a cell: at its beginning, and behind what it may take for the end of another, since
where people write a comma in numbers, it separates by semicolons. Source: OWASP, "CSV Injection"."""


async def require_rejects(of: Collaborators, who: Identity, run: str) -> None:
    """Raise Problem 403 or 404 unless somebody may see a run's rejects.

    They hold addresses, so a contributor sees those of open connections only.
    """
    found = await of.ledger.look([run])
    if not found:
        raise Problem(404, f"There is no run {run!r}.")
    require_use(who, await of.registry.connection_by_id(found[0].connection))


async def show(request: web.Request) -> web.StreamResponse:
    """Stream a run's rejects, with `fate=held_back` those whom it left alone, or with `fate=changed_address` those it knew again."""
    of, run = collaborators(request), request.match_info["id"]
    form, report = _form(request), _report(request)
    await require_rejects(of, request[IDENTITY], run)
    pages = _pages(of.ledger, run, report)
    # The first page is read before the status is sent: a store that fails is still a 503.
    first = await anext(pages, b"")
    response = web.StreamResponse(
        headers={
            "Content-Type": NDJSON if form == "ndjson" else f"{CSV}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="rejects-{run}.{form}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    await response.prepare(request)
    if form == "csv":
        await response.write(_line(COLUMNS[report]))
    await response.write(_written(first, form, report))
    async for page in pages:
        await response.write(_written(page, form, report))
    await response.write_eof()
    return response


def as_csv(page: bytes, report: Report = "rejects") -> bytes:
    """Write lines of NDJSON as lines of CSV; an apostrophe stands before whatever a spreadsheet would run."""
    lines = (codec.decode(line) for line in page.splitlines())
    return b"".join(_line([_safe(line.get(column, "")) for column in COLUMNS[report]]) for line in lines)


async def _pages(ledger: Ledger, run: str, report: Report) -> AsyncIterator[bytes]:
    first = 0
    while pages := await ledger.report(report, run, first, first + PAGES - 1):
        for page in pages:
            yield page
        first += PAGES


def _report(request: web.Request) -> Report:
    match request.query.get("fate"):
        case None:
            return "rejects"
        case "held_back":
            return "held_back"
        case "changed_address":
            return "moved"
        case _:
            raise Problem(
                422,
                "The parameter fate must be held_back or changed_address, or absent: then the invalid and the refused are shown.",
            )


def _form(request: web.Request) -> Literal["ndjson", "csv"]:
    match request.query.get("format"):
        case "csv":
            return "csv"
        case "ndjson":
            return "ndjson"
        case None:
            return "csv" if CSV in request.headers.get("Accept", "") else "ndjson"
        case _:
            raise Problem(422, "The parameter format must be ndjson or csv.")


def _written(page: bytes, form: Literal["ndjson", "csv"], report: Report) -> bytes:
    return page if form == "ndjson" else as_csv(page, report)


def _safe(value: object) -> str:
    text = "" if value is None else str(value)
    return FORMULAS.sub(r"\1'", text)


def _line(cells: list[str] | tuple[str, ...]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue().encode()
