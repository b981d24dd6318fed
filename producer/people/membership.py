"""Reads what an export knows of the people at a list, and folds into it what ended runs left behind.

It is written by the scripts that settle chunks; nothing here changes what is known of anybody, except that an address which
ActiveCampaign may have without our knowing becomes `MAYBE`.
"""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from hashlib import sha1
from typing import Final

from producer.people.membership_summary import MembershipKey, Summary
from producer.people.suppression import KEY_BYTES
from wire.activecampaign.requests import emails_of
from wire.chunk_queue.membership_entry import (
    ENTRY_BYTES,
    UNKNOWN,
    MembershipEntries,
    MembershipEntry,
    MemberState,
    address_of,
    past_of,
)
from wire.chunk_queue.run import Run
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store

BUCKETS_AT_ONCE: Final = 128
"""Some 5,000 entries in one round trip."""

_LONG_BYTES: Final = 64


class Membership:
    """What exports know of people; each method is about the export, account and list of a run."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def summary(self, run: Run) -> Summary:
        """Read the membership as a whole."""
        return await self._summary(place_of(run))

    async def _summary(self, place: MembershipKey) -> Summary:
        found = await self._store.hash(key("membership", *place))
        runs = {int(name[4:]): of.decode() for name, of in found.items() if name.startswith("run:")}
        numbers = {name: int(found[name]) for name in ("members", "level", "split", "since_full") if name in found}
        full_at = int(found["full_at"]) if "full_at" in found else None
        return Summary(
            **numbers,
            full_at=full_at,
            mapping=found.get("mapping", b"").decode(),
            runs=runs,
            read=int(found.get("read", 0)),
            nulls=codec.decode(found.get("nulls", b"{}")),
        )

    async def absences(self, place: MembershipKey) -> Mapping[str, bytes]:
        """Read which members the last surveyed snapshot did not have, as `producer.people.absence` wrote it."""
        return await self._store.hash(key("absent", *place))

    async def entries(self, run: Run, summary: Summary) -> AsyncIterator[Mapping[str, bytes]]:
        """Yield everything that is known, entries by address, some thousands at a time."""
        async for page in self._entries(place_of(run), summary):
            yield page

    async def _entries(self, place: MembershipKey, summary: Summary) -> AsyncIterator[Mapping[str, bytes]]:
        names = ["long", *map(str, range(summary.level + summary.split))]
        for first in range(0, len(names), BUCKETS_AT_ONCE):
            buckets = [key("members", *place, name) for name in names[first : first + BUCKETS_AT_ONCE]]
            found: dict[str, bytes] = {}
            for bucket in await self._store.hashes(buckets):
                found.update(bucket)
            yield found

    async def entry(self, run: Run, address: str) -> MembershipEntry | None:
        """Read what is known of one address."""
        return (await self.known_at(place_of(run), address))[1]

    async def known_at(self, place: MembershipKey, address: str) -> tuple[Summary, MembershipEntry | None]:
        """Read a membership as a whole, and what it knows of one address."""
        summary = await self._summary(place)
        name = bucket_of(address, summary.level, summary.split)
        (found,) = await self._store.picked([(key("members", *place, name), address)])
        return summary, None if found is None else MembershipEntry.from_bytes(found)

    async def addresses_of(self, place: MembershipKey, address: str) -> set[str]:
        """Every address of a membership that is, or was, of the person of this one; none if nobody's id is known there."""
        summary, entry = await self.known_at(place, address)
        if entry is None or not entry.person:
            return set()
        theirs = {entry.person, past_of(entry.person)}
        return {
            other
            async for page in self._entries(place, summary)
            for other, kept in page.items()
            if kept[ENTRY_BYTES:] in theirs
        }

    async def person_key(self) -> bytes:
        """What the hashes of ids are keyed with: the same as those of the forgotten, since they are told apart by both."""
        kept: bytes = await self._store.run("key_of_forgotten", secrets.token_bytes(KEY_BYTES))
        return kept

    async def places(self, export: str) -> list[MembershipKey]:
        """Where an export has sent people to, as far as it still counts."""
        found = await self._store.members(key("memberships", export))
        return [(export, account, list_id) for account, list_id in (name.split(" ") for name in sorted(found))]

    async def listed_elsewhere(self, run: Run, addresses: Sequence[str]) -> set[str]:
        """Tell which of these another export counts as a member of this list, or as one who may be."""
        found = self._known_elsewhere(run, addresses, on_any_list=False)
        return {address async for address, _ in found}

    async def another_elsewhere(self, run: Run, persons: Mapping[str, bytes]) -> set[str]:
        """Tell at which of these addresses another export knows somebody else than this person, on whatever list.

        Whom it does not know by an id is somebody else to it: the contact may be another one's.
        """
        found = self._known_elsewhere(run, list(persons), on_any_list=True)
        return {address async for address, entry in found if entry.person != persons[address]}

    async def _known_elsewhere(
        self, run: Run, addresses: Sequence[str], *, on_any_list: bool
    ) -> AsyncIterator[tuple[str, MembershipEntry]]:
        """Yield whom other exports of the account count as members, or as such who may be."""
        names = await self._store.hash(key("account_names"))

        def account(host: str) -> str:
            return names.get(host, host.encode()).decode()

        for other in (await self._store.hash(key("exports"))).values():
            export = other.decode()
            for place in await self.places(export) if export != run.export else ():
                if account(place[1]) != account(run.account) or not (on_any_list or place[2] == run.list_id):
                    continue
                summary = await self._summary(place)
                buckets = (bucket_of(address, summary.level, summary.split) for address in addresses)
                keys = [(key("members", *place, at), address) for at, address in zip(buckets, addresses, strict=True)]
                kept = await self._store.picked(keys) if keys else []
                for address, found in zip(addresses, kept, strict=True):
                    entry = MembershipEntry.from_bytes(found) if found else None
                    if entry and entry.standing in {MemberState.MEMBER, MemberState.MAYBE}:
                        yield address, entry

    async def left_by(self, run_id: str) -> AsyncIterator[str]:
        """Yield the addresses of those whom a run left refused, unconfirmed or unsent, as long as that is kept."""
        for page in await self._store.page(key("rejects", run_id), 0, -1):
            for line in codec.unsqueeze(page).splitlines():
                reject = codec.decode(line)
                if reject["fate"] == "refused":
                    yield address_of(reject["email"])
        for page in await self._store.page(key("left", run_id), 0, -1):
            for email in emails_of(codec.unsqueeze(page[1:])):
                yield address_of(email)

    async def fold(self, run: Run, token: str) -> bool:
        """Make `MAYBE` of what ended runs left and ActiveCampaign may have; False if somebody else reads the run."""
        for ended, number in (await self._store.hash(key("unfolded", *place_of(run)))).items():
            kept = await self._store.page(key("left", ended), 0, -1)
            entry = MembershipEntry(MemberState.MAYBE, run=int(number), person=UNKNOWN)
            pages = [page[1:] for page in kept if page.startswith(b"?")]
            for page in (*pages, None):
                emails = emails_of(codec.unsqueeze(page)) if page else ()
                entries = MembershipEntries.of((address_of(email), entry) for email in emails)
                told = await self._store.run("fold", run.id, token, ended, "" if page else "1", *entries.words())
                if told != b"ok":
                    return False
        return True


def bucket_of(address: str, level: int, split: int) -> str:
    """Name the bucket an address lies in, as `scripts/lib/membership.lua` does."""
    written = address.encode()
    if len(written) > _LONG_BYTES:
        return "long"
    hashed = int(sha1(written, usedforsecurity=False).hexdigest()[:8], 16)
    bucket = hashed % level
    return str(hashed % (2 * level) if bucket < split else bucket)


def place_of(run: Run) -> MembershipKey:
    """Where a run writes what it learns of people."""
    return run.export, run.account, run.list_id
