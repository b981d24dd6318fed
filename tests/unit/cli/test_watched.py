"""Runs are followed to their end through everything that passes, and what is shown of them is right."""

import asyncio
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from producer.cli.following import PATIENCE_SECONDS, POLL_SECONDS, follow
from producer.cli.progress import LINE_SECONDS, ProgressBars, ProgressLines, view
from producer.cli.watched import ExitCode, Watched, exit_code, line, watched
from producer.client.errors import ApiError, NotTheApi, ProducerUnavailable, RequestRefused
from producer.client.http import Reply
from wire.chunk_queue.run import OVER, RunState

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)


def _document(state: str = "delivering", **changes: Any) -> dict[str, Any]:
    books = {"selected": 1_000, "pending": 400, "applied": 590}
    deadline = "2026-11-23T23:30:00.000Z"
    return {"id": "5f2c", "export": "vip", "state": state, "books": books, "deadline": deadline} | changes


class Screen:
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def show(self, run: Watched) -> None:
        self.seen.append(f"{run.id} {run.state}")

    def waits(self, error: ProducerUnavailable) -> None:
        self.seen.append(f"waits: {error}")


def _follow(
    answers: Sequence[dict[str, Any] | ApiError], ids: Sequence[str] = ("5f2c",)
) -> tuple[list[str], list[float]]:
    """Follow over these answers, the last of them for ever, with a clock that only sleeping moves."""
    screen, slept = Screen(), list[float]()
    left: Iterator[dict[str, Any] | ApiError] = iter(answers)
    last = answers[-1]

    async def look(run_id: str) -> Reply:
        match next(left, last):
            case ApiError() as error:
                raise error
            case document:
                return Reply(b"", document | {"id": run_id})

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    ended = asyncio.run(follow(look, ids, screen, sleep=sleep, clock_seconds=lambda: sum(slept)))
    assert [reply.document["id"] for reply in ended] == list(ids)
    return screen.seen, slept


def test_a_run_is_followed_until_it_is_over() -> None:
    """Once a second."""
    seen, slept = _follow([_document("queued"), _document("delivering"), _document("succeeded")])
    assert seen == ["5f2c queued", "5f2c delivering", "5f2c succeeded"]
    assert slept == [POLL_SECONDS, POLL_SECONDS]


def test_of_several_runs_those_that_ended_are_left_alone() -> None:
    """And the answers come in the order of the question, a run named twice among them."""
    seen, _ = _follow([_document(), _document("failed"), _document("succeeded")], ids=("a", "b"))
    assert seen == ["a delivering", "b failed", "a succeeded"]
    seen, _ = _follow([_document("failed")], ids=("a", "a"))
    assert seen == ["a failed"]


def test_a_producer_that_is_away_is_waited_for_as_long_as_it_asks() -> None:
    """It is told, and the watching goes on."""
    seen, slept = _follow(
        [_document(), ProducerUnavailable("away", 7), ProducerUnavailable("away"), _document("partial")]
    )
    assert seen == ["5f2c delivering", "waits: away", "waits: away", "5f2c partial"]
    assert slept == [POLL_SECONDS, 7, POLL_SECONDS]


def test_a_producer_that_stays_away_is_given_up_and_time_it_was_there_does_not_count() -> None:
    """Patience begins anew with every answer."""
    with pytest.raises(ProducerUnavailable):
        _follow([ProducerUnavailable("away")])
    half = ProducerUnavailable("away", PATIENCE_SECONDS * 0.6)
    seen, _ = _follow([half, _document(), half, _document(), half, _document("succeeded")])
    assert seen[-1] == "5f2c succeeded"


def test_a_refusal_ends_the_watching_at_once() -> None:
    """A run that nobody knows never ends."""
    with pytest.raises(RequestRefused):
        _follow([RequestRefused(404, "There is no run.")])


@given(st.lists(st.sampled_from(sorted(OVER)), min_size=1))
def test_the_exit_code_is_that_of_the_worst_run(states: list[RunState]) -> None:
    """Zero means that everything succeeded, three that nothing is worse than partial."""
    code = exit_code(states)
    assert (code == ExitCode.SUCCEEDED) == all(state is RunState.SUCCEEDED for state in states)
    assert (code == ExitCode.OTHERWISE) == any(state not in {RunState.SUCCEEDED, RunState.PARTIAL} for state in states)


