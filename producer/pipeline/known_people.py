"""Gathers what is known of people for a run, as surveys and sending take it: from the membership of its export and others'."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from producer.people import absence
from producer.people.absence import Absences, Sighting
from producer.people.membership import Membership, place_of
from producer.people.membership_summary import Summary
from producer.people.suppression import ReadSuppressionList, empty_suppression_list
from producer.pipeline import address_changes
from producer.pipeline import leavers as leaving
from producer.pipeline.address_changes import AddressChange, Candidate
from producer.pipeline.comparison import ChangeLimit, Known, hashes_of, page_of
from producer.pipeline.full_runs import mode_of_run
from producer.pipeline.survey import KnownBefore, Survey
from producer.runs.store import RunStore
from wire.chunk_queue.membership_entry import ENTRY_BYTES, MembershipEntry, MemberState, order_of
from wire.chunk_queue.run import Run
from wire.store.codec import Argument

Leaver = tuple[str, MembershipEntry]

UPDATE: Final = "update"
"""What an export may say of changed addresses; the other is `leaver_and_newcomer`."""

LOOKED_UP_AT_ONCE: Final = 5_000
"""Addresses in one round trip."""


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """What is known when a survey begins, row by row and as a whole."""

    before: KnownBefore
    summary: Summary


@dataclass(frozen=True, slots=True)
class Leavers:
    """Members who left the segment: those who are sent as leavers, and those left to another export, as they are from now on.

    `waiting`: so many more stay until a second snapshot agrees. `doubtful` of them may have a row that cannot be read, or
    `is_blind`: the snapshot has so many of those rows that it says of nobody that they left. `absences` are for the next survey.
    """

    leavers: tuple[Leaver, ...] = ()
    yielded: tuple[Leaver, ...] = ()
    waiting: int = 0
    doubtful: int = 0
    is_blind: bool = False
    absences: Mapping[str, Argument] | None = None


class KnownPeopleReader:
    """Reads memberships; writes into them only what ended runs left behind."""

    def __init__(
        self, membership: Membership, run_store: RunStore, forgotten: ReadSuppressionList = empty_suppression_list
    ) -> None:
        self._membership = membership
        self._run_store = run_store
        self.forgotten = forgotten

    async def gather(self, run: Run, token: str) -> KnownPeople | None:
        """Return what a survey of this run compares with; None if somebody else reads it."""
        if not await self._membership.fold(run, token):
            return None
        summary = await self._membership.summary(run)
        pages = [page_of(page) async for page in self._membership.entries(run, summary)]
        known = await asyncio.to_thread(Known, pages)
        limit = await self._limit(run.retry_of) if run.retry_of else None
        forgotten = await self.forgotten()
        return KnownPeople(
            KnownBefore(known, mode_of_run(run, summary), run.include_refused, summary.runs, limit, forgotten), summary
        )

    async def gone(self, run: Run, gathered: KnownPeople, survey: Survey) -> Leavers:
        """Return the members whom the surveyed snapshot has no more, if the export does not keep them.

        Whoever is a member of the same list for another export stays, and so does everybody in a retry. Where leavers are
        unsubscribed, they leave only if this snapshot and the one before agree, or the export says otherwise.
        """
        if run.retry_of:
            return Leavers()
        match run.spec.get("leavers", "keep"):
            case "keep":
                return Leavers(absences={})
            case "unsubscribe":
                return await self._unsubscribed(run, gathered, survey)
            case _:
                absent = [one async for one in self._absent(run, gathered)]
                leavers, yielded = await self._parted(run, absent)
                return Leavers(leavers, yielded, absences={})

    async def _unsubscribed(self, run: Run, gathered: KnownPeople, survey: Survey) -> Leavers:
        absent = [one async for one in self._absent(run, gathered)]
        key = await self.person_key()
        judged = absence.judge(
            Absences.from_fields(await self._membership.absences(place_of(run))),
            absence.hashes_of([address for address, _ in absent], key),
            Sighting(
                absence.pin_digest(survey.pin),
                absence.origin_of(run.segment, run.spec["mapping"]),
                max(gathered.summary.runs, default=0),
                survey.unreadable,
            ),
        )
        agreed = [one for one, is_agreed in zip(absent, judged.agreed.tolist(), strict=True) if is_agreed]
        leavers, yielded = await self._parted(run, agreed)
        how = run.spec.get("leavers_confirm", "next_refresh")
        if how != "next_refresh" and not judged.is_blind:
            # A person decides on each run, or has decided for all of them: one snapshot is enough.
            meant = absent if how == "by_hand" else _without(absent, judged.doubtful.tolist())
            proposed, _ = await self._parted(run, meant)
            leavers = proposed
        return Leavers(
            leavers,
            yielded,
            waiting=len(absent) - len(leavers) - len(yielded),
            doubtful=int(judged.doubtful.sum()),
            is_blind=judged.is_blind,
            absences=judged.after.fields(),
        )

    async def _absent(self, run: Run, gathered: KnownPeople) -> AsyncIterator[Leaver]:
        async for page in self._membership.entries(run, gathered.summary):
            gone = gathered.before.known.are_gone(hashes_of(list(page)))
            for address, is_gone in zip(page, gone.tolist(), strict=True):
                if is_gone:
                    yield address, MembershipEntry.from_bytes(page[address])

    async def _parted(self, run: Run, absent: Sequence[Leaver]) -> tuple[tuple[Leaver, ...], tuple[Leaver, ...]]:
        """Part those who are to leave from those whom another export of the list counts as members."""
        elsewhere: set[str] = set()
        for first in range(0, len(absent), LOOKED_UP_AT_ONCE):
            addresses = [address for address, _ in absent[first : first + LOOKED_UP_AT_ONCE]]
            elsewhere |= await self._membership.listed_elsewhere(run, addresses)
        leavers = tuple(one for one in absent if one[0] not in elsewhere)
        stay = [(address, entry) for address, entry in absent if address in elsewhere]
        return leavers, tuple((address, entry._replace(standing=MemberState.YIELDED)) for address, entry in stay)

    async def moves(
        self, run: Run, gathered: KnownPeople, candidates: Sequence[Candidate]
    ) -> tuple[AddressChange, ...]:
        """Say what is to become of those whose address has changed.

        Their contact is given the new one if the export says so, and it is theirs alone: no row of the snapshot has its
        address, and no other export of the account knows somebody else there.
        """
        if not candidates:
            return ()
        known, places, formers = gathered.before.known, {one.place for one in candidates}, dict[int, str]()
        async for page in self._membership.entries(run, gathered.summary):
            addresses = list(page)
            for address, place in zip(addresses, known.find(hashes_of(addresses)).tolist(), strict=True):
                if place in places:
                    formers[place] = address
        theirs = {formers[one.place]: one.person for one in candidates if one.place in formers}
        anothers = await self._membership.another_elsewhere(run, theirs)
        updates = run.spec.get("changed_address", UPDATE) == UPDATE
        found = []
        for one in candidates:
            former = formers.get(one.place, "")
            is_theirs = not one.is_met and former not in anothers
            found.append(
                AddressChange(one.row, one.person, "update" if updates and is_theirs else "check", one.email, former)
            )
        return tuple(found)

    async def movers(self, run: Run) -> dict[int, AddressChange]:
        """Return by their rows those whom the survey of this run found to have another address, with the former one.

        It is empty where nothing is known of them any more: then they were erased meanwhile.
        """
        if not run.moving:
            return {}
        kept = address_changes.from_bytes(await self._run_store.moving(run.id))
        persons, formers = {one.person for one in kept}, dict[bytes, str]()
        async for page in self._membership.entries(run, await self._membership.summary(run)):
            for address, bytes_ in page.items():
                person = bytes_[ENTRY_BYTES:]
                if person in persons:
                    formers[person] = address
        return {one.row: replace(one, former=formers.get(one.person, "")) for one in kept}

    async def person_key(self) -> bytes:
        """What the hashes of ids are keyed with."""
        return await self._membership.person_key()

    async def leavers(self, run: Run) -> list[Leaver]:
        """Return those whom the survey of this run found to be leavers, and who are not yet known to have left.

        Whom another export of the list counts as member stays, also where that is known only now: since the survey two hosts
        may have been found to be one account.
        """
        if not run.leaving:
            return []
        orders = leaving.from_bytes(await self._run_store.leaving(run.id))
        found: list[Leaver] = []
        async for page in self._membership.entries(run, await self._membership.summary(run)):
            here = [address for address in page if order_of(address) in orders]
            elsewhere = await self._membership.listed_elsewhere(run, here) if here else set()
            found += [
                (address, MembershipEntry.from_bytes(page[address])) for address in here if address not in elsewhere
            ]
        return [one for one in found if one[1].standing in {MemberState.MEMBER, MemberState.MAYBE}]

    async def _limit(self, run_id: str) -> ChangeLimit:
        """To whom the retry of a run is limited, as far as that is still kept."""
        found = await self._run_store.look([run_id])
        addresses = [address async for address in self._membership.left_by(run_id)]
        return ChangeLimit(hashes_of(addresses), rest=not found or found[0].packed < found[0].books.selected)


def _without(leavers: Sequence[Leaver], marked: Sequence[bool]) -> list[Leaver]:
    return [one for one, is_marked in zip(leavers, marked, strict=True) if not is_marked]
