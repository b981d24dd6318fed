"""From a verdict on a batch to the outcome that is written."""

from collections.abc import Sequence
from dataclasses import replace

from wire.activecampaign.requests import emails_of
from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk, RequestCost
from wire.chunk_queue.membership_entry import MembershipEntries, MemberState, address_of
from wire.chunk_queue.rejects import page
from worker.deliver import MINUTE_MS, again, entry_of, former_entries, moves_of, rejects, stopped
from worker.poll_schedule import next_first_poll_ms
from worker.verdict import (
    Applied,
    BatchFacts,
    BatchVerdict,
    ChunkHistory,
    DeliveryProgress,
    Later,
    Poll,
    Refusal,
    Split,
    Stop,
    StopCode,
    Unconfirmed,
    Unsent,
)
from worker.verdict.backoff import LONGEST_POLL_SECONDS


def facts(held: LeasedChunk, jitter: float) -> BatchFacts:
    """What the answer about this chunk's batch is judged by, all times on the run's own clock."""
    spec = held.run.spec
    quiet_ms = held.now - max(held.accepted_at, held.run.batch_ended or 0)
    return BatchFacts(
        emails=emails_of(held.contacts),
        since_accepted_seconds=(held.now - held.accepted_at) / 1000,
        memory=ChunkHistory.read(held.facts),
        progress=DeliveryProgress(held.run.accepted, held.run.books.applied),
        trusted=held.run.trusted,
        patience_over=quiet_ms > spec["patience_minutes"] * MINUTE_MS,
        delivery_patience_over=held.now - held.first_taken > spec["delivery_patience_minutes"] * MINUTE_MS,
        unread=held.unread,
        jitter=jitter,
    )


def outcome(
    verdict: BatchVerdict, held: LeasedChunk, wire: RequestCost, emails: Sequence[str], *, answered: bool
) -> ChunkOutcome:
    """What to write for a verdict; `emails` are the contacts' addresses, as its facts have them.

    `answered`: the account understood and allowed the question.
    """
    first_poll_ms = next_first_poll_ms(held, ended=isinstance(verdict, Applied))
    match verdict:
        case Applied(applied=applied, refused=refused, unmatched=unmatched):
            return ChunkOutcome(
                to="over",
                books={
                    "applied": applied,
                    "refused": len(refused),
                    "unmatched": unmatched,
                    **moves_of(held, range(held.count)),
                },
                rejects=page(rejects(held, refused)) if refused else b"",
                entries=_entries(held, emails, refused),
                first_poll_ms=first_poll_ms,
                answered=answered,
                ended=True,
                wire=wire,
            )
        case Poll(delay_seconds=delay):
            return ChunkOutcome(
                to="accepted",
                count=held.count,
                due_in_ms=round(delay * 1000),
                facts=replace(ChunkHistory.read(held.facts), asked=True).document(),
                first_poll_ms=first_poll_ms if answered else None,
                answered=answered,
                wire=wire,
            )
        case Later() | Split():
            return again(verdict, held, wire, answered=answered, ended=True)
        case Stop(code=StopCode.UNREADABLE_ANSWERS):
            # The batch goes on, and is asked after: an answer that can be read lifts the block.
            again_ms = round(LONGEST_POLL_SECONDS * 1000)
            return ChunkOutcome(to="accepted", count=held.count, due_in_ms=again_ms, stop=stopped(verdict), wire=wire)
        case Stop(scope="run", memory=memory):
            # The batch is at its end; who is to blame is for a person to say, and the chunk is sent again then.
            return ChunkOutcome(
                to="ready", count=held.count, facts=memory.document(), stop=stopped(verdict), ended=True, wire=wire
            )
        case Stop():
            return ChunkOutcome(to="accepted", count=held.count, stop=stopped(verdict), wire=wire)
        case Unconfirmed():
            return ChunkOutcome(to="over", books={"unconfirmed": held.count}, answered=answered, wire=wire)
        case Unsent():
            return ChunkOutcome(to="over", books={"unsent": held.count}, answered=answered, wire=wire)


def _entries(held: LeasedChunk, emails: Sequence[str], refused: Sequence[Refusal]) -> MembershipEntries:
    """What membership is to know of everybody in a batch that is at its end."""
    everybody = MembershipEntries.alike(
        [address_of(email) for email in emails],
        held.prints,
        entry_of(held, 0, MemberState.MEMBER),
        {one.position: entry_of(held, one.position, MemberState.REFUSED, one) for one in refused},
    )
    return everybody + former_entries(held, range(held.count))


def back(held: LeasedChunk, seconds: float) -> ChunkOutcome:
    """The batch is asked after later: nothing was sent."""
    return ChunkOutcome(to="accepted", count=held.count, due_in_ms=round(seconds * 1000))
