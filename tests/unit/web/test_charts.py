"""Bars that add up, and charts that stay within their frame, whatever a run does."""

from hypothesis import given
from hypothesis import strategies as st

from producer.web.rendering.charts import (
    BAR_UNITS,
    BOTTOM,
    CHART_HEIGHT,
    CHART_WIDTH,
    LEAST_UNITS,
    LEFT,
    RIGHT,
    TICKS_MOST,
    TOP,
    bar,
    chart,
)
from wire.process.units import MINUTE_MS

COUNTS = st.dictionaries(st.sampled_from([*"abcdefgh"]), st.integers(0, 10**7), max_size=8)
MOMENTS = st.integers(1_700_000_000_000, 1_700_900_000_000)
SPANS = st.integers(0, 900_000_000)


@given(COUNTS)
def test_the_parts_of_a_bar_are_as_wide_as_the_bar(counts: dict[str, int]) -> None:
    """One begins where the one before ends, and what is there can be seen."""
    drawn = bar(counts)
    assert drawn.total == sum(counts.values())
    assert {piece.word: piece.count for piece in drawn.pieces} == {word: n for word, n in counts.items() if n}
    at = 0
    for piece in drawn.pieces:
        assert piece.x == at
        assert piece.width >= LEAST_UNITS
        at += piece.width
    assert at == (BAR_UNITS if drawn.total else 0)


def test_a_part_is_as_wide_as_its_share() -> None:
    """Three of a million are seen, and take nothing visible from the others."""
    drawn = {piece.word: piece.width for piece in bar({"applied": 750, "refused": 250}).pieces}
    assert drawn == {"applied": 750, "refused": 250}
    drawn = {piece.word: piece.width for piece in bar({"applied": 999_997, "refused": 3}).pieces}
    assert drawn == {"applied": 996, "refused": 4}


@given(MOMENTS, SPANS, SPANS, SPANS, st.none() | MOMENTS, st.floats(0, 1))
def test_a_chart_stays_within_its_frame(
    created: int, moving: int, age: int, budget: int, finish: int | None, share: float
) -> None:
    """And time goes from left to right."""
    moves, now, deadline = created + moving, created + age, created + budget + 1
    drawn = chart(created=created, moves=moves, now=now, deadline=deadline, share=share, finish=finish)
    points = [tuple(map(float, point.split(","))) for point in f"{drawn.done} {drawn.ahead}".split()]
    assert all(LEFT <= x <= CHART_WIDTH - RIGHT and TOP <= y <= CHART_HEIGHT - BOTTOM for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert len(drawn.ticks) <= TICKS_MOST + 1
    assert all(LEFT <= tick.x <= CHART_WIDTH - RIGHT for tick in drawn.ticks)
    assert bool(drawn.ahead) == (finish is not None and finish > now)
    assert drawn.deadline is None or LEFT <= drawn.deadline <= CHART_WIDTH - RIGHT


def test_a_run_that_will_be_late_is_drawn_past_its_deadline() -> None:
    """The deadline is where it is, and the foreseen end is to the right of it."""
    drawn = chart(
        created=0, moves=10 * MINUTE_MS, now=30 * MINUTE_MS, deadline=90 * MINUTE_MS, share=0.25, finish=120 * MINUTE_MS
    )
    assert drawn.is_late
    assert drawn.deadline is not None
    assert drawn.deadline < CHART_WIDTH - RIGHT
    assert drawn.ahead.endswith(f" {CHART_WIDTH - RIGHT}.0,{TOP}")
    assert [tick.count for tick in drawn.ticks] == [0, 30, 60, 90, 120]
    on_time = chart(created=0, moves=0, now=30 * MINUTE_MS, deadline=90 * MINUTE_MS, share=0.5, finish=60 * MINUTE_MS)
    assert not on_time.is_late
    assert on_time.deadline == CHART_WIDTH - RIGHT


def test_a_deadline_that_is_far_away_is_not_drawn() -> None:
    """A run of twenty seconds against ninety minutes would be nothing but a stroke."""
    drawn = chart(created=0, moves=2_000, now=10_000, deadline=90 * MINUTE_MS, share=0.5, finish=20_000)
    assert (drawn.deadline, drawn.is_late, drawn.in_seconds) == (None, False, True)
    assert [tick.count for tick in drawn.ticks] == [0, 5, 10, 15, 20, 25]
