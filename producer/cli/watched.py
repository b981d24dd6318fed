"""What a watcher wants to know of a run, read from the API's document, and the words for it; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, Final

from producer.cli.tables import printable
from producer.client.errors import NotTheApi
from wire.chunk_queue.run import OVER, RunState

UNSURVEYED: Final = frozenset({RunState.QUEUED, RunState.SURVEYING})


class ExitCode(IntEnum):
    """What a command that waited for runs tells the shell; 2 is click's, for a wrong call."""

    SUCCEEDED = 0
    OTHERWISE = 1
    PARTIAL = 3


@dataclass(frozen=True, slots=True)
class Watched:
    """A run as a watcher sees it; figures in contacts, `settled` are those whose fate is known."""

    id: str
    export: str
    state: RunState
    selected: int
    settled: int
    applied: int
    deadline: datetime | None
    projected_finish: datetime | None
    trouble: str

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in OVER


def watched(document: Mapping[str, Any]) -> Watched:
    """Read a run's document; NotTheApi."""
    try:
        books = document["books"]
        return Watched(
            id=document["id"],
            export=document["export"],
            state=RunState(document["state"]),
            selected=books["selected"],
            settled=books["selected"] - books["pending"],
            applied=books["applied"],
            deadline=_moment(document.get("deadline")),
            projected_finish=_moment(document.get("projected_finish")),
            trouble=printable((document.get("blocked") or {}).get("reason") or document.get("error") or ""),
        )
    except (KeyError, TypeError, ValueError):
        raise NotTheApi("The answer is no run that this version of segment-export can read.") from None


def exit_code(states: Sequence[RunState]) -> ExitCode:
    """Sum up how runs ended: 0 if all succeeded, 3 if some are partial and none is worse, 1 in every other case."""
    match set(states):
        case ended if ended == {RunState.SUCCEEDED}:
            return ExitCode.SUCCEEDED
        case ended if ended and ended <= {RunState.SUCCEEDED, RunState.PARTIAL}:
            return ExitCode.PARTIAL
        case _:
            return ExitCode.OTHERWISE


def figures(run: Watched) -> str:
    """Say how many are applied of how many were selected."""
    return "" if run.state in UNSURVEYED else f"{run.applied:,} of {run.selected:,} applied"


def outlook(run: Watched, now: datetime) -> str:
    """Say when the run will be finished, and how that stands to its deadline."""
    if run.over or run.deadline is None:
        return run.trouble
    if run.trouble:
        return (
            f"{run.trouble}; then: segment-export runs resume {run.id}"
            if run.state == RunState.BLOCKED
            else run.trouble
        )
    if run.projected_finish is None:
        return f"deadline {_clock(run.deadline)}, {_minutes(run.deadline - now)} from now"
    spare = run.deadline - run.projected_finish
    stands = f"{_minutes(spare)} before" if spare >= timedelta() else f"{_minutes(-spare)} AFTER"
    return f"finishes about {_clock(run.projected_finish)}, {stands} the deadline"


def line(run: Watched, now: datetime) -> str:
    """Say all of it in one line."""
    parts = (f"{run.export} {run.id}: {run.state}", figures(run), outlook(run, now))
    return ", ".join(part for part in parts if part)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%SZ")


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:,.0f} min"
