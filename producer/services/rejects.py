"""Reads a run's reports of rejected and held-back rows, as documents or as CSV."""

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping
from typing import Final, Literal

from producer.runs.answers import ReportName
from producer.runs.store import RunStore
from producer.services.context import Services
from producer.services.errors import NotFound
from producer.services.identity import Identity
from producer.services.permissions import require_use
from wire.chunk_queue.rejects import Reject
from wire.store import codec

PAGES: Final = 16
"""Pages read at once: 8,000 lines, so that memory is flat however many were rejected."""

_COMMON: Final = tuple(name for name in Reject.__dataclass_fields__ if name != "former")
COLUMNS: Final[Mapping[ReportName, tuple[str, ...]]] = {
    "rejects": _COMMON,
    "held_back": _COMMON,
    "moved": (*_COMMON, "former"),
}
FORMULAS: Final = re.compile(r"(^|[;,|\t\r\n])(?=[ \"\u00a0\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n])")
"""Where a spreadsheet would begin to run a cell: at its beginning, and behind what it may take for the end of another, since
where people write a comma in numbers, it separates by semicolons. Source: OWASP, "CSV Injection"."""


async def require_rejects(services: Services, identity: Identity, run: str) -> None:
    """Raise Forbidden or NotFound unless somebody may see a run's rejects.

    They hold addresses, so a contributor sees those of open connections only.
    """
    found = await services.run_store.look([run])
    if not found:
        raise NotFound(f"There is no run {run!r}.")
    require_use(identity, await services.registry.connection_by_id(found[0].connection))


def as_csv(page: bytes, report: ReportName = "rejects") -> bytes:
    """Write lines of NDJSON as lines of CSV; an apostrophe stands before whatever a spreadsheet would run."""
    lines = (codec.decode(line) for line in page.splitlines())
    return b"".join(csv_line([_safe(line.get(column, "")) for column in COLUMNS[report]]) for line in lines)


async def report_pages(run_store: RunStore, run: str, report: ReportName) -> AsyncIterator[bytes]:
    """Yield the pages of one of a run's reports, each some lines of NDJSON."""
    first = 0
    while pages := await run_store.report(report, run, first, first + PAGES - 1):
        for page in pages:
            yield page
        first += PAGES


def report_page(page: bytes, form: Literal["ndjson", "csv"], report: ReportName) -> bytes:
    """Return a page of a report in the wanted form."""
    return page if form == "ndjson" else as_csv(page, report)


def _safe(value: object) -> str:
    text = "" if value is None else str(value)
    return FORMULAS.sub(r"\1'", text)


def csv_line(cells: list[str] | tuple[str, ...]) -> bytes:
    """Write one line of CSV."""
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue().encode()
