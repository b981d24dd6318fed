"""What a run is going to take: requests, minutes, and when it will be done. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil, sqrt
from typing import Any, Final

from producer.accounts.contact_limit import ContactLimit
from producer.runs.throughput import Measured, chunk_contacts
from wire.chunk_queue.run import Run
from wire.process.units import MINUTE_MS

PACED: Final = 1 / 1.008
"""The share of the published allowance that the pacer uses."""

SECOND_USED: Final = 0.8
"""The share of an account's requests a second that is used."""

TYPICAL_BATCH_MS: Final = 10_000
"""From the last import to its batch's end, where nothing has been measured yet."""

SETTLED_MS: Final = 30_000
"""A measured pace is believed after so long."""

RETURNS_A_MINUTE: Final = 0.05
"""The share of its limit by which an account's pace returns after a throttle, as `scripts/lib/pace.lua` has it."""

LARGEST: Final = 1_000_000
"""Rows. More go on, with a warning."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an account may be asked for, and how many imports each of the other runs on it has still to make.

    After a throttle nobody sends until the gate opens, and then only `share` of the limit is used, which returns with time.
    """

    imports_per_minute: float
    others: tuple[int, ...] = ()
    share: float = 1.0
    opens_in_ms: float = 0.0
    requests_per_second: float = 5.0

    def lookup_minutes(self, lookups: int) -> float:
        """How long so many requests for single contacts take, one after the other."""
        return lookups / (self.requests_per_second * SECOND_USED * 60)

    def minutes(self, requests: float) -> float:
        """How long so many imports take: runs take turns, so each other one goes first as often at the most."""
        between = sum(min(requests, other) for other in self.others)
        full = (requests + between) / (self.imports_per_minute * PACED)
        if not full:
            return 0.0
        shut = self.opens_in_ms / MINUTE_MS
        returning = (1 - self.share) / RETURNS_A_MINUTE
        sent_meanwhile = returning * (1 + self.share) / 2
        if full >= sent_meanwhile:
            return shut + returning + full - sent_meanwhile
        # In so many minutes t the share has risen steadily, and its mean times t is `full`: solved for t.
        return shut + (sqrt(self.share**2 + 2 * RETURNS_A_MINUTE * full) - self.share) / RETURNS_A_MINUTE


@dataclass(frozen=True, slots=True)
class AddressChangeCounts:
    """Whose address has changed: contacts that are given the new one, newcomers, those held back, and requests for single ones."""

    update: int = 0
    newcomers: int = 0
    held_back: int = 0
    lookups: int = 0


@dataclass(frozen=True, slots=True)
class UnreadableCounts:
    """How many rows have no readable address, and how many members are not unsubscribed since such a row may be theirs."""

    rows: int
    members: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a survey found, and what it means for the run that follows; counts are of contacts unless they say otherwise."""

    read: int
    adds: int
    changes: int
    again: int
    unchanged: int
    held_back: int
    leavers: int
    invalid: Mapping[str, int]
    requests: int
    bytes: int
    mapping_changed: bool = False
    moves: AddressChangeCounts = AddressChangeCounts()
    leavers_waiting: int = 0
    unreadable: UnreadableCounts | None = None


def forecast(
    found: Forecast, *, allowance: Allowance, minutes_left: float, contract: ContactLimit | None = None
) -> dict[str, Any]:
    """Say what a run is going to take, as a document.

    `minutes` at the account's allowance beside the other runs on it, `within_budget`: whether they and a batch's time are
    less than `minutes_left`. `contract` is None where it is not known, or nobody is added.
    """
    minutes = allowance.minutes(found.requests) + allowance.lookup_minutes(found.moves.lookups)
    last_batch = TYPICAL_BATCH_MS / MINUTE_MS if found.requests else 0.0
    warnings = []
    if found.read > LARGEST:
        warnings.append(f"the snapshot has {found.read} rows, more than the {LARGEST} this is built for")
    if found.mapping_changed:
        warnings.append("the mapping was changed since the last run, so that everybody is sent again")
    if found.unreadable:
        warnings.append(
            f"{found.unreadable.rows} rows have no readable address, more than before, so that {found.unreadable.members} members"
            " who may be among them stay on the list"
        )
    return {
        "adds": found.adds,
        "changes": found.changes,
        "again": found.again,
        "unchanged": found.unchanged,
        "held_back": found.held_back,
        "leavers": found.leavers,
        "leavers_waiting": found.leavers_waiting,
        "changed_addresses": asdict(found.moves),
        "invalid": dict(found.invalid),
        "requests": found.requests,
        "bytes": found.bytes,
        "minutes": round(minutes, 2),
        "within_budget": minutes + last_batch <= minutes_left,
        "contract": _held_against(contract, found.adds + found.moves.newcomers) if contract else None,
        "mapping_changed": found.mapping_changed,
        "warnings": warnings,
    }


def _held_against(contract: ContactLimit, adds: int) -> dict[str, int | bool]:
    after = contract.total + adds
    return {"limit": contract.limit, "total": contract.total, "after": after, "holds": after <= contract.limit}


def remaining_imports(run: Run) -> int:
    """How many imports a run that is surveyed has still to make; 0 if nobody can say yet."""
    if run.over or run.surveyed is None or run.forecast is None:
        return 0
    return ceil(_waiting(run))


def _waiting(run: Run) -> float:
    return max(0.0, run.pending / chunk_contacts(run) - run.accepted_chunks)


def projected_finish(run: Run, *, now: int, allowance: Allowance, measured: Measured | None = None) -> int | None:
    """When a run will be over, in the store's milliseconds; None if that cannot be said yet.

    The pace is the allowance's, or the measured one where that is slower: of sending, and of batches that come to their end.
    Where nobody has measured lately it is the mean since the first import.
    """
    if run.finished is not None:
        return run.finished
    if run.surveyed is None or run.forecast is None:
        return None
    if not run.pending:
        return now
    each, waiting = chunk_contacts(run), _waiting(run)
    sending = allowance.minutes(waiting) * MINUTE_MS
    sent = measured.sent if measured else _mean_pace(run, now, each)
    if sent:
        sending = max(sending, waiting / sent)
    ending = run.pending / each / measured.done if measured and measured.done else 0.0
    return round(now + max(sending + _batch_ms(run, now), ending))


def _mean_pace(run: Run, now: int, each: float) -> float | None:
    if run.first_import is None:
        return None
    went_on = now - run.first_import - run.stood_still
    return (run.accepted / each) / went_on if went_on > SETTLED_MS else None


def _batch_ms(run: Run, now: int) -> float:
    """From the last import to its batch's end: while none has ended, at least as long as they have been waited for."""
    none_has_ended = run.accepted_chunks and run.pending == run.contacts
    if run.first_import is not None and none_has_ended:
        return max(TYPICAL_BATCH_MS, now - run.first_import)
    return TYPICAL_BATCH_MS
