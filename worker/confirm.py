"""From a verdict on a batch to the outcome that is written."""

from collections.abc import Sequence
from dataclasses import replace

from wire.activecampaign.requests import emails_of
from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk, RequestCost
from wire.chunk_queue.membership_entry import MembershipEntries, MemberState, address_of
from wire.chunk_queue.rejects import page
from wire.process.units import MINUTE_MS
from worker.deliver import again, entry_of, former_entries, moves_of, rejects, stopped
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


def facts(leased: LeasedChunk, jitter: float) -> BatchFacts:
    """What the answer about this chunk's batch is judged by, all times on the run's own clock."""
    spec = leased.run.spec
    quiet_ms = leased.now - max(leased.accepted_at, leased.run.batch_ended or 0)
    return BatchFacts(
        emails=emails_of(leased.contacts),
        since_accepted_seconds=(leased.now - leased.accepted_at) / 1000,
        memory=ChunkHistory.read(leased.facts),
        progress=DeliveryProgress(leased.run.accepted, leased.run.books.applied),
        trusted=leased.run.trusted,
        patience_over=quiet_ms > spec["patience_minutes"] * MINUTE_MS,
        delivery_patience_over=leased.now - leased.first_taken > spec["delivery_patience_minutes"] * MINUTE_MS,
        unread=leased.unread,
        jitter=jitter,
    )


def outcome(
    verdict: BatchVerdict, leased: LeasedChunk, wire: RequestCost, emails: Sequence[str], *, answered: bool
) -> ChunkOutcome:
    """What to write for a verdict; `emails` are the contacts' addresses, as its facts have them.

    `answered`: the account understood and allowed the question.
    """
    first_poll_ms = next_first_poll_ms(leased, ended=isinstance(verdict, Applied))
    match verdict:
        case Applied(applied=applied, refused=refused, unmatched=unmatched):
            return ChunkOutcome(
                to="over",
                books={
                    "applied": applied,
                    "refused": len(refused),
                    "unmatched": unmatched,
                    **moves_of(leased, range(leased.count)),
                },
                rejects=page(rejects(leased, refused)) if refused else b"",
                entries=_entries(leased, emails, refused),
                first_poll_ms=first_poll_ms,
                answered=answered,
                ended=True,
                wire=wire,
            )
        case Poll(delay_seconds=delay):
            return ChunkOutcome(
                to="accepted",
                count=leased.count,
                due_in_ms=round(delay * 1000),
                facts=replace(ChunkHistory.read(leased.facts), asked=True).document(),
                first_poll_ms=first_poll_ms if answered else None,
                answered=answered,
                wire=wire,
            )
        case Later() | Split():
            return again(verdict, leased, wire, answered=answered, ended=True)
        case Stop(code=StopCode.UNREADABLE_ANSWERS):
            # The batch goes on, and is asked after: an answer that can be read lifts the block.
            again_ms = round(LONGEST_POLL_SECONDS * 1000)
            return ChunkOutcome(to="accepted", count=leased.count, due_in_ms=again_ms, stop=stopped(verdict), wire=wire)
        case Stop(scope="run", memory=memory):
            # The batch is at its end; who is to blame is for a person to say, and the chunk is sent again then.
            return ChunkOutcome(
                to="ready", count=leased.count, facts=memory.document(), stop=stopped(verdict), ended=True, wire=wire
            )
        case Stop():
            return ChunkOutcome(to="accepted", count=leased.count, stop=stopped(verdict), wire=wire)
        case Unconfirmed():
            return ChunkOutcome(to="over", books={"unconfirmed": leased.count}, answered=answered, wire=wire)
        case Unsent():
            return ChunkOutcome(to="over", books={"unsent": leased.count}, answered=answered, wire=wire)


def _entries(leased: LeasedChunk, emails: Sequence[str], refused: Sequence[Refusal]) -> MembershipEntries:
    """What membership is to know of everybody in a batch that is at its end."""
    everybody = MembershipEntries.alike(
        [address_of(email) for email in emails],
        leased.prints,
        entry_of(leased, 0, MemberState.MEMBER),
        {one.position: entry_of(leased, one.position, MemberState.REFUSED, one) for one in refused},
    )
    return everybody + former_entries(leased, range(leased.count))


def back(leased: LeasedChunk, seconds: float) -> ChunkOutcome:
    """The batch is asked after later: nothing was sent."""
    return ChunkOutcome(to="accepted", count=leased.count, due_in_ms=round(seconds * 1000))
