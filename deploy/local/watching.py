"""Shows how the demo's run goes, with its rate: a live bar on a terminal, a plain line every few seconds elsewhere.

The bar is the command line's own, `segment-export runs watch`; what is added here is how many contacts a minute.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from producer.cli.following import ProgressView
from producer.cli.progress import ProgressBars
from producer.cli.watched import UNSURVEYED, Watched, line
from producer.client.errors import ProducerUnavailable

LINE_EVERY_SECONDS: Final = 5.0


@contextmanager
def view(console: Console) -> Iterator[ProgressView]:
    """Choose how to show a run on this console, and tidy up after it."""
    if not console.is_terminal:
        yield LineOutput(console.print)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
        PerMinute(),
        TimeElapsedColumn(),
    )
    with Board(*columns, console=console) as progress:
        yield ProgressBars(progress)


class Board(Progress):
    """A bar, and under it when the run will be finished: together they are wider than 80 columns."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return the bar and the line under it."""
        yield from super().get_renderables()
        yield from (Text(task.fields["outlook"]) for task in self.tasks)


class PerMinute(ProgressColumn):
    """How many contacts a minute got their fate in the last half minute."""

    def render(self, task: Task) -> Text:
        """Say it, once it can be known."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed * 60:,.0f} a minute" if speed else "")


class LineOutput:
    """A line when the state changes and one every few seconds, with the rate since the first request could be sent."""

    def __init__(self, write: Callable[[str], None], clock_seconds: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock_seconds = clock_seconds
        self._said: tuple[str, float] | None = None
        self._sending_since: float | None = None

    def show(self, run: Watched) -> None:
        """Write a line, if there is something new to say."""
        at = self._clock_seconds()
        if self._sending_since is None and run.state not in UNSURVEYED:
            self._sending_since = at
        if self._said is None or self._said[0] != run.state or at - self._said[1] >= LINE_EVERY_SECONDS:
            self._said = (run.state, at)
            self._write(line(run, datetime.now(UTC)) + self._rate(run.settled, at))

    def waits(self, error: ProducerUnavailable) -> None:
        """Write why nothing is known."""
        self._write(f"waiting: {error}")

    def _rate(self, settled: int, at: float) -> str:
        if not settled or self._sending_since is None or at <= self._sending_since:
            return ""
        return f", {settled * 60 / (at - self._sending_since):,.0f} contacts a minute"
