"""Judges the answer to an import; pure.

* Accepted: done; whoever was set aside on the way is refused, as the rest was accepted without them.
* Throttled: later, and it costs the chunk nothing. Refused and not found: stop, at no cost either.
* No answer, or unavailable: later, backing off; after eight times halves, after the run's patience unsent.
* An answer that cannot be read: later, and never in halves: with the third about the same contacts the run is stopped.
* Too large: halves. Rejected with names: later, without those; after three rounds halves.
* Rejected without names: halves. A lone contact is refused for good, but not on the word of an account that refuses
  everything: when a quarter, or a lone part, is refused without a name and nothing of the run was accepted since the whole
  was, both halves have been refused, and the run is stopped. The stop is doubtful, and one accepted part lifts it.

Silence halves only if others of the run were accepted meanwhile. Until then it is an outage, which must not grind a lane of
full chunks down to single contacts that pass five times slower; four times the bound ends that benefit of the doubt.

Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from wire.activecampaign.errors import (
    NoUsableAnswer,
    ObjectNotFound,
    Reason,
    Refused,
    Rejected,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
    Unreadable,
)
from wire.activecampaign.results import AcceptedImport
from wire.chunk_queue.rejects import RejectCode
from worker.verdict import blocks
from worker.verdict.backoff import backoff_seconds, unread_seconds
from worker.verdict.chunk_history import ChunkHistory, DeliveryProgress, ExcludedContacts
from worker.verdict.named_contacts import OTHER_BASE, PROBED_BASE, Counting, counting
from worker.verdict.split import halves
from worker.verdict.verdicts import DeliveryVerdict, Done, Later, Never, Refusal, Split, Stop, Unsent, Waiting

MOST_ATTEMPTS: Final = 8
MOST_ATTEMPTS_IN_AN_OUTAGE: Final = 4 * MOST_ATTEMPTS
MOST_ROUNDS: Final = 3

MOST_UNREAD: Final = 3
"""Answers to a chunk's imports that cannot be read: each may have been a yes, so its contacts are sent three times at most."""

MOST_UNREAD_LOOKS: Final = 5
"""The same of questions about a chunk, which send nobody. Three in a row block the connection, and its probes are not counted
here: so the fifth comes only where others are answered in words, and an outage goes by itself."""

_QUARTER: Final = 2
"""Halvings. A quarter's turn comes when both halves have had theirs."""

_LONGEST_REASON: Final = 300
_NO_REASON: Final = "ActiveCampaign refused this contact and gave no reason."


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """What a delivery is judged by, besides its answer.

    `count`: contacts of the chunk, those set aside included. `trusted`: a person has said that they believe refusals.
    `patience_over`: the run's delivery patience has ended. `unread`: answers to it that could not be read before, and
    `most_unread` how many there may be. `jitter`: 0 to 1.
    """

    count: int
    memory: ChunkHistory = field(default_factory=ChunkHistory)
    progress: DeliveryProgress = field(default_factory=DeliveryProgress)
    trusted: bool = False
    patience_over: bool = False
    unread: int = 0
    most_unread: int = MOST_UNREAD
    jitter: float = 0.5


def judge_delivery(outcome: AcceptedImport | Trouble, facts: DeliveryFacts) -> DeliveryVerdict:
    """Say what becomes of a chunk after one request."""
    verdict: DeliveryVerdict
    match outcome:
        case AcceptedImport(batch_id=batch_id):
            memory = replace(facts.memory, aside=(), rounds=0, troubles=0, asked=False)
            verdict = Done(batch_id, tuple(map(_believed, facts.memory.aside)), memory)
        case Throttled():
            verdict = _throttled(outcome, facts)
        case NoUsableAnswer():
            verdict = _silence(Waiting.UNKNOWN_OUTCOME, facts, counts=outcome.sent)
        case Unreadable():
            verdict = _unreadable(outcome, facts)
        case Unavailable():
            verdict = _silence(Waiting.UNAVAILABLE, facts, at_least_seconds=outcome.retry_after_seconds or 0.0)
        case Refused():
            verdict = blocks.refused(outcome, facts.memory)
        case ObjectNotFound():
            verdict = blocks.list_missing(facts.memory)
        case TooLarge():
            verdict = _too_large(facts)
        case Rejected():
            verdict = _rejected(outcome, facts)
    return verdict


def _throttled(outcome: Throttled, facts: DeliveryFacts) -> Later | Unsent:
    if facts.patience_over:
        return Unsent(possibly_there=facts.memory.attempts > 0)
    return Later(Waiting.THROTTLED, outcome.retry_after_seconds or 0.0, facts.memory)


