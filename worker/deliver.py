"""From a verdict on a delivery to the outcome that is written: contacts leave a chunk here, with their rejects."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from wire.activecampaign.requests import contacts_of, email_of, former_of, import_body, unmoved
from wire.chunk_queue.chunk import Book, ChunkOutcome, ChunkPiece, LeasedChunk, RequestCost, StopReason
from wire.chunk_queue.membership_entry import (
    NO_ENTRIES,
    MembershipEntries,
    MembershipEntry,
    MemberState,
    address_of,
    chunk_number,
    gone,
    past,
)
from wire.chunk_queue.rejects import Reject, page
from worker.poll_schedule import first_poll_ms
from worker.verdict import (
    AddressChangeHistory,
    ChunkHistory,
    DeliveryFacts,
    DeliveryProgress,
    DeliveryVerdict,
    Done,
    Later,
    Never,
    Part,
    Refusal,
    Split,
    Stop,
    Unsent,
)

MINUTE_MS: Final = 60_000


def facts(held: LeasedChunk, jitter: float) -> DeliveryFacts:
    """What a delivery of this chunk is judged by."""
    patience_ms = held.run.spec["delivery_patience_minutes"] * MINUTE_MS
    return DeliveryFacts(
        count=held.count,
        memory=ChunkHistory.read(held.facts),
        progress=DeliveryProgress(held.run.accepted, held.run.books.applied),
        trusted=held.run.trusted,
        patience_over=held.now - held.first_taken > patience_ms,
        unread=held.unread,
        jitter=jitter,
    )


def to_send(held: LeasedChunk) -> tuple[bytes, int]:
    """The request's body without those set aside, and how many contacts it has; as packed, if there are none."""
    aside = {one.position for one in ChunkHistory.read(held.facts).aside}
    if not aside and held.kind != "moved":
        return held.contacts, held.count
    rest = [unmoved(contact) for position, contact in enumerate(contacts_of(held.contacts)) if position not in aside]
    return body_of(held, rest), len(rest)


def outcome(
    verdict: DeliveryVerdict, held: LeasedChunk, wire: RequestCost, *, answered: bool, nothing_queued: bool = False
) -> ChunkOutcome:
    """What to write for a verdict.

    `answered`: the account understood and allowed the request. `nothing_queued`: it cannot have the contacts by it.
    """
    return replace(_outcome(verdict, held, wire, answered=answered), nothing_queued=nothing_queued)


def _outcome(verdict: DeliveryVerdict, held: LeasedChunk, wire: RequestCost, *, answered: bool) -> ChunkOutcome:
    match verdict:
        case Done():
            return _accepted(verdict, held, wire)
        case Later() | Split():
            return again(verdict, held, wire, answered=answered)
        case Never(refused=refused):
            return ChunkOutcome(
                to="over",
                books={"refused": len(refused), **moves_of(held, [one.position for one in refused])},
                rejects=page(rejects(held, refused)),
                entries=refused_entries(held, refused),
                answered=answered,
                wire=wire,
            )
        case Stop(memory=memory):
            return ChunkOutcome(to="ready", count=held.count, facts=memory.document(), stop=stopped(verdict), wire=wire)
        case Unsent():
            return ChunkOutcome(to="over", books={"unsent": held.count}, wire=wire)


def again(
    verdict: Later | Split, held: LeasedChunk, wire: RequestCost, *, answered: bool, ended: bool = False
) -> ChunkOutcome:
    """The chunk, or its parts instead of it, is sent again; `ended`: a batch of it had come to its end."""
    due_in_ms = round(verdict.delay_seconds * 1000)
    match verdict:
        case Later(memory=memory):
            return ChunkOutcome(
                to="ready",
                count=held.count,
                due_in_ms=due_in_ms,
                facts=memory.document(),
                answered=answered,
                ended=ended,
                wire=wire,
            )
        case Split(parts=parts):
            return ChunkOutcome(
                to="split",
                pieces=pieces(held, parts),
                due_in_ms=due_in_ms,
                answered=answered,
                ended=ended,
                wire=wire,
            )


def back(held: LeasedChunk, seconds: float) -> ChunkOutcome:
    """The chunk goes back as it was: nothing was sent."""
    return ChunkOutcome(to="ready", count=held.count, due_in_ms=round(seconds * 1000), nothing_queued=True)


