"""From a verdict on a delivery to the outcome that is written: contacts leave a chunk here, with their rejects."""

from collections.abc import Sequence
from dataclasses import replace

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
from wire.process.units import MINUTE_MS
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


def facts(leased: LeasedChunk, jitter: float) -> DeliveryFacts:
    """What a delivery of this chunk is judged by."""
    patience_ms = leased.run.spec["delivery_patience_minutes"] * MINUTE_MS
    return DeliveryFacts(
        count=leased.count,
        memory=ChunkHistory.read(leased.facts),
        progress=DeliveryProgress(leased.run.accepted, leased.run.books.applied),
        trusted=leased.run.trusted,
        patience_over=leased.now - leased.first_taken > patience_ms,
        unread=leased.unread,
        jitter=jitter,
    )


def to_send(leased: LeasedChunk) -> tuple[bytes, int]:
    """The request's body without those set aside, and how many contacts it has; as packed, if there are none."""
    aside = {one.position for one in ChunkHistory.read(leased.facts).aside}
    if not aside and leased.kind != "moved":
        return leased.contacts, leased.count
    rest = [unmoved(contact) for position, contact in enumerate(contacts_of(leased.contacts)) if position not in aside]
    return body_of(leased, rest), len(rest)


def outcome(
    verdict: DeliveryVerdict, leased: LeasedChunk, wire: RequestCost, *, answered: bool, nothing_queued: bool = False
) -> ChunkOutcome:
    """What to write for a verdict.

    `answered`: the account understood and allowed the request. `nothing_queued`: it cannot have the contacts by it.
    """
    return replace(_outcome(verdict, leased, wire, answered=answered), nothing_queued=nothing_queued)


def _outcome(verdict: DeliveryVerdict, leased: LeasedChunk, wire: RequestCost, *, answered: bool) -> ChunkOutcome:
    match verdict:
        case Done():
            return _accepted(verdict, leased, wire)
        case Later() | Split():
            return again(verdict, leased, wire, answered=answered)
        case Never(refused=refused):
            return ChunkOutcome(
                to="over",
                books={"refused": len(refused), **moves_of(leased, [one.position for one in refused])},
                rejects=page(rejects(leased, refused)),
                entries=refused_entries(leased, refused),
                answered=answered,
                wire=wire,
            )
        case Stop(memory=memory):
            return ChunkOutcome(
                to="ready", count=leased.count, facts=memory.document(), stop=stopped(verdict), wire=wire
            )
        case Unsent():
            return ChunkOutcome(to="over", books={"unsent": leased.count}, wire=wire)


def again(
    verdict: Later | Split, leased: LeasedChunk, wire: RequestCost, *, answered: bool, ended: bool = False
) -> ChunkOutcome:
    """The chunk, or its parts instead of it, is sent again; `ended`: a batch of it had come to its end."""
    due_in_ms = round(verdict.delay_seconds * 1000)
    match verdict:
        case Later(memory=memory):
            return ChunkOutcome(
                to="ready",
                count=leased.count,
                due_in_ms=due_in_ms,
                facts=memory.document(),
                answered=answered,
                ended=ended,
                wire=wire,
            )
        case Split(parts=parts):
            return ChunkOutcome(
                to="split",
                pieces=pieces(leased, parts),
                due_in_ms=due_in_ms,
                answered=answered,
                ended=ended,
                wire=wire,
            )


def back(leased: LeasedChunk, seconds: float) -> ChunkOutcome:
    """The chunk goes back as it was: nothing was sent."""
    return ChunkOutcome(to="ready", count=leased.count, due_in_ms=round(seconds * 1000), nothing_queued=True)


def rejects(leased: LeasedChunk, refused: Sequence[Refusal]) -> list[Reject]:
    """A line for each refused contact of the chunk."""
    contacts = contacts_of(leased.contacts)
    return [
        Reject(
            None if leased.leaving else leased.rows[one.position],
            email_of(contacts[one.position]),
            "refused",
            one.code,
            one.reason,
        )
        for one in refused
    ]