def _silence(
    waiting: Waiting, facts: DeliveryFacts, *, counts: bool = True, at_least_seconds: float = 0.0
) -> Later | Split | Unsent:
    before = facts.memory
    attempts = before.attempts + (1 if counts else 0)
    if facts.patience_over:
        return Unsent(possibly_there=attempts > 0)
    since = before.since or facts.progress
    memory = replace(before, attempts=attempts, troubles=before.troubles + 1, since=since)
    delay = max(backoff_seconds(memory.troubles, facts.jitter), at_least_seconds)
    most = MOST_ATTEMPTS if memory.others_accepted(facts.progress) else MOST_ATTEMPTS_IN_AN_OUTAGE
    if counts and attempts >= most and facts.count > 1:
        # Each halving wants news of the others of its own; the backoff goes on where it was.
        return halves(facts.count, replace(memory, since=None), delay_seconds=delay)
    return Later(waiting, delay, memory)


def _unreadable(outcome: Unreadable, facts: DeliveryFacts) -> Later | Stop | Unsent:
    if facts.patience_over:
        return Unsent(possibly_there=True)
    memory = replace(facts.memory, attempts=facts.memory.attempts + 1, since=facts.memory.since or facts.progress)
    unread = facts.unread + 1
    if unread >= facts.most_unread:
        return blocks.unreadable_chunk(outcome.form, memory)
    return Later(Waiting.UNKNOWN_OUTCOME, unread_seconds(unread, facts.jitter), memory)


def _too_large(facts: DeliveryFacts) -> Never | Split:
    if facts.count > 1:
        return halves(facts.count, facts.memory)
    return Never((Refusal(0, RejectCode.TOO_LARGE, "ActiveCampaign says that this contact is too large."),))


def _rejected(outcome: Rejected, facts: DeliveryFacts) -> DeliveryVerdict:
    named = {reason.index: reason.text for reason in reversed(outcome.reasons) if reason.index is not None}
    if not named:
        return _nameless(outcome.reasons, facts)
    if facts.count == 1:
        return _lone(*named.values())
    return _named(named, facts)


def _named(named: Mapping[int, str], facts: DeliveryFacts) -> DeliveryVerdict:
    memory, count = facts.memory, facts.count
    left_out = {aside.position for aside in memory.aside}
    sent = [position for position in range(count) if position not in left_out]
    told = counting(named, len(sent), memory.base)
    if told is None:
        return halves(count, replace(memory, base=None, aside=()))
    if not told.certain and left_out and sent[min(named) - told.base] < min(left_out):
        # Then it would have been named before those that were, in whatever order they are named.
        told = Counting(OTHER_BASE, certain=True)
    aside = tuple(ExcludedContacts(sent[name - told.base], named[name]) for name in sorted(named))
    if memory.base is not None or told.base == PROBED_BASE:
        # Otherwise those set aside so far were the neighbours of those meant.
        aside = (*memory.aside, *aside)
    memory = replace(memory, base=told.base if told.certain else None)
    if blocks.nearly_all(len(named), len(sent)):
        if not facts.trusted:
            return blocks.refuses_nearly_all(len(named), len(sent), facts.memory)
        if len(aside) == count:
            return Never(tuple(map(_believed, aside)))
    memory = replace(memory, aside=aside)
    if len(aside) == count or memory.rounds >= MOST_ROUNDS:
        return halves(count, memory)
    return Later(Waiting.NAMED, 0.0, replace(memory, rounds=memory.rounds + 1, attempts=memory.attempts + 1))


def _nameless(reasons: tuple[Reason, ...], facts: DeliveryFacts) -> DeliveryVerdict:
    memory = replace(facts.memory, since=facts.memory.since or facts.progress)
    believed = facts.trusted or memory.others_accepted(facts.progress)
    if facts.count == 1 and (believed or not memory.nameless):
        return _lone(*(reason.text for reason in reasons))
    if not believed and (facts.count == 1 or memory.nameless >= _QUARTER):
        return blocks.refuses_everything(memory)
    return halves(facts.count, replace(memory, nameless=memory.nameless + 1))


def _lone(*reasons: str) -> Never:
    return Never((_believed(ExcludedContacts(0, reasons[0] if reasons else "")),))


def _believed(aside: ExcludedContacts) -> Refusal:
    reason = aside.reason.strip()[:_LONGEST_REASON] or _NO_REASON
    return Refusal(aside.position, RejectCode.REFUSED_BY_ACTIVECAMPAIGN, reason)
