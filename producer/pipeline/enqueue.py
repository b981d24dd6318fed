"""The second reading: the rows that the survey selected, mapped, packed, and appended to their lane as chunks.

No seen-set and no comparison: it goes on at any row, from what the record says. The look-ahead is bounded, so that memory is:
if ActiveCampaign works slowly, the run waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from producer.contacts.mapped_rows import MappedRows
from producer.contacts.mapper import Mapper
from producer.people.suppression import ReadSuppressionList, SuppressionList, empty_suppression_list
from producer.pipeline.address_changes import MOST, AddressChange, is_stranded
from producer.pipeline.address_changes import contacts as moving_contacts
from producer.pipeline.chunking import Chunk, pack
from producer.pipeline.leavers import contacts as leaving_contacts
from producer.pipeline.row_selection import Selection
from producer.runs.answers import Appended
from producer.runs.store import RunStore
from producer.snapshots import Pin, Snapshot
from wire.activecampaign.requests import email_of, import_body
from wire.chunk_queue.chunk import ChunkKind, NewChunk, fingerprint_at
from wire.chunk_queue.membership_entry import FINGERPRINT_BYTES, MembershipEntry, address_of
from wire.chunk_queue.run import Run
from wire.process.periodic import when_writable

HELD_BYTES: Final = 16 * 1024 * 1024
"""What one run may hold in the store, accepted chunks included."""

STEPS: Final = 16
"""A run's room is filled in so many steps, or more."""

MOST_AT_ONCE: Final = 8
"""Chunks in one step: an account without limits is not to wait for a round trip to the store with each."""

