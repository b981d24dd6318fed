"""Gathers what the record has of one address, export by export; what follows from it is told elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from producer.people.absence import Absence, Absences, pin_digest
from producer.people.membership import Membership
from producer.people.membership_summary import MembershipKey, Summary
from producer.people.traced import Batch, LeftBehind, OnTheWay, ReportLine, Trace
from producer.registry.model import Export
from producer.runs.store import RunStore
from wire.activecampaign.requests import addresses_of
from wire.chunk_queue.membership_entry import MembershipEntry, chunk_number
from wire.chunk_queue.rejects import addresses_in
from wire.chunk_queue.run import Run
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store

IsThem = Callable[[str], bool]

PAGES_AT_ONCE: Final = 16


class Tracer:
    """Reads the record; writes nothing."""

    def __init__(self, store: Store, run_store: RunStore) -> None:
        self._store = store
        self._run_store = run_store
        self._membership = Membership(store)

    async def trace(self, export: Export, address: str, is_theirs: IsThem) -> Trace:
        """Read what there is about an address, which `is_theirs` knows in every spelling."""
        runs = [run for run in await self._runs() if run.export == export.id]
        summary, entry, place = await self._known(export, address)
        numbered = summary.runs
        last = next((run for run in runs if numbered and run.id == numbered[max(numbered)]), None)
        sent_in = numbered.get(entry.run) if entry and entry.run else None
        on_the_way: list[OnTheWay] = []
        lines: list[ReportLine] = []
        left_behind: list[LeftBehind] = []
        for run in runs:
            if not run.over:
                on_the_way += await self._on_the_way(run, is_theirs)
            lines += await self._lines(run, is_theirs)
            left_behind += await self._left_behind(run, is_theirs)
        return Trace(
            list_id=place[2] if place else export.list_id,
            entry=entry,
            last=last,
            sent_in=sent_in,
            batches=await self._batches(sent_in, entry.chunk) if entry and sent_in else (),
            on_the_way=tuple(on_the_way),
            lines=tuple(lines),
            left_behind=tuple(left_behind),
            has_run=bool(runs),
            absence=await self._absence(place, last, address) if place and last else None,
        )

    async def _absence(self, place: MembershipKey, last: Run, address: str) -> Absence | None:
        noted = Absences.from_fields(await self._membership.absences(place))
        if noted.pins[-1:] != (pin_digest(last.pin),):
            return None
        return noted.of(address, await self._membership.person_key())

    async def _runs(self) -> list[Run]:
        """All runs whose record is kept, the newest first."""
        return await self._run_store.look([run for run, _ in await self._store.ranked(key("runs"), newest=True)])

    async def _known(
        self, export: Export, address: str
    ) -> tuple[Summary, MembershipEntry | None, MembershipKey | None]:
        for place in await self._membership.places(export.id):
            summary, entry = await self._membership.known_at(place, address)
            return summary, entry, place
        return Summary(), None, None

    async def _batches(self, run: str, chunk: int) -> tuple[Batch, ...]:
        found = [line.decode().split(" ") for line in await self._store.page(key("batches", run), 0, -1)]
        return tuple(Batch(of, batch, int(at)) for of, batch, at in found if chunk_number(of) == chunk)

    async def _on_the_way(self, run: Run, is_theirs: IsThem) -> list[OnTheWay]:
        names = [name for lane in ("ready", "accepted") for name, _ in await self._store.ranked(key(lane, run.id))]
        found = []
        for name in names:
            chunk = await self._store.hash(key("chunk", run.id, name))
            if not chunk:
                continue
            if await asyncio.to_thread(_has, chunk["contacts"], is_theirs):
                batch = chunk["batch"].decode() if "batch" in chunk else None
                found.append(OnTheWay(run.id, name, chunk["state"].decode(), batch, "leaving" in chunk))
        return found

    async def _lines(self, run: Run, is_theirs: IsThem) -> list[ReportLine]:
        documents = [
            document
            for name in ("rejects", "held_back", "moved")
            async for page in self._pages(name, run)
            for document in await asyncio.to_thread(_lines_of, page, is_theirs)
        ]
        return [
            ReportLine(
                run.id, one["fate"], one["code"], one["reason"], one["row"], is_former=not is_theirs(one["email"])
            )
            for one in documents
        ]

    async def _left_behind(self, run: Run, is_theirs: IsThem) -> list[LeftBehind]:
        return [
            LeftBehind(run.id, page.startswith(b"?"))
            async for page in self._pages("left", run)
            if await asyncio.to_thread(_has, page[1:], is_theirs)
        ]

    async def _pages(self, name: str, run: Run) -> AsyncIterator[bytes]:
        """Read a run's pages, some at a time: there may be thousands of them, and whoever else is served does not wait."""
        first = 0
        while pages := await self._store.page(key(name, run.id), first, first + PAGES_AT_ONCE - 1):
            for page in pages:
                yield page
            first += PAGES_AT_ONCE


def _has(squeezed: bytes, is_theirs: IsThem) -> bool:
    return any(any(map(is_theirs, known_as)) for known_as in addresses_of(codec.unsqueeze(squeezed)))


def _lines_of(page: bytes, is_theirs: IsThem) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [codec.decode(line) for line in codec.unsqueeze(page).splitlines()]
    return [line for line in lines if any(map(is_theirs, addresses_in(line)))]