def test_no_run_at_all_is_no_success() -> None:
    """Somebody waited for one."""
    assert exit_code([]) is ExitCode.OTHERWISE


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "queued"}, "queued, deadline 23:30:00Z, 90 min from now"),
        ({}, "delivering, 590 of 1,000 applied, deadline 23:30:00Z, 90 min from now"),
        (
            {"projected_finish": "2026-11-23T23:00:00Z"},
            "delivering, 590 of 1,000 applied, finishes about 23:00:00Z, 30 min before the deadline",
        ),
        (
            {"projected_finish": "2026-11-24T00:30:00+00:00"},
            "delivering, 590 of 1,000 applied, finishes about 00:30:00Z, 60 min AFTER the deadline",
        ),
        (
            {"state": "blocked", "blocked": {"reason": "The key is refused."}},
            "blocked, 590 of 1,000 applied, The key is refused.; then: segment-export runs resume 5f2c",
        ),
        ({"state": "failed", "error": "Row 7\x1b[2J."}, "failed, 590 of 1,000 applied, Row 7\ufffd[2J."),
        ({"state": "succeeded"}, "succeeded, 590 of 1,000 applied"),
    ],
)
def test_a_line_says_how_far_a_run_is_and_how_it_stands_to_its_deadline(changes: dict[str, Any], said: str) -> None:
    """Or what is in its way."""
    assert line(watched(_document() | changes), NOW) == f"vip 5f2c: {said}"


@pytest.mark.parametrize("broken", [{}, _document("dancing"), _document(books=None), _document(deadline="soon")])
def test_a_document_that_is_no_run_is_not_the_api_s(broken: dict[str, Any]) -> None:
    """Rather than a trace."""
    with pytest.raises(NotTheApi):
        watched(broken)


def test_a_log_gets_a_line_when_something_changes_and_now_and_then() -> None:
    """A million lines would hide the one that matters."""
    written, at = list[str](), [0.0]
    lines = ProgressLines(written.append, now=lambda: NOW, clock_seconds=lambda: at[0])
    for at[0] in (0.0, 1.0, LINE_SECONDS, LINE_SECONDS + 1):
        lines.show(watched(_document()))
    lines.show(watched(_document("confirming")))
    assert [text.split()[2].strip(",") for text in written] == ["delivering", "delivering", "confirming"]


def test_a_log_hears_of_every_wait_once() -> None:
    """And of a long one now and then."""
    written, at = list[str](), [0.0]
    lines = ProgressLines(written.append, now=lambda: NOW, clock_seconds=lambda: at[0])
    for at[0] in (0.0, 1.0, LINE_SECONDS):
        lines.waits(ProducerUnavailable("away"))
    lines.show(watched(_document()))
    lines.waits(ProducerUnavailable("away again"))
    assert [text for text in written if "waiting" in text] == ["waiting: away"] * 2 + ["waiting: away again"]


def test_on_a_terminal_there_is_a_bar_that_moves() -> None:
    """It pulses until the survey has ended, and is full when every contact has its fate."""
    screen = io.StringIO()
    with view(Console(file=screen, force_terminal=True, width=160, height=20, _environ={"TERM": "xterm"})) as bars:
        assert isinstance(bars, ProgressBars)
        bars.show(watched(_document("surveying")))
        assert [one.total for one in bars._progress.tasks] == [None]
        bars.show(watched(_document()))
        assert [(one.completed, one.total) for one in bars._progress.tasks] == [(600, 1_000)]
        bars.waits(ProducerUnavailable("away"))
        assert [one.fields["outlook"] for one in bars._progress.tasks] == ["waiting: away"]
        bars.show(watched(_document("succeeded", books={"selected": 0, "pending": 0, "applied": 0})))
        assert all(one.finished for one in bars._progress.tasks)
    assert "vip succeeded" in screen.getvalue()


def test_a_terminal_that_cannot_move_its_cursor_is_a_log() -> None:
    """As an editor's or a build server's is."""
    with view(Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})) as lines:
        assert isinstance(lines, ProgressLines)


def test_in_a_pipe_there_are_lines() -> None:
    """Whole ones, however long."""
    screen = io.StringIO()
    with view(Console(file=screen, width=20)) as lines:
        lines.show(watched(_document(projected_finish=(NOW + timedelta(hours=1)).isoformat())))
    assert screen.getvalue().count("\n") == 1