def rejects(held: LeasedChunk, refused: Sequence[Refusal]) -> list[Reject]:
    """A line for each refused contact of the chunk."""
    contacts = contacts_of(held.contacts)
    return [
        Reject(
            None if held.leaving else held.rows[one.position],
            email_of(contacts[one.position]),
            "refused",
            one.code,
            one.reason,
        )
        for one in refused
    ]


def refused_entries(held: LeasedChunk, refused: Sequence[Refusal]) -> MembershipEntries:
    """What membership is to know of those refused, and of the addresses that they had."""
    contacts = contacts_of(held.contacts) if refused else []
    entries = MembershipEntries.of(
        (address_of(email_of(contacts[one.position])), entry_of(held, one.position, MemberState.REFUSED, one))
        for one in refused
    )
    return entries + former_entries(held, [one.position for one in refused])


def former_entries(held: LeasedChunk, positions: Sequence[int]) -> MembershipEntries:
    """What membership is to know of the addresses that contacts had, once these have their fates."""
    if held.kind != "moved":
        return NO_ENTRIES
    contacts = contacts_of(held.contacts)
    noted = ((at, former) for at in positions if (former := former_of(contacts[at])))
    return MembershipEntries.of(
        (former.email, (past if former.how == "newcomer" else gone)(held.person(at))) for at, former in noted
    )


def moves_of(held: LeasedChunk, positions: Sequence[int]) -> dict[Book, int]:
    """Count what became of former addresses, once these contacts have their fates."""
    if held.kind != "moved":
        return {}
    contacts = contacts_of(held.contacts)
    found = [former.how for at in positions if (former := former_of(contacts[at]))]
    updated = found.count("updated")
    return {"updated": updated, "newcomers": len(found) - updated}


def entry_of(
    held: LeasedChunk, position: int, standing: MemberState, refusal: Refusal | None = None
) -> MembershipEntry:
    """What membership is to know of the contact at this place; what is applied to leavers makes them no members."""
    reason = refusal.code if refusal else None
    if held.leaving and standing is MemberState.MEMBER:
        standing = MemberState.OUT if held.run.spec.get("leavers") == "unsubscribe" else MemberState.LEFT
    return MembershipEntry(
        standing,
        held.fingerprint(position),
        held.run.number,
        chunk_number(held.chunk),
        reason,
        person=held.person(position),
    )


def pieces(held: LeasedChunk, parts: Sequence[Part]) -> list[ChunkPiece]:
    """The parts of a chunk as chunks, named after it."""
    contacts = contacts_of(held.contacts)
    return [
        ChunkPiece(
            id=f"{held.chunk}.{number}",
            contacts=body_of(held, [contacts[position] for position in part.positions]),
            rows=tuple(held.rows[position] for position in part.positions),
            prints=b"".join(map(held.print_of, part.positions)),
            facts=replace(part.memory, moves=AddressChangeHistory()).document(),
        )
        for number, part in enumerate(parts)
    ]


def stopped(verdict: Stop) -> StopReason:
    """What to write about a stop."""
    return StopReason(
        scope=verdict.scope,
        code=verdict.code,
        reason=verdict.reason,
        definite=verdict.definite,
        by_hand=verdict.by_hand,
        asks=verdict.asks,
    )


def _accepted(verdict: Done, held: LeasedChunk, wire: RequestCost) -> ChunkOutcome:
    out = {one.position for one in verdict.refused}
    rest = [position for position in range(held.count) if position not in out]
    contacts = contacts_of(held.contacts) if out else []
    return ChunkOutcome(
        to="accepted",
        batch=verdict.batch_id,
        count=len(rest),
        books={"accepted": len(rest), "refused": len(out), **moves_of(held, sorted(out))},
        contacts=body_of(held, [contacts[position] for position in rest]) if out else None,
        rows=tuple(held.rows[position] for position in rest) if out else held.rows,
        prints=b"".join(map(held.print_of, rest)) if out else b"",
        rejects=page(rejects(held, verdict.refused)) if out else b"",
        entries=refused_entries(held, verdict.refused),
        facts=verdict.memory.document(),
        due_in_ms=first_poll_ms(held),
        answered=True,
        wire=wire,
    )


def body_of(held: LeasedChunk, contacts: Sequence[bytes]) -> bytes:
    """Join contacts of a chunk to the body of a request, as its run asks for."""
    return import_body(contacts, automations=bool(held.run.spec["automations"]))
