"""The projection over whole runs, minute by minute: early where a run will be late, and quiet where it will not.

A run is played in chunks: how fast they are accepted, how long a batch takes and how many a minute the importer works off.
The producer looks every five seconds and projects from what it has seen so far, as it does for its metric.
"""

from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from producer.pipeline.forecast import Allowance, projected_finish
from producer.runs.throughput import RunProgress, measured, progress, window_ms
from tests.unit.records import NOW, a_run
from wire.process.units import MINUTE_MS

LOOK_MS: Final = 5_000
CHUNKS: Final = 4_000
EACH: Final = 250
BUDGET_MINUTES: Final = 90


class Play:
    """A million contacts against an account."""

    def __init__(
        self,
        *,
        sent_a_minute: Callable[[float], float] = lambda _: 99.2,
        batch_seconds: tuple[float, float] = (6, 20),
        drained_a_minute: float | None = None,
    ) -> None:
        self._sent_a_minute = sent_a_minute
        self._batch_seconds = batch_seconds
        self._drained_a_minute = drained_a_minute
        self._dice = Random(7)

    def late_from(self) -> tuple[float | None, float]:
        """The minute from which the projection says for good that it will be late, and the minute at which it ends."""
        late: float | None = None
        samples: list[RunProgress] = []
        ends: list[int] = []
        sent, now, turn = 0.0, NOW, float(NOW)
        while True:
            now += LOOK_MS
            sent = min(CHUNKS, sent + self._sent_a_minute((now - NOW) / MINUTE_MS) * LOOK_MS / MINUTE_MS)
            while len(ends) < int(sent):
                turn = max(now, turn + (MINUTE_MS / self._drained_a_minute if self._drained_a_minute else 0))
                ends.append(round(turn + 1000 * self._dice.uniform(*self._batch_seconds)))
            done = sum(end <= now for end in ends)
            if done == CHUNKS:
                return late, (now - NOW) / MINUTE_MS
            run = a_run(
                begun=NOW, surveyed=NOW, first_import=NOW, read=CHUNKS * EACH, selected=CHUNKS * EACH,
                applied=done * EACH, accepted=int(sent) * EACH, accepted_chunks=int(sent) - done,
                forecast=f'{{"requests":{CHUNKS}}}', deadline=NOW + BUDGET_MINUTES * MINUTE_MS,
            )  # fmt: skip
            sample = progress(run, now)
            assert sample is not None
            samples = [each for each in [*samples, sample] if now - each.at <= window_ms(run)]
            finish = projected_finish(
                run, now=now, allowance=Allowance(100), measured=measured(samples, window_ms(run))
            )
            assert finish is not None
            if finish <= run.deadline:
                late = None
            elif late is None:
                late = (now - NOW) / MINUTE_MS


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(Play(), id="at the published limit"),
        pytest.param(Play(batch_seconds=(600, 700)), id="ten minutes a batch, many at once"),
        pytest.param(Play(drained_a_minute=60), id="an importer at 60 a minute"),
        pytest.param(
            Play(sent_a_minute=lambda minute: 0 if 10 <= minute < 13 else 99.2), id="three minutes of silence"
        ),
        pytest.param(Play(sent_a_minute=lambda minute: 0 if minute < 1 else 99.2), id="a minute until the first"),
    ],
)
def test_a_run_that_will_be_in_time_is_never_called_late(play: Play) -> None:
    """Not for a moment."""
    late, ended = play.late_from()
    assert ended < BUDGET_MINUTES
    assert late is None


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(Play(sent_a_minute=lambda _: 30), id="an account that takes 30 a minute"),
        pytest.param(Play(drained_a_minute=30), id="an importer at 30 a minute"),
        pytest.param(Play(drained_a_minute=30, batch_seconds=(120, 300)), id="the same, and minutes a batch"),
    ],
)
def test_a_run_that_will_be_late_is_called_so_within_a_tenth_of_its_budget(play: Play) -> None:
    """And stays so."""
    late, ended = play.late_from()
    assert ended > BUDGET_MINUTES
    assert late is not None
    assert late < BUDGET_MINUTES / 10


def test_an_account_that_becomes_slow_is_found_out_within_minutes() -> None:
    """After twenty good ones: the mean of the whole run would take half an hour to tell."""
    late, ended = Play(sent_a_minute=lambda minute: 99.2 if minute < 20 else 15).late_from()
    assert ended > BUDGET_MINUTES
    assert late is not None
    assert late < 26
