"""The handler of a run's rejects: streamed page by page, as NDJSON or as CSV that is safe in a spreadsheet."""

from typing import Final, Literal

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.problem_responses import Problem
from producer.api.request_context import services_of
from producer.runs.answers import ReportName
from producer.services.rejects import COLUMNS, csv_line, report_page, report_pages, require_rejects

NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"


async def show(request: web.Request) -> web.StreamResponse:
    """Stream a run's rejects, with `fate=held_back` those whom it left alone, or with `fate=changed_address` those it knew again."""
    services, run = services_of(request), request.match_info["id"]
    form, report = _form(request), _report(request)
    await require_rejects(services, request[IDENTITY], run)
    pages = report_pages(services.run_store, run, report)
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
        await response.write(csv_line(COLUMNS[report]))
    await response.write(report_page(first, form, report))
    async for page in pages:
        await response.write(report_page(page, form, report))
    await response.write_eof()
    return response


def _report(request: web.Request) -> ReportName:
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
