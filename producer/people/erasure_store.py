"""Erases a person from the record, and keeps of them a keyed hash and nothing else; knows no ActiveCampaign.

Membership, chunks, and the pages of rejects, of those held back and of those left are all the places where addresses are.
A chunk that somebody holds, or that ActiveCampaign has accepted, is left to its end, unless its connection is blocked and
nobody may ask after its batch: the address stays in `forgetting` till then, and whoever goes on with it begins anew. So it ends
in erasure whatever is killed in between.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from producer.audit.entry import SYSTEM, Author, author_as_text
from producer.people.membership import Membership
from producer.people.suppression import KEY_BYTES, SuppressionList, digest_of
from producer.runs.store import RunStore
from wire.activecampaign.requests import addresses_of, contacts_of, import_body
from wire.chunk_queue.chunk import fingerprint_at
from wire.chunk_queue.chunk_store import packed_rows
from wire.chunk_queue.rejects import addresses_in
from wire.chunk_queue.run import Run
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store
from wire.store.results import Rewritten

PAGES_AT_ONCE: Final = 16

IsErased = Callable[[str], bool]
"""Whether an address, as it stands somewhere, is the person's."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Where somebody was erased, in entries, lines and contacts; `waits_for`: runs whose chunks or survey still have them."""

    membership: int = 0
    chunks: int = 0
    rejects: int = 0
    held_back: int = 0
    moved: int = 0
    left: int = 0
    waits_for: frozenset[str] = frozenset()

    def counts(self) -> dict[str, int]:
        """How many, by place."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "waits_for"}


def sum_of(erased: Iterable[Erased]) -> Erased:
    """Add up what was erased under several addresses."""
    found = list(erased)
    counts = {name: sum(one.counts()[name] for one in found) for name in Erased().counts()}
    return Erased(**counts, waits_for=frozenset().union(*(one.waits_for for one in found)))


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """What is to be erased since `at`: `elsewhere` at ActiveCampaign, too. `as_read` tells it from the same asked later."""

    address: str
    at: int
    elsewhere: bool
    surveys: tuple[str, ...] = ()
    as_read: str = field(default="", repr=False)


class ErasureStore:
    """Knows who is forgotten, and takes them out of the record."""

    def __init__(self, store: Store, run_store: RunStore) -> None:
        self._store = store
        self._run_store = run_store
        self._membership = Membership(store)

    async def forgotten(self) -> SuppressionList:
        """Read who is forgotten; without anybody, nothing is to be hashed."""
        found = await self._store.hash(key("forgotten"))
        kept = await self._store.value(key("forgotten_key")) if found else None
        return SuppressionList(kept or b"", frozenset(found))

    async def since(self, address: str) -> int | None:
        """When an address was forgotten; None if it is not."""
        kept = await self._store.value(key("forgotten_key"))
        if kept is None:
            return None
        (found,) = await self._store.picked([(key("forgotten"), digest_of(address, kept))])
        return None if found is None else int(found)

    async def forget(self, address: str, *, elsewhere: bool, by: Author = SYSTEM) -> int:
        """Note that an address is forgotten and to be erased; on disk when it returns when that was first."""
        kept: bytes = await self._store.run("key_of_forgotten", secrets.token_bytes(KEY_BYTES))
        flag = "1" if elsewhere else ""
        said = author_as_text(by, facts={"delete_at_activecampaign": elsewhere})
        return int(await self._store.keep("forget", digest_of(address, kept), address, flag, said))

    async def pseudonym(self, address: str) -> str:
        """Return the keyed hash that stands for an address where the address itself may not."""
        kept: bytes = await self._store.run("key_of_forgotten", secrets.token_bytes(KEY_BYTES))
        return digest_of(address, kept)

    async def others_of(self, address: str) -> set[str]:
        """Under which other addresses exports know the person of this one, by their id."""
        found: set[str] = set()
        for export in (await self._store.hash(key("exports"))).values():
            for place in await self._membership.places(export.decode()):
                found |= await self._membership.addresses_of(place, address)
        return found - {address}

    async def asked(self) -> list[ErasureRequest]:
        """Read whom there is to erase."""
        found = await self._store.hash(key("forgetting"))
        return [_asked(address, kept.decode()) for address, kept in found.items() if address]

    async def finish(self, asked: ErasureRequest) -> bool:
        """Strike the address itself off; False if it was asked for once more meanwhile."""
        return bool(await self._store.keep("finish_erasure", asked.address, asked.as_read))

    async def rewrite_log(self, *, due_ms: int = 0) -> Rewritten | None:
        """Have the append-only file written anew if somebody was erased so long ago; None if nobody was."""
        since = (await self._store.hash(key("forgetting"))).get("")
        if since is None or await self._run_store.now() - int(since) < due_ms:
            return None
        told = await self._store.rewrite_log()
        if told not in {"going_on", "failed"}:
            await self._store.run("rewritten", since)
        return told

    async def erase(self, asked: ErasureRequest, is_theirs: IsErased, *, at_once: bool) -> Erased:
        """Take somebody out of everything that is in nobody's hands; unless `at_once`, only when nothing else has them.

        Chunks come first: what one of them was written into when it ended is looked at behind it.
        """
        waits_for = {
            run.id for run in await self._run_store.look(asked.surveys) if run.surveyed is None and not run.over
        }
        runs = [run for run, _ in await self._store.ranked(key("runs"))]
        chunks = 0
        for run in await self._run_store.look(runs):
            if not run.over:
                gone, is_clean = await self._from_chunks(run, is_theirs)
                chunks += gone
                waits_for |= set() if is_clean else {run.id}
        if waits_for and not at_once:
            return Erased(chunks=chunks, waits_for=frozenset(waits_for))
        membership = await self._from_memberships(asked.address)
        pages = {"rejects": 0, "held_back": 0, "moved": 0, "left": 0}
        for run_id in runs:
            for name in ("rejects", "held_back", "moved"):
                pages[name] += await self._from_pages(name, run_id, lambda page: _lines_without(page, is_theirs))
            pages["left"] += await self._from_pages("left", run_id, lambda page: _left_without(page, is_theirs))
        return Erased(membership=membership, chunks=chunks, **pages, waits_for=frozenset(waits_for))

    async def _from_memberships(self, address: str) -> int:
        erased = 0
        for export in (await self._store.hash(key("exports"))).values():
            for place in await self._membership.places(export.decode()):
                erased += await self._store.run("erase_member", *place, address)
        return erased

    async def _from_pages(self, name: str, run: str, without: Callable[[bytes], tuple[bytes, int]]) -> int:
        """Erase from a list's pages; one that was written anew meanwhile is looked at again."""
        erased = first = 0
        while pages := await self._store.page(key(name, run), first, first + PAGES_AT_ONCE - 1):
            for at, page in enumerate(pages, first):
                erased += await self._from_page(name, run, at, page, without)
            first += PAGES_AT_ONCE
        return erased

    async def _from_page(
        self, name: str, run: str, at: int, page: bytes, without: Callable[[bytes], tuple[bytes, int]]
    ) -> int:
        while True:
            rest, gone = await asyncio.to_thread(without, page)
            if not gone or await self._store.run("erase_page", name, run, at, page, rest):
                return gone
            again = await self._store.page(key(name, run), at, at)
            if not again:
                return 0
            page = again[0]

    async def _from_chunks(self, run: Run, is_theirs: IsErased) -> tuple[int, bool]:
        """Erase from a run's chunks; return how many contacts went, and whether none of them is left."""
        erased, is_clean = 0, True
        for chunk in await self._open_chunks(run.id):
            fields_ = await self._store.hash(key("chunk", run.id, chunk))
            if not fields_:
                is_clean = False  # it ended or was split just now: its pieces are looked at next time
                continue
            gone = await self._from_chunk(run, chunk, fields_, is_theirs)
            is_clean &= gone is not None
            erased += gone or 0
        return erased, is_clean

    async def _open_chunks(self, run: str) -> list[str]:
        return [chunk for lane in ("ready", "accepted") for chunk, _ in await self._store.ranked(key(lane, run))]

    async def _from_chunk(self, run: Run, chunk: str, kept: dict[str, bytes], is_theirs: IsErased) -> int | None:
        """Return how many contacts went; None if the chunk has them, and is not to be changed now."""
        body = codec.unsqueeze(kept["contacts"])
        theirs = [at for at, known_as in enumerate(addresses_of(body)) if any(map(is_theirs, known_as))]
        if not theirs:
            return 0
        facts = kept.get("facts", b"{}")
        stays = [at for at in range(int(kept["count"])) if at not in theirs]
        contacts, rows = contacts_of(body), codec.decode(codec.unsqueeze(kept["rows"]))
        prints = kept.get("prints", b"")
        told = await self._store.run(
            "erase_from_chunk",
            run.id,
            chunk,
            kept["contacts"],
            facts,
            codec.squeeze(import_body([contacts[at] for at in stays], automations=bool(run.spec["automations"]))),
            packed_rows([rows[at] for at in stays]),
            b"".join(fingerprint_at(prints, at, of=int(kept["count"])) for at in stays),
            len(stays),
            codec.text(facts_without(codec.decode(facts), theirs, of=int(kept["count"]))),
        )
        return len(theirs) if told == b"erased" else None


