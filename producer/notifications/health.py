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

from producer.notifications.export_health import ExportHealth, ReportedHealth
from wire.chunk_queue.run import Run, RunState, state
from wire.process.units import SECOND_MS

UNBLOCKED_MS: Final = 120 * SECOND_MS
"""A block that is lifted by a probe and back with the next request is one block."""

LATE_SHARE: Final = 0.02
LATE_MS_MAX: Final = 60 * SECOND_MS
IN_TIME_SHARE: Final = 0.06
IN_TIME_MS_MAX: Final = 300 * SECOND_MS
MARGIN_SHARE: Final = 0.02
"""Shares of the budget, so that a budget of a minute and one of a day both work."""


@dataclass(frozen=True, slots=True)
class ObservedExport:
    """What an export looks like: told when it has lasted for `lasting_ms`; `quiet`: a person did it, and knows."""

    health: ExportHealth
    lasting_ms: float = 0
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is written: a state, told unless `quiet`, or what it may become if it lasts."""

    health: ExportHealth
    candidate: ExportHealth | None = None
    quiet: bool = False


def ended(run: Run, before: ExportHealth, *, is_stale: bool) -> ObservedExport:
    """Judge the end of a run."""
    well = ExportHealth.STALE if is_stale else ExportHealth.WELL
    match state(run):
        case RunState.SUCCEEDED:
            return ObservedExport(well)
        case RunState.PARTIAL:
            return ObservedExport(ExportHealth.PARTIAL)
        case RunState.FAILED:
            return ObservedExport(ExportHealth.FAILED)
        case RunState.CANCELLED if before in {ExportHealth.BLOCKED, ExportHealth.LATE}:
            return ObservedExport(ExportHealth.WELL, quiet=True)
        case _:
            return ObservedExport(before)


def under_way(
    runs: Sequence[Run], finishes: dict[str, int], before: ExportHealth, now: int
) -> tuple[ObservedExport, Run]:
    """Judge runs that are not over, of which there is at least one; say which one it is about."""
    for run in runs:
        if run.block is not None:
            return ObservedExport(ExportHealth.BLOCKED), run
    about = next((run for run in runs if run.begun is not None), runs[0])
    for run in runs:
        if now > run.deadline:
            return ObservedExport(ExportHealth.LATE), run
        if _is_late(run, finishes.get(run.id), before):
            return ObservedExport(ExportHealth.LATE, _share(run, LATE_SHARE, LATE_MS_MAX)), run
    match before:
        case ExportHealth.BLOCKED:
            return ObservedExport(ExportHealth.WELL, UNBLOCKED_MS), about
        case ExportHealth.LATE:
            return ObservedExport(ExportHealth.WELL, _share(about, IN_TIME_SHARE, IN_TIME_MS_MAX)), about
        case _:
            return ObservedExport(before), about


def at_rest(before: ExportHealth, *, is_stale: bool, is_on: bool) -> ObservedExport:
    """Judge an export of which no run is under way; one that was turned off is not old any more, and nobody is told that."""
    match before:
        case ExportHealth.STALE if not is_stale:
            return ObservedExport(ExportHealth.WELL, quiet=not is_on)
        case ExportHealth.WELL if is_stale:
            return ObservedExport(ExportHealth.STALE)
        case ExportHealth.BLOCKED | ExportHealth.LATE:
            return ObservedExport(ExportHealth.STALE if is_stale else ExportHealth.WELL, quiet=not is_stale)
        case _:
            return ObservedExport(before)


def judge(told: ReportedHealth, seen: ObservedExport, now: int) -> Judgement | None:
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


def _is_late(run: Run, finish: int | None, before: ExportHealth) -> bool:
    """Whether a run will be late by its projection: by a margin, and once that was told, until it is in time by a margin."""
    if finish is None or run.paused:
        return False
    margin = MARGIN_SHARE * (run.deadline - run.created)
    return finish > run.deadline + (-margin if before is ExportHealth.LATE else margin)


def _share(run: Run, share: float, most_ms: float) -> float:
    return min(most_ms, share * (run.deadline - run.created))
