"""How an export is doing, judged from its runs and the age of its data, so that every change of state is told once. Pure.

    well -> failed | partial | blocked | will_miss_budget | stale -> ... -> well (told as `recovered`)

A run that ends decides. While one is under way, only two things can be said of it: that it is blocked, and that it will miss its
budget; what its predecessor left behind stands until it ends. States that could come and go with every look have to last:
a projection has to lie behind the deadline by a margin for a while, and before it by a margin for longer; a block has to be
gone for a while, unless the run ends before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from producer.notifications.health_store import Health, Told
from wire.chunk_queue.run import Run, State, state

SECOND_MS: Final = 1000
UNBLOCKED_MS: Final = 120 * SECOND_MS
"""A block that is lifted by a probe and back with the next request is one block."""

LATE_SHARE: Final = 0.02
LATE_MS_MAX: Final = 60 * SECOND_MS
IN_TIME_SHARE: Final = 0.06
IN_TIME_MS_MAX: Final = 300 * SECOND_MS
MARGIN_SHARE: Final = 0.02
"""Shares of the budget, so that a budget of a minute and one of a day both work."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an export looks like: told when it has lasted for `lasting_ms`; `quiet`: a person did it, and knows."""

    health: Health
    lasting_ms: float = 0
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is written: a state, told unless `quiet`, or what it may become if it lasts."""

    health: Health
    candidate: Health | None = None
    quiet: bool = False


def ended(run: Run, before: Health, *, is_stale: bool) -> Seen:
    """Judge the end of a run."""
    well = Health.STALE if is_stale else Health.WELL
    match state(run):
        case State.SUCCEEDED:
            return Seen(well)
        case State.PARTIAL:
            return Seen(Health.PARTIAL)
        case State.FAILED:
            return Seen(Health.FAILED)
        case State.CANCELLED if before in {Health.BLOCKED, Health.LATE}:
            return Seen(Health.WELL, quiet=True)
        case _:
            return Seen(before)


def under_way(runs: Sequence[Run], finishes: dict[str, int], before: Health, now: int) -> tuple[Seen, Run]:
    """Judge runs that are not over, of which there is at least one; say which one it is about."""
    for run in runs:
        if run.block is not None:
            return Seen(Health.BLOCKED), run
    about = next((run for run in runs if run.begun is not None), runs[0])
    for run in runs:
        if now > run.deadline:
            return Seen(Health.LATE), run
        if _is_late(run, finishes.get(run.id), before):
            return Seen(Health.LATE, _share(run, LATE_SHARE, LATE_MS_MAX)), run
    match before:
        case Health.BLOCKED:
            return Seen(Health.WELL, UNBLOCKED_MS), about
        case Health.LATE:
            return Seen(Health.WELL, _share(about, IN_TIME_SHARE, IN_TIME_MS_MAX)), about
        case _:
            return Seen(before), about


def at_rest(before: Health, *, is_stale: bool, is_on: bool) -> Seen:
    """Judge an export of which no run is under way; one that was turned off is not old any more, and nobody is told that."""
    match before:
        case Health.STALE if not is_stale:
            return Seen(Health.WELL, quiet=not is_on)
        case Health.WELL if is_stale:
            return Seen(Health.STALE)
        case Health.BLOCKED | Health.LATE:
            return Seen(Health.STALE if is_stale else Health.WELL, quiet=not is_stale)
        case _:
            return Seen(before)


def judge(told: Told, seen: Seen, now: int) -> Judgement | None:
    """Say what is to be written; None if everything is as it was told."""
    if seen.health is told.health:
        return None if told.candidate is None else Judgement(told.health)
    if seen.lasting_ms <= 0:
        return Judgement(seen.health, quiet=seen.quiet)
    if told.candidate is not seen.health:
        return Judgement(told.health, candidate=seen.health)
    if now - told.candidate_since >= seen.lasting_ms:
        return Judgement(seen.health, quiet=seen.quiet)
    return None


def _is_late(run: Run, finish: int | None, before: Health) -> bool:
    """Whether a run will be late by its projection: by a margin, and once that was told, until it is in time by a margin."""
    if finish is None or run.paused:
        return False
    margin = MARGIN_SHARE * (run.deadline - run.created)
    return finish > run.deadline + (-margin if before is Health.LATE else margin)


def _share(run: Run, share: float, most_ms: float) -> float:
    return min(most_ms, share * (run.deadline - run.created))