def facts_without(facts: Mapping[str, Any], gone: Collection[int], *, of: int) -> dict[str, Any]:
    """Write what was tried with a chunk `of` so many contacts for it without those who are `gone`, by their places.

    Those set aside move up. Should nobody else be left, they are set aside no more: a request with nobody in it is none.
    """
    aside = [
        {**one, "position": one["position"] - sum(place < one["position"] for place in gone)}
        for one in facts.get("aside", ())
        if one["position"] not in gone
    ]
    rest = {name: value for name, value in facts.items() if name != "aside"}
    return rest | ({"aside": aside} if aside and len(aside) < of - len(gone) else {})


def _asked(address: str, kept: str) -> ErasureRequest:
    at, elsewhere, *surveys = kept.split(" ")
    return ErasureRequest(address, int(at), elsewhere == "1", tuple(surveys), kept)


def _lines_without(page: bytes, is_theirs: IsErased) -> tuple[bytes, int]:
    """Write a page of rejects anew without somebody's lines, and count these."""
    lines = codec.unsqueeze(page).splitlines(keepends=True)
    kept = [line for line in lines if not any(map(is_theirs, addresses_in(codec.decode(line))))]
    return codec.squeeze(b"".join(kept)), len(lines) - len(kept)


def _left_without(page: bytes, is_theirs: IsErased) -> tuple[bytes, int]:
    """The same for a chunk that was left, behind the sign that says whether it was sent."""
    body = codec.unsqueeze(page[1:])
    contacts, known_as = contacts_of(body), addresses_of(body)
    kept = [one for one, addresses in zip(contacts, known_as, strict=True) if not any(map(is_theirs, addresses))]
    return page[:1] + codec.squeeze(import_body(kept, automations=False)), len(contacts) - len(kept)