LOOK_AGAIN_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Room:
    """How far a run may be ahead of ActiveCampaign: a minute of ready work, or so many bytes held."""

    ready_chunks: int
    held_bytes: int = HELD_BYTES

    @property
    def step(self) -> tuple[int, int]:
        """How many chunks are appended at a time, and bytes of their contacts: little of the room, as a step may overrun it."""
        return min(MOST_AT_ONCE, max(1, self.ready_chunks // STEPS)), self.held_bytes // STEPS

    def left(self, ready_chunks: int, held_bytes: int) -> bool:
        """Whether another chunk may be appended."""
        return ready_chunks < self.ready_chunks and held_bytes < self.held_bytes


def chunks(snapshot: Snapshot, mapper: Mapper, selection: Selection, from_row: int) -> Iterator[Chunk]:
    """Yield the chunks of the selected rows after the first `from_row` ones. It blocks; raises SnapshotError."""
    return pack(_selected(snapshot, mapper, selection, from_row))


def moving_chunks(
    snapshot: Snapshot, mapper: Mapper, movers: Mapping[int, AddressChange], after_row: int
) -> Iterator[Chunk]:
    """Yield the chunks of those whose address has changed, in rows behind this one. It blocks; raises SnapshotError."""
    selection = Selection.of_rows(row - 1 for row in movers if row > after_row)
    return pack(moving_contacts(_selected(snapshot, mapper, selection, 0), movers), most=MOST)


def _selected(snapshot: Snapshot, mapper: Mapper, selection: Selection, from_row: int) -> Iterator[MappedRows]:
    before = from_row
    for batch in snapshot.read(mapper.columns, from_row):
        rows = selection.chosen(before, batch.num_rows)
        prints = mapper.prints(batch) if rows else []
        for found in mapper.contacts(batch, rows, before=before, prints=prints):
            # A row that was a contact in the survey is one again: the pin says that nothing changed.
            if isinstance(found, MappedRows):
                yield found
        before += batch.num_rows


async def send(  # noqa: PLR0913  everybody who has a part in it is handed in
    run: Run,
    token: str,
    snapshot: Snapshot,
    mapper: Mapper,
    *,
    run_store: RunStore,
    room: Room,
    appended: Callable[[str], Awaitable[object]],
    leavers: Sequence[tuple[str, MembershipEntry]] = (),
    movers: Mapping[int, AddressChange] = MappingProxyType({}),
    forgotten: ReadSuppressionList = empty_suppression_list,
) -> None:
    """Append all chunks of a run that is surveyed, from where its record stands; `appended` is told the account that needs a bell.

    Those whose address has changed (by their rows) come behind those who are where they were.

    Those who left the segment come behind all others, and whoever is `forgotten` since the survey is passed over. Returns
    when reading has ended or somebody else reads. Raises SnapshotError if the snapshot cannot be read any more or is not
    what was surveyed, StoreError if the store fails: then the record says where to go on.
    """
    at = (run.sequence, run.cursor)
    append = partial(
        _append, run=run, token=token, run_store=run_store, room=room, appended=appended, forgotten=forgotten
    )
    if run.packed < run.books.selected:
        await asyncio.to_thread(snapshot.verify, Pin(run.pin))
    in_place = run.books.selected - run.moving
    if run.packed < in_place:
        selection = Selection.from_bytes(await run_store.selection(run.id))
        packed = chunks(snapshot, mapper, selection, run.cursor)
        reached = await append(packed, at, kind="")
        if reached is None:
            return
        at = reached
    if run.moving and run.packed < run.books.selected:
        moving = moving_chunks(snapshot, mapper, movers, run.cursor if run.packed > in_place else 0)
        reached = await append(moving, at, kind="moving")
        if reached is None:
            return
        at = reached
    if leavers:
        leaving = pack(leaving_contacts(leavers, run, after=run.cursor if run.leaving_packed else 0))
        reached = await append(leaving, at, kind="leaving")
        if reached is None:
            return
        at = reached
    await run_store.end_reading(run.id, token, at=at)


async def _append(  # noqa: PLR0913  what it needs of `send`, as it was handed to that
    packed: Iterator[Chunk],
    at: tuple[int, int],
    *,
    kind: ChunkKind,
    run: Run,
    token: str,
    run_store: RunStore,
    room: Room,
    appended: Callable[[str], Awaitable[object]],
    forgotten: ReadSuppressionList,
) -> tuple[int, int] | None:
    """Append chunks from where the record stands, and return where it stands then; None if this is not ours to go on with."""
    sequence, cursor = at
    nobody_of = await forgotten()
    packing, ringing = _packing(packed, room), None
    try:
        while group := await packing:
            packing = _packing(packed, room)  # while these are appended
            told = Appended("forgotten")
            while told.reading == "forgotten":
                offers = [_offer(chunk, nobody_of, kind, run) for chunk in group]
                offer = partial(
                    run_store.append,
                    *(run.id, token, offers),
                    at=(sequence, cursor),
                    kind=kind,
                    forgotten=len(nobody_of),
                )
                told = await when_writable(offer, "append", run=run.id)
                if told.reading == "forgotten":
                    nobody_of = await forgotten()
            if told.reading != "ok":
                return None
            sequence, cursor = sequence + len(group), group[-1].last_row
            if not told.bells:  # else whoever hears that one finds these chunks, too
                if ringing is not None:
                    await ringing
                ringing = asyncio.ensure_future(appended(run.account))  # while the next ones are packed and appended
            if not await _wait_for_room(run.id, told, run_store, room):
                return None
        if ringing is not None:
            await ringing
    finally:
        packing.cancel()
        if ringing is not None:
            ringing.cancel()
    return sequence, cursor


def _packing(packed: Iterator[Chunk], room: Room) -> asyncio.Task[list[Chunk]]:
    """Begin to pack the chunks of the next step in a thread; none are the end."""
    return asyncio.create_task(asyncio.to_thread(_some, packed, *room.step))


def _some(packed: Iterator[Chunk], most: int, most_bytes: int) -> list[Chunk]:
    """Take chunks, at least one if there is one: at most so many, and none after so many bytes."""
    group: list[Chunk] = []
    for chunk in packed:
        group.append(chunk)
        most_bytes -= sum(map(len, chunk.contacts))
        if len(group) == most or most_bytes <= 0:
            break
    return group


def _offer(chunk: Chunk, forgotten: SuppressionList, kind: ChunkKind, run: Run) -> NewChunk:
    rest = _without(chunk, forgotten, kind)
    return NewChunk(
        chunk.last_row,
        import_body(rest.contacts, automations=bool(run.spec["automations"])),
        rest.rows,
        rest.prints,
        passed=len(chunk.rows) - len(rest.rows),
    )


def _without(chunk: Chunk, forgotten: SuppressionList, kind: ChunkKind) -> Chunk:
    """Leave those out of a chunk who were forgotten since the survey."""
    if not forgotten and kind != "moving":
        return chunk
    count = len(chunk.contacts)
    prints = [fingerprint_at(chunk.prints, at, of=count) for at in range(count)]

    def is_forgotten(at: int) -> bool:
        contact = chunk.contacts[at]
        if kind == "moving" and is_stranded(contact):
            return True
        return address_of(email_of(contact)) in forgotten or forgotten.has(prints[at][FINGERPRINT_BYTES:])

    stay = [at for at in range(count) if not is_forgotten(at)]
    return Chunk(
        tuple(chunk.contacts[at] for at in stay),
        tuple(chunk.rows[at] for at in stay),
        b"".join(prints[at] for at in stay),
    )


async def _wait_for_room(run: str, told: Appended, run_store: RunStore, room: Room) -> bool:
    ready, held = told.ready_chunks, told.held_bytes
    while not room.left(ready, held):
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        found = await run_store.look([run])
        if not found or found[0].over or found[0].ending is not None:
            return False
        ready, held = found[0].ready_chunks, found[0].held_bytes
    return True
