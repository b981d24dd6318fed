"""The leaf of whom a run left out: searched page by page of the record, so that neither memory nor the store feels it.

What is searched for may be an address, so it is never part of this page's own address: it comes in a form.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiohttp import web

from producer.api import rejects as lines
from producer.api.access import IDENTITY
from producer.api.request_context import services_of
from producer.runs.answers import ReportName
from producer.runs.store import RunStore
from producer.services.rejects import require_rejects
from producer.web.forms.form_parsing import FORM
from producer.web.pages.runs import WORDS, look, unknown
from producer.web.rendering.run_labels import CODES, FATES
from producer.web.rendering.templating import render
from wire.chunk_queue.rejects import addresses_in
from wire.store import codec

SHOWN: Final = 50
PAGES_AT_ONCE: Final = 8
PAGES_SEARCHED: Final = 64
"""For one look: 32,000 lines. Who has not found theirs by then goes on from there."""

WORDS_CHARACTERS_MAX: Final = 320
FateFilter = Literal["", "held_back", "changed_address"]
"""Of which lines there are lists; nothing: the invalid and the refused."""

REPORTS: Final[Mapping[FateFilter, ReportName]] = {"": "rejects", "held_back": "held_back", "changed_address": "moved"}
PLACE: Final = re.compile(r"(\d{1,7})-(\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReportPosition:
    """A line of the rejects: in which page of the record, and the how many-th there; both from 0."""

    page: int = 0
    line: int = 0

    def __str__(self) -> str:
        return f"{self.page}-{self.line}"


@dataclass(frozen=True, slots=True)
class RejectQuery:
    """Which lines are wanted: of which list, with a code, with words in an address or the reason."""

    fate: FateFilter = ""
    code: str = ""
    words: str = ""

    def holds(self, line: dict[str, Any]) -> bool:
        """Whether a line is wanted."""
        if self.code not in {"", line["code"]}:
            return False
        words = self.words.casefold()
        return not words or words in "\n".join((*addresses_in(line), line["reason"])).casefold()


@dataclass(frozen=True, slots=True)
class FoundRejects:
    """Lines that were wanted, how many were looked at, and where to go on; None at the end."""

    lines: list[dict[str, Any]]
    searched: int
    following: ReportPosition | None


async def find(run_store: RunStore, run: str, wanted: RejectQuery, start: ReportPosition) -> FoundRejects:
    """Find wanted lines from a place on. StoreError."""
    found: list[dict[str, Any]] = []
    searched = 0
    for first in range(start.page, start.page + PAGES_SEARCHED, PAGES_AT_ONCE):
        pages = await run_store.report(REPORTS[wanted.fate], run, first, first + PAGES_AT_ONCE - 1)
        for number, page in enumerate(pages, first):
            for place, text in enumerate(page.splitlines()):
                if number == start.page and place < start.line:
                    continue
                line = codec.decode(text)
                if wanted.holds(line):
                    if len(found) == SHOWN:
                        return FoundRejects(found, searched, ReportPosition(number, place))
                    found.append(line)
                searched += 1
        if len(pages) < PAGES_AT_ONCE:
            return FoundRejects(found, searched, None)
    return FoundRejects(found, searched, ReportPosition(start.page + PAGES_SEARCHED))


async def show(request: web.Request) -> web.Response:
    """Show the first lines."""
    return await _shown(request, RejectQuery(_fate(request.query.get("fate"))), ReportPosition())


async def search(request: web.Request) -> web.Response:
    """Show lines that fit what was asked for, or those that come after the ones shown before."""
    form = request[FORM]
    wanted = RejectQuery(
        _fate(form.get("fate")),
        code=form.get("code", "") if form.get("code") in CODES else "",
        words=form.get("words", "").strip()[:WORDS_CHARACTERS_MAX],
    )
    return await _shown(request, wanted, _place(form.get("after", "")))


download: Final = lines.show
"""The API's own stream of lines."""


async def _shown(request: web.Request, wanted: RejectQuery, start: ReportPosition) -> web.Response:
    services, run = services_of(request), request.match_info["id"]
    await require_rejects(services, request[IDENTITY], run)
    seen = await look(services, run)
    if seen is None:
        raise unknown(run)
    found = await find(services.run_store, run, wanted, start)
    return render(
        request,
        "rejects.html",
        seen=seen,
        wanted=wanted,
        found=found,
        start=start,
        fates=FATES,
        fate=wanted.fate,
        **WORDS,
    )


def _fate(said: str | None) -> FateFilter:
    match said:
        case "held_back" | "changed_address" as fate:
            return fate
        case _:
            return ""


def _place(text: str) -> ReportPosition:
    said = PLACE.fullmatch(text)
    return ReportPosition(int(said[1]), int(said[2])) if said else ReportPosition()
