"""Gathers what is known of people for a run, as surveys and sending take it: from the membership of its export and others'."""

import asyncio
from dataclasses import dataclass

from producer import leaving
from producer.comparing import Known, Limit, hashes_of, page_of
from producer.sending import WhoIsForgotten, nobody
from producer.surveying import Before
from producer.turning import mode_of
from wire.ledger import Ledger
from wire.members import Entry, Standing, order_of
from wire.membership import Membership, Summary
from wire.runs import Run

Leaver = tuple[str, Entry]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known when a survey begins, row by row and as a whole."""

    before: Before
    summary: Summary


@dataclass(frozen=True, slots=True)
class Gone:
    """Members who left the segment: those who are sent as leavers, and those left to another export, as they are from now on."""

    leavers: tuple[Leaver, ...] = ()
    yielded: tuple[Leaver, ...] = ()


class Knowledge:
    """Reads memberships; writes into them only what ended runs left behind."""

    def __init__(self, membership: Membership, ledger: Ledger, forgotten: WhoIsForgotten = nobody) -> None:
        self._membership = membership
        self._ledger = ledger
        self.forgotten = forgotten

    async def gather(self, run: Run, token: str) -> Gathered | None:
        """Return what a survey of this run compares with; None if somebody else reads it."""
        if not await self._membership.fold(run, token):
            return None
        summary = await self._membership.summary(run)
        pages = [page_of(page) async for page in self._membership.entries(run, summary)]
        known = await asyncio.to_thread(Known, pages)
        limit = await self._limit(run.retry_of) if run.retry_of else None
        forgotten = await self.forgotten()
        return Gathered(
            Before(known, mode_of(run, summary), run.include_refused, summary.runs, limit, forgotten), summary
        )

    async def gone(self, run: Run, gathered: Gathered) -> Gone:
        """Return the members whom the surveyed snapshot has no more, if the export does not keep them.

        Whoever is a member of the same list for another export stays, and so does everybody in a retry.
        """
        if run.spec.get("leavers", "keep") == "keep" or run.retry_of:
            return Gone()
        found: list[Leaver] = []
        yielded: list[Leaver] = []
        async for page in self._membership.entries(run, gathered.summary):
            gone = gathered.before.known.are_gone(hashes_of(list(page)))
            here = [address for address, is_gone in zip(page, gone.tolist(), strict=True) if is_gone]
            elsewhere = await self._membership.listed_elsewhere(run, here) if here else set()
            for address in here:
                entry = Entry.from_bytes(page[address])
                if address in elsewhere:
                    yielded.append((address, entry._replace(standing=Standing.YIELDED)))
                else:
                    found.append((address, entry))
        return Gone(tuple(found), tuple(yielded))

    async def leavers(self, run: Run) -> list[Leaver]:
        """Return those whom the survey of this run found to be leavers, and who are not yet known to have left."""
        if not run.leaving:
            return []
        orders = leaving.from_bytes(await self._ledger.leaving(run.id))
        found = []
        async for page in self._membership.entries(run, await self._membership.summary(run)):
            for address, kept in page.items():
                if order_of(address) in orders:
                    found.append((address, Entry.from_bytes(kept)))
        return [one for one in found if one[1].standing in {Standing.MEMBER, Standing.MAYBE}]

    async def _limit(self, run_id: str) -> Limit:
        """To whom the retry of a run is limited, as far as that is still kept."""
        found = await self._ledger.look([run_id])
        addresses = [address async for address in self._membership.left_by(run_id)]
        return Limit(hashes_of(addresses), rest=not found or found[0].packed < found[0].books.selected)
