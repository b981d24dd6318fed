"""Judges the answer to how far a batch is, as every batch is followed to its end; pure.

Only an answer makes a batch unconfirmed: where there is none it is asked again, however long that takes. A batch that
failed, was interrupted, or is not known half a minute after it was accepted is lost: its chunk is sent again, three times,
then in halves. As in a delivery, halves are for a chunk in trouble that others are not in: where no batch of the run has
come to a good end since, the importer is down for all, and the bound is four times as high.

Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from wire.activecampaign.errors import (
    NoUsableAnswer,
    ObjectNotFound,
    Refused,
    Rejected,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
    Unreadable,
)
from wire.activecampaign.results import BatchInfo
from wire.chunk_queue.rejects import RejectCode
from worker.verdict import blocks
from worker.verdict.backoff import backoff_seconds, poll_seconds, unread_seconds
from worker.verdict.chunk_history import ChunkHistory, DeliveryProgress
from worker.verdict.delivery import MOST_UNREAD_LOOKS
from worker.verdict.split import halves
from worker.verdict.verdicts import (
    Applied,
    BatchVerdict,
    Later,
    Poll,
    Refusal,
    Split,
    Stop,
    Unconfirmed,
    Unsent,
    Waiting,
)

KNOWN_AFTER_SECONDS: Final = 30.0
"""From the acceptance. In its first second a batch answers `false`; one that still does so now was lost."""

MOST_LOST: Final = 3
MOST_LOST_IN_AN_OUTAGE: Final = 4 * MOST_LOST

_KEPT_OUT: Final = (
    "ActiveCampaign did not import this contact and gave no reason: "
    "unsubscribed from the list, excluded, bounced, or not valid."
)


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What a batch is judged by, besides the answer.

    `emails`: the addresses of the chunk, in order. `since_accepted_seconds` and both patiences are measured on the run's
    own clock: `patience_over` is the one that counts from the last batch that ended, `delivery_patience_over` the one for
    sending. `trusted`: a person has said that they believe refusals. `unread`: answers about it in a row that could not be read.
    `jitter`: 0 to 1.
    """

    emails: Sequence[str] = field(repr=False)
    since_accepted_seconds: float
    memory: ChunkHistory = field(default_factory=ChunkHistory)
    progress: DeliveryProgress = field(default_factory=DeliveryProgress)
    trusted: bool = False
    patience_over: bool = False
    delivery_patience_over: bool = False
    unread: int = 0
    jitter: float = 0.5


def judge_batch(outcome: BatchInfo | Trouble, facts: BatchFacts) -> BatchVerdict:
    """Say what becomes of an accepted chunk after its batch was asked after once."""
    next_poll = poll_seconds(facts.since_accepted_seconds, facts.jitter)
    match outcome:
        case BatchInfo():
            return _by_state(outcome, facts, next_poll)
        case ObjectNotFound() | Rejected() | TooLarge():
            return _unknown(facts, next_poll)
        case Throttled() | Unavailable():
            return Poll(max(outcome.retry_after_seconds or 0.0, next_poll))
        case NoUsableAnswer():
            return Poll(next_poll)
        case Unreadable():
            return _unreadable(outcome, facts, next_poll)
        case Refused():
            return blocks.refused(outcome, facts.memory)


def _unreadable(outcome: Unreadable, facts: BatchFacts, next_poll: float) -> Poll | Stop:
    """Ask again, seldom; with the fifth such answer a person is told. Asking sends nobody, so it goes on, and heals by itself."""
    unread = facts.unread + 1
    if unread >= MOST_UNREAD_LOOKS:
        return blocks.unreadable_chunk(outcome.form, facts.memory)
    return Poll(max(unread_seconds(unread, facts.jitter), next_poll))


def _by_state(info: BatchInfo, facts: BatchFacts, next_poll: float) -> BatchVerdict:
    match info.state:
        case "completed":
            return _completed(info.failures, facts)
        case "failed" | "interrupted":
            return _lost(facts)
        case "unknown":
            return _unknown(facts, next_poll)
        case "waiting" | "claimed" | "active":
            return Unconfirmed() if facts.patience_over else Poll(next_poll)


def _unknown(facts: BatchFacts, next_poll: float) -> BatchVerdict:
    return _lost(facts) if facts.since_accepted_seconds >= KNOWN_AFTER_SECONDS else Poll(next_poll)


def _completed(failures: Sequence[str], facts: BatchFacts) -> Applied | Stop:
    named = {failure.strip().lower() for failure in failures}
    if not named:
        return Applied(applied=len(facts.emails), refused=(), unmatched=0)
    keys = [email.strip().lower() for email in facts.emails]
    refused = [position for position, key in enumerate(keys) if key in named]
    unmatched = len(named.difference(keys))
    told = len(refused) + unmatched
    if blocks.nearly_all(told, len(keys)) and not facts.trusted:
        return blocks.refuses_nearly_all(told, len(keys), facts.memory)
    return Applied(
        applied=len(keys) - len(refused),
        refused=tuple(Refusal(position, RejectCode.OPTED_OUT_OR_EXCLUDED, _KEPT_OUT) for position in refused),
        unmatched=unmatched,
    )


def _lost(facts: BatchFacts) -> Later | Split | Unsent:
    if facts.delivery_patience_over:
        return Unsent(possibly_there=True)
    before, count = facts.memory, len(facts.emails)
    since = before.since or facts.progress
    memory = replace(before, lost=before.lost + 1, attempts=before.attempts + 1, since=since)
    delay = backoff_seconds(memory.lost, facts.jitter)
    most = MOST_LOST if memory.others_applied(facts.progress) else MOST_LOST_IN_AN_OUTAGE
    if memory.lost > most and count > 1:
        return halves(count, replace(memory, since=None), delay_seconds=delay)
    return Later(Waiting.BATCH_LOST, delay, memory)