def refused_entries(leased: LeasedChunk, refused: Sequence[Refusal]) -> MembershipEntries:
    """What membership is to know of those refused, and of the addresses that they had."""
    contacts = contacts_of(leased.contacts) if refused else []
    entries = MembershipEntries.of(
        (address_of(email_of(contacts[one.position])), entry_of(leased, one.position, MemberState.REFUSED, one))
        for one in refused
    )
    return entries + former_entries(leased, [one.position for one in refused])


def former_entries(leased: LeasedChunk, positions: Sequence[int]) -> MembershipEntries:
    """What membership is to know of the addresses that contacts had, once these have their fates."""
    if leased.kind != "moved":
        return NO_ENTRIES
    contacts = contacts_of(leased.contacts)
    noted = ((at, former) for at in positions if (former := former_of(contacts[at])))
    return MembershipEntries.of(
        (former.email, (past if former.how == "newcomer" else gone)(leased.person(at))) for at, former in noted
    )


def moves_of(leased: LeasedChunk, positions: Sequence[int]) -> dict[Book, int]:
    """Count what became of former addresses, once these contacts have their fates."""
    if leased.kind != "moved":
        return {}
    contacts = contacts_of(leased.contacts)
    found = [former.how for at in positions if (former := former_of(contacts[at]))]
    updated = found.count("updated")
    return {"updated": updated, "newcomers": len(found) - updated}


def entry_of(
    leased: LeasedChunk, position: int, standing: MemberState, refusal: Refusal | None = None
) -> MembershipEntry:
    """What membership is to know of the contact at this place; what is applied to leavers makes them no members."""
    reason = refusal.code if refusal else None
    if leased.leaving and standing is MemberState.MEMBER:
        standing = MemberState.OUT if leased.run.spec.get("leavers") == "unsubscribe" else MemberState.LEFT
    return MembershipEntry(
        standing,
        leased.fingerprint(position),
        leased.run.number,
        chunk_number(leased.chunk),
        reason,
        person=leased.person(position),
    )


def pieces(leased: LeasedChunk, parts: Sequence[Part]) -> list[ChunkPiece]:
    """The parts of a chunk as chunks, named after it."""
    contacts = contacts_of(leased.contacts)
    return [
        ChunkPiece(
            id=f"{leased.chunk}.{number}",
            contacts=body_of(leased, [contacts[position] for position in part.positions]),
            rows=tuple(leased.rows[position] for position in part.positions),
            prints=b"".join(map(leased.print_of, part.positions)),
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


def _accepted(verdict: Done, leased: LeasedChunk, wire: RequestCost) -> ChunkOutcome:
    out = {one.position for one in verdict.refused}
    rest = [position for position in range(leased.count) if position not in out]
    contacts = contacts_of(leased.contacts) if out else []
    return ChunkOutcome(
        to="accepted",
        batch=verdict.batch_id,
        count=len(rest),
        books={"accepted": len(rest), "refused": len(out), **moves_of(leased, sorted(out))},
        contacts=body_of(leased, [contacts[position] for position in rest]) if out else None,
        rows=tuple(leased.rows[position] for position in rest) if out else leased.rows,
        prints=b"".join(map(leased.print_of, rest)) if out else b"",
        rejects=page(rejects(leased, verdict.refused)) if out else b"",
        entries=refused_entries(leased, verdict.refused),
        facts=verdict.memory.document(),
        due_in_ms=first_poll_ms(leased),
        answered=True,
        wire=wire,
    )


def body_of(leased: LeasedChunk, contacts: Sequence[bytes]) -> bytes:
    """Join contacts of a chunk to the body of a request, as its run asks for."""
    return import_body(contacts, automations=bool(leased.run.spec["automations"]))
