"""From a verdict on a batch to the outcome that is written, and when a batch is asked after for the first time."""

from typing import Final

from wire.activecampaign.payloads import emails_of
from wire.ledger import Held, Outcome, OverTheWire
from wire.rejects import page
from worker.delivering import FIRST_POLL_MS, MINUTE_MS, pieces, rejects, stopped
from worker.verdict import (
    Applied,
    BatchFacts,
    BatchVerdict,
    Later,
    Memory,
    Poll,
    Progress,
    Split,
    Stop,
    Unconfirmed,
    Unsent,
)

SOONER: Final = 0.95
LATER: Final = 1.2
"""One question in five may come too early: at 4 to 1 these two keep the first one where four batches in five have ended."""

SOONEST_POLL_MS: Final = 1_000.0
LATEST_FIRST_POLL_MS: Final = 60_000.0


def facts(held: Held, jitter: float) -> BatchFacts:
    """What the answer about this chunk's batch is judged by, all times on the run's own clock."""
    spec = held.run.spec
    quiet_ms = held.now - max(held.accepted_at, held.run.batch_ended or 0)
    return BatchFacts(
        emails=emails_of(held.contacts),
        since_accepted_seconds=(held.now - held.accepted_at) / 1000,
        memory=Memory.read(held.facts),
        progress=Progress(held.run.accepted, held.run.books.applied),
        trusted=held.run.trusted,
        patience_over=quiet_ms > spec["patience_minutes"] * MINUTE_MS,
        delivery_patience_over=held.now - held.first_taken > spec["delivery_patience_minutes"] * MINUTE_MS,
        jitter=jitter,
    )


def outcome(verdict: BatchVerdict, held: Held, wire: OverTheWire, *, answered: bool) -> Outcome:
    """What to write for a verdict; `answered`: the account understood and allowed the question."""
    first_poll_ms = next_first_poll_ms(held, ended=isinstance(verdict, Applied))
    match verdict:
        case Applied(applied=applied, refused=refused, unmatched=unmatched):
            return Outcome(
                to="over",
                books={"applied": applied, "refused": len(refused), "unmatched": unmatched},
                rejects=page(rejects(held, refused)) if refused else b"",
                first_poll_ms=first_poll_ms,
                answered=answered,
                ended=True,
                wire=wire,
            )
        case Poll(delay_seconds=delay):
            return Outcome(
                to="accepted",
                count=held.count,
                due_in_ms=round(delay * 1000),
                first_poll_ms=first_poll_ms if answered else None,
                answered=answered,
                wire=wire,
            )
        case Later(delay_seconds=delay, memory=memory):
            return Outcome(
                to="ready",
                count=held.count,
                due_in_ms=round(delay * 1000),
                facts=memory.document(),
                answered=answered,
                ended=True,
                wire=wire,
            )
        case Split(parts=parts, delay_seconds=delay):
            return Outcome(
                to="split",
                pieces=pieces(held, parts),
                due_in_ms=round(delay * 1000),
                answered=answered,
                ended=True,
                wire=wire,
            )
        case Stop(scope="run", memory=memory):
            # The batch is at its end; who is to blame is for a person to say, and the chunk is sent again then.
            return Outcome(
                to="ready", count=held.count, facts=memory.document(), stop=stopped(verdict), ended=True, wire=wire
            )
        case Stop():
            return Outcome(to="accepted", count=held.count, stop=stopped(verdict), wire=wire)
        case Unconfirmed():
            return Outcome(to="over", books={"unconfirmed": held.count}, answered=answered, wire=wire)
        case Unsent():
            return Outcome(to="over", books={"unsent": held.count}, answered=answered, wire=wire)


def back(held: Held, seconds: float) -> Outcome:
    """The batch is asked after later: nothing was sent."""
    return Outcome(to="accepted", count=held.count, due_in_ms=round(seconds * 1000))


def next_first_poll_ms(held: Held, *, ended: bool) -> float | None:
    """Move the account's first question toward the time by which four batches in five have ended.

    Only the first question about a batch tells: it came at the time that is being sought. None where this was another.
    """
    sought = held.first_poll_ms or FIRST_POLL_MS
    if held.now - held.accepted_at > 1.5 * sought:
        return None
    return round(min(max(sought * (SOONER if ended else LATER), SOONEST_POLL_MS), LATEST_FIRST_POLL_MS), 1)
