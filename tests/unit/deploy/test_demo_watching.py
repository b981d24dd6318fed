"""The plain lines that stand for the demo's bar where there is no terminal."""

from datetime import UTC, datetime

from deploy.local.watching import LINE_EVERY_SECONDS, LineOutput
from producer.cli.watched import Watched
from wire.chunk_queue.run import RunState


def _run(state: RunState, settled: int = 0) -> Watched:
    return Watched(
        id="run",
        export="export",
        state=state,
        selected=1_000,
        settled=settled,
        applied=settled,
        deadline=datetime(2026, 1, 1, tzinfo=UTC),
        projected_finish=None,
        trouble="",
    )


class _Clock:
    """A clock that is moved by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _lines() -> tuple[LineOutput, list[str], _Clock]:
    written: list[str] = []
    clock = _Clock()
    return LineOutput(written.append, clock), written, clock


def test_a_new_state_is_written_at_once() -> None:
    """Nobody waits to hear that the survey is over."""
    lines, written, _ = _lines()
    lines.show(_run(RunState.SURVEYING))
    lines.show(_run(RunState.DELIVERING))
    assert [RunState.SURVEYING in written[0], RunState.DELIVERING in written[1]] == [True, True]


def test_the_same_state_is_written_every_few_seconds_only() -> None:
    """A log is not a film."""
    lines, written, clock = _lines()
    lines.show(_run(RunState.DELIVERING))
    clock.seconds += LINE_EVERY_SECONDS - 0.1
    lines.show(_run(RunState.DELIVERING))
    assert len(written) == 1
    clock.seconds += 0.1
    lines.show(_run(RunState.DELIVERING))
    assert len(written) == 2


def test_the_rate_counts_from_the_moment_sending_could_begin() -> None:
    """500 contacts in half a minute are 1,000 a minute, however long the survey took."""
    lines, written, clock = _lines()
    lines.show(_run(RunState.SURVEYING))
    clock.seconds = 100
    lines.show(_run(RunState.DELIVERING))
    clock.seconds = 130
    lines.show(_run(RunState.DELIVERING, settled=500))
    assert written[-1].endswith(", 1,000 contacts a minute")
