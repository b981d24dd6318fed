"""Shows how runs go: a bar each on a terminal, a line now and then everywhere else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from producer.cli.following import ProgressView
from producer.cli.watched import UNSURVEYED, Watched, figures, line, outlook
from producer.client.errors import ProducerUnavailable
from wire.chunk_queue.run import RunState

LINE_SECONDS: Final = 15.0
"""How often a log gets a line while a run is in one and the same state."""


def _now() -> datetime:
    return datetime.now(UTC)


class ProgressBars:
    """A bar for every run: how far, how many applied, and when it will be finished."""

    def __init__(self, progress: Progress, now: Callable[[], datetime] = _now) -> None:
        self._progress = progress
        self._now = now
        self._tasks: dict[str, TaskID] = {}

    def show(self, run: Watched) -> None:
        """Move the bar of a run."""
        if run.id not in self._tasks:
            # Without a total the bar pulses: until the survey has ended nobody knows how much there is to do.
            self._tasks[run.id] = self._progress.add_task("", total=None, figures="", outlook="")
        total = None if run.state in UNSURVEYED else max(run.selected, 1)
        done = total if total and run.over and run.settled == run.selected else run.settled
        self._progress.update(
            self._tasks[run.id],
            description=f"{run.export} {run.state}",
            total=total,
            completed=done,
            figures=figures(run),
            outlook=outlook(run, self._now()),
        )

    def waits(self, error: ProducerUnavailable) -> None:
        """Say so beside every bar that still moves."""
        for task in self._progress.tasks:
            if not task.finished:
                self._progress.update(task.id, outlook=f"waiting: {error}")


class ProgressLines:
    """A line when a run's state changes, and one now and then in between."""

    def __init__(
        self,
        write: Callable[[str], None],
        now: Callable[[], datetime] = _now,
        clock_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._now = now
        self._clock_seconds = clock_seconds
        self._last: dict[str, tuple[RunState, float]] = {}
        self._waited: float | None = None

    def show(self, run: Watched) -> None:
        """Write a line, if there is something new to say."""
        self._waited = None
        state, written = self._last.get(run.id, (None, 0.0))
        at = self._clock_seconds()
        if state is not run.state or at - written >= LINE_SECONDS:
            self._last[run.id] = (run.state, at)
            self._write(line(run, self._now()))

    def waits(self, error: ProducerUnavailable) -> None:
        """Write why nothing is known, once and then now and then."""
        at = self._clock_seconds()
        if self._waited is None or at - self._waited >= LINE_SECONDS:
            self._waited = at
            self._write(f"waiting: {error}")


@contextmanager
def view(console: Console) -> Iterator[ProgressView]:
    """Choose how to show runs on this console, and tidy up after it."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield ProgressLines(lambda text: console.print(text, soft_wrap=True))
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(complete_style="cyan", finished_style="green"),
        TextColumn("{task.fields[figures]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[outlook]}", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        yield ProgressBars(progress)
