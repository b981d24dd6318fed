"""A run's pace is that of its last minutes, believed when enough has happened, and never endless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.runs.throughput import LONGEST_WINDOW_MS, RunProgress, chunk_contacts, measured, progress, window_ms
from tests.unit.records import NOW, a_run, block_record

MINUTE_MS = 60_000
WINDOW = float(LONGEST_WINDOW_MS)


def samples(*counts: tuple[float, float], every_ms: int = 5_000) -> list[RunProgress]:
    """Samples five seconds apart."""
    return [RunProgress(NOW + at * every_ms, sent, done) for at, (sent, done) in enumerate(counts)]


def test_a_pace_is_chunks_over_time() -> None:
    """100 a minute sent, and half of them done."""
    found = measured(samples(*[(at * 100 / 12, 1 + at * 50 / 12) for at in range(13)]), WINDOW)
    assert found.sent == pytest.approx(100 / MINUTE_MS)
    assert found.done == pytest.approx(50 / MINUTE_MS)


def test_only_the_last_minutes_count() -> None:
    """What was fast an hour ago and is slow now is slow."""
    fast = [(at * 10.0, at * 10.0 + 1) for at in range(100)]
    slow = [(1000.0 + at, 1001.0 + at) for at in range(61)]
    found = measured(samples(*fast, *slow), WINDOW)
    assert found.sent == pytest.approx(1 / 5_000)
    assert found.done == pytest.approx(1 / 5_000)


def test_one_or_two_chunks_say_nothing_yet() -> None:
    """The first request of a run may be slow."""
    assert measured(samples(*[(1, 0)] * 20), WINDOW).sent is None
    assert measured([], WINDOW) == measured(samples((0, 0)), WINDOW)


def test_a_whole_window_with_nothing_is_slow_and_not_endless() -> None:
    """Somebody has to be told."""
    found = measured(samples(*[(7, 3)] * 61), WINDOW)
    assert found.sent == found.done == pytest.approx(0.5 / WINDOW)


def test_while_no_batch_has_ended_how_fast_they_do_is_not_known() -> None:
    """An importer that takes ten minutes for each may take all of them at once."""
    assert measured(samples(*[(at * 8, 0) for at in range(61)]), WINDOW).done is None


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=90))
def test_a_pace_is_never_nought_nor_below(steps: list[tuple[float, float]]) -> None:
    """So that a projection can be divided by it; chunks that were split may even go back."""
    found = measured(samples(*steps), WINDOW)
    assert found.sent is None or found.sent > 0
    assert found.done is None or found.done > 0


def test_a_window_is_a_part_of_the_budget() -> None:
    """Of 90 minutes five, of three minutes half a one."""
    assert window_ms(a_run()) == LONGEST_WINDOW_MS
    assert window_ms(a_run(deadline=NOW + 3 * MINUTE_MS)) == 30_000
    assert window_ms(a_run(deadline=NOW + 10 * MINUTE_MS)) == 60_000


def test_a_sample_counts_chunks_sent_and_ended() -> None:
    """In chunks of the run's own size."""
    run = a_run(accepted_chunks=2, begun=NOW, surveyed=NOW, selected=1000, applied=250, forecast='{"requests":4}')
    assert chunk_contacts(run) == 250
    assert progress(run, NOW + 5) == RunProgress(NOW + 5, 3, 1)


@pytest.mark.parametrize("fields", [{"paused": 1}, {"finished": NOW}, {"forecast": None}, {"blocks": [block_record()]}])
def test_a_run_that_stands_is_not_measured(fields: dict[str, object]) -> None:
    """Two hours of pause are no slow account."""
    said = {"begun": NOW, "surveyed": NOW, "selected": 1000, "forecast": '{"requests":4}'} | fields
    assert progress(a_run(**said), NOW) is None  # type: ignore[arg-type]
