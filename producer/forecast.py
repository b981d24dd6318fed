"""What a run is going to take: requests, minutes, and when it will be done. Pure."""

from dataclasses import dataclass
from typing import Final

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
    """What an account may be asked for, and how many runs share it."""

    imports_per_minute: float
    runs: int = 1

    def minutes(self, requests: float) -> float:
        """How long so many imports take when the runs take turns."""
        return requests * self.runs / (self.imports_per_minute * PACED)


def forecast(*, read: int, requests: int, weight: int, allowance: Allowance) -> dict[str, object]:
    """What a survey says about the run that follows: `bytes` of JSON, `requests`, `minutes` at the account's allowance."""
    said: dict[str, object] = {
        "requests": requests,
        "bytes": weight,
        "minutes": round(allowance.minutes(requests), 2),
    }
    if read > LARGEST:
        said["warning"] = f"the snapshot has {read} rows, more than the {LARGEST} this is built for"
    return said


def projected_finish(run: Run, *, now: int, allowance: Allowance) -> int | None:
    """When a run will be over, in the store's milliseconds; None if that cannot be said yet.

    The pace is the allowance's, or the measured one where that is slower.
    """
    if run.finished is not None:
        return run.finished
    if run.surveyed is None or run.forecast is None:
        return None
    if not run.books.pending:
        return now
    each = run.books.selected / max(run.forecast["requests"], 1)
    waiting = max(0.0, run.books.pending / each - run.accepted_chunks)
    sending = allowance.minutes(waiting) * MINUTE_MS
    if run.first_import is not None and now - run.first_import > SETTLED_MS and waiting:
        measured = (run.accepted / each) / (now - run.first_import)
        sending = max(sending, waiting / measured) if measured else sending
    return round(now + sending + TYPICAL_BATCH_MS)
