"""Looks up the people of a chunk whose addresses have changed, before the import. `verdict.address_changes` decides each step.

What is found out is written down with the chunk, so that whoever takes it next goes on there, and a slow account is asked one
question at a time without holding a thread.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from wire.activecampaign.requests import Former, contacts_of, email_of, former_of, moved
from wire.activecampaign.results import AddressChanged, LookedUp, Memberships
from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk, RequestCost
from wire.chunk_queue.membership_entry import NO_ENTRIES, MembershipEntries, MembershipEntry, MemberState, chunk_number
from wire.chunk_queue.rejects import RejectCode, page
from worker import deliver
from worker.requester import Answered, NotNow, Requester
from worker.verdict import ChunkHistory, Refusal, judge_delivery
from worker.verdict.address_changes import (
    AFTERWARDS,
    AskLists,
    ChangeAddress,
    FindContact,
    LookupAnswer,
    Step,
    after,
    next_step,
)
from worker.verdict.delivery import MOST_UNREAD_LOOKS

HOLD_SECONDS: Final = 10.0
"""How long one taking goes on: the chunk is put back then, and taken again at once if nobody waits."""

LOOKED_UP: Final = "LookedUp"
NOT_YET: Final = "NotYet"

OPTED_OUT: Final = "Unsubscribed from the list under the address that they had before."


@dataclass(frozen=True, slots=True)
class _Person:
    email: str
    former: Former


class AddressLookup:
    """Looks up the chunks of one worker process."""

    def __init__(self, requester: Requester, jitter: Callable[[], float], clock_seconds: Callable[[], float]) -> None:
        self._requester = requester
        self._jitter = jitter
        self._clock_seconds = clock_seconds

    async def look_up(self, leased: LeasedChunk) -> tuple[ChunkOutcome, str]:
        """Go on looking up; return what to write down, and a word for it."""
        memory, people = ChunkHistory.read(leased.facts), _people(leased)
        wire, changed, until = RequestCost(requests=0, lookups=True), False, self._clock_seconds() + HOLD_SECONDS
        while len(memory.moves.found) < leased.count:
            if self._clock_seconds() >= until:
                return _so_far(leased, memory, wire, 0, changed=changed), NOT_YET
            person = people[len(memory.moves.found)]
            step = next_step(memory.moves, person.email, person.former)
            answer = await self._ask(leased, step)
            if isinstance(answer, NotNow):
                return _so_far(leased, memory, wire, answer.seconds, changed=changed), NOT_YET
            wire = replace(
                wire,
                requests=wire.requests + answer.wire.requests,
                throttles=wire.throttles + answer.wire.throttles,
                read=wire.read or answer.wire.read,
                unread=answer.wire.unread,
            )
            changed |= isinstance(step, ChangeAddress) and not answer.nothing_queued
            moves = after(memory.moves, step, answer.outcome, person.former, leased.run.list_id)
            if moves is None:
                unread = 0 if wire.read else leased.unread
                now_held = replace(leased, facts=memory.document(), unread=unread)
                return self._judged(now_held, answer, wire, changed=changed)
            memory = replace(memory, troubles=0, attempts=0, since=None, moves=moves)
        return replace(_looked_up(leased, memory, people), wire=wire, nothing_queued=not changed), LOOKED_UP

    def _judged(
        self, leased: LeasedChunk, answer: Answered[LookupAnswer], wire: RequestCost, *, changed: bool
    ) -> tuple[ChunkOutcome, str]:
        if isinstance(answer.outcome, LookedUp | Memberships | AddressChanged):
            raise TypeError(f"an answer to another question: {type(answer.outcome).__name__}")
        facts = replace(deliver.facts(leased, self._jitter()), most_unread=MOST_UNREAD_LOOKS)
        verdict = judge_delivery(answer.outcome, facts)
        outcome = deliver.outcome(verdict, leased, wire, answered=answer.proves, nothing_queued=not changed)
        # What is refused here is the question: of the person nothing is known that was not known before.
        return replace(outcome, entries=NO_ENTRIES), type(verdict).__name__

    async def _ask(self, leased: LeasedChunk, step: Step) -> Answered[LookupAnswer] | NotNow:
        match step:
            case FindContact(email=email):
                return await self._requester.find_contact(leased, email)
            case AskLists(contact=contact):
                return await self._requester.memberships(leased, contact)
            case ChangeAddress(contact=contact, email=email):
                return await self._requester.change_address(leased, contact, email)


def _people(leased: LeasedChunk) -> list[_Person]:
    found = []
    for contact in contacts_of(leased.contacts):
        former = former_of(contact)
        if former is None:
            raise ValueError("a chunk of changed addresses has a contact without")
        found.append(_Person(email_of(contact), former))
    return found


def _so_far(
    leased: LeasedChunk, memory: ChunkHistory, wire: RequestCost, seconds: float, *, changed: bool
) -> ChunkOutcome:
    return ChunkOutcome(
        to="ready",
        count=leased.count,
        due_in_ms=round(seconds * 1000),
        facts=memory.document(),
        answered=wire.requests > wire.throttles,
        nothing_queued=not changed,
        wire=wire,
    )


def _looked_up(leased: LeasedChunk, memory: ChunkHistory, people: list[_Person]) -> ChunkOutcome:
    """The chunk may be imported, without those who have opted out."""
    contacts, rest, opted_out = contacts_of(leased.contacts), [], []
    for at, move in enumerate(memory.moves.found):
        if move == "opted_out":
            opted_out.append(at)
        else:
            rest.append(moved(contacts[at], people[at].former.email, AFTERWARDS[move]))
    stay = [at for at in range(leased.count) if at not in opted_out]
    refused = [Refusal(at, RejectCode.OPTED_OUT_OR_EXCLUDED, OPTED_OUT) for at in opted_out]
    return ChunkOutcome(
        to="ready" if stay else "over",
        moved=bool(stay),
        count=len(stay),
        books={"refused": len(refused)},
        contacts=deliver.body_of(leased, rest) if stay else None,
        rows=tuple(leased.rows[at] for at in stay),
        prints=b"".join(map(leased.print_of, stay)),
        rejects=page(deliver.rejects(leased, refused)),
        entries=MembershipEntries.of(_refused(leased, at, people[at].former.email) for at in opted_out),
        facts=ChunkHistory().document(),
        answered=True,
    )


def _refused(leased: LeasedChunk, position: int, former: str) -> tuple[str, MembershipEntry]:
    """Whoever has opted out is known by the address that they did it with: under no other one are they sent again."""
    return former, MembershipEntry(
        MemberState.REFUSED,
        run=leased.run.number,
        chunk=chunk_number(leased.chunk),
        reason=RejectCode.OPTED_OUT_OR_EXCLUDED,
        person=leased.person(position),
    )
