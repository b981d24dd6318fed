"""What a run is going to take: requests, minutes, and when it will be done. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from wire.runs import Run

MINUTE_MS: Final = 60_000
PACED: Final = 1 / 1.008
"""The share of the published allowance that the pacer uses."""

TYPICAL_BATCH_MS: Final = 10_000
"""From the last import to its batch's end, where nothing has been measured yet."""

SETTLED_MS: Final = 30_000
"""A measured pace is believed after so long."""

LARGEST: Final = 1_000_000
"""Rows. More go on, with a warning."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an account may be asked for, and how many imports each of the other runs on it has still to make."""

    imports_per_minute: float
    others: tuple[int, ...] = ()

    def minutes(self, requests: float) -> float:
        """How long so many imports take: runs take turns, so each other one goes first as often at the most."""
        between = sum(min(requests, other) for other in self.others)
        return (requests + between) / (self.imports_per_minute * PACED)


@dataclass(frozen=True, slots=True)
class Contract:
    """How many active contacts an account may have, and how many it has."""

    limit: int
    total: int


@dataclass(frozen=True, slots=True)
class Foreseen:
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


def forecast(
    found: Foreseen, *, allowance: Allowance, minutes_left: float, contract: Contract | None = None
) -> dict[str, Any]:
    """Say what a run is going to take, as a document.

    `minutes` at the account's allowance beside the other runs on it, `within_budget`: whether they and a batch's time are
    less than `minutes_left`. `contract` is None where it is not known, or nobody is added.
    """
    minutes = allowance.minutes(found.requests)
    last_batch = TYPICAL_BATCH_MS / MINUTE_MS if found.requests else 0.0
    warnings = []
    if found.read > LARGEST:
        warnings.append(f"the snapshot has {found.read} rows, more than the {LARGEST} this is built for")
    if found.mapping_changed:
        warnings.append("the mapping was changed since the last run, so that everybody is sent again")
    return {
        "adds": found.adds,
        "changes": found.changes,
        "again": found.again,
        "unchanged": found.unchanged,
        "held_back": found.held_back,
        "leavers": found.leavers,
        "invalid": dict(found.invalid),
        "requests": found.requests,
        "bytes": found.bytes,
        "minutes": round(minutes, 2),
        "within_budget": minutes + last_batch <= minutes_left,
        "contract": _held_against(contract, found.adds) if contract else None,
        "mapping_changed": found.mapping_changed,
        "warnings": warnings,
    }


def _held_against(contract: Contract, adds: int) -> dict[str, int | bool]:
    after = contract.total + adds
    return {"limit": contract.limit, "total": contract.total, "after": after, "holds": after <= contract.limit}


def remaining_imports(run: Run) -> int:
    """How many imports a run that is surveyed has still to make; 0 if nobody can say yet."""
    if run.over or run.surveyed is None or run.forecast is None:
        return 0
    return ceil(_waiting(run))


def _waiting(run: Run) -> float:
    each = run.contacts / max(run.forecast["requests"] if run.forecast else 1, 1)
    return max(0.0, run.pending / each - run.accepted_chunks) if each else 0.0


def projected_finish(run: Run, *, now: int, allowance: Allowance) -> int | None:
    """When a run will be over, in the store's milliseconds; None if that cannot be said yet.

    The pace is the allowance's, or the measured one where that is slower.
    """
    if run.finished is not None:
        return run.finished
    if run.surveyed is None or run.forecast is None:
        return None
    if not run.pending:
        return now
    each = run.contacts / max(run.forecast["requests"], 1)
    waiting = _waiting(run)
    sending = allowance.minutes(waiting) * MINUTE_MS
    if run.first_import is not None and now - run.first_import > SETTLED_MS and waiting:
        measured = (run.accepted / each) / (now - run.first_import)
        sending = max(sending, waiting / measured) if measured else sending
    return round(now + sending + TYPICAL_BATCH_MS)
