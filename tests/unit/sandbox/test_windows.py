"""The sandbox counts as strictly as it says: three kinds of window, and three limits decided together."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.limits import Exceeded, Limit, Limits, Weight
from tests.sandbox.switches import Switches, Window, changed
from tests.sandbox.windows import SlidingWindow, open_window

_ARRIVALS = st.lists(st.integers(0, 3000), max_size=60).map(lambda gaps: [gap / 1000 for gap in accumulate(gaps)])
_UNLIMITED = {"requests_per_second": None, "imports_per_minute": None, "single_imports_per_minute": None}


def _let_in(kind: Window, limit: float, period_seconds: float, arrivals: list[float]) -> list[float]:
    window = open_window(kind, limit, period_seconds)
    let_in = []
    for time in arrivals:
        if window.wait_seconds(time) == 0:
            window.book(time)
            let_in.append(time)
    return let_in


@given(_ARRIVALS, st.integers(1, 5))
def test_a_sliding_window_lets_in_exactly_what_a_count_by_hand_would(arrivals: list[float], limit: int) -> None:
    """A request gets in if and only if fewer than the limit got in during the period before it."""
    by_hand: list[float] = []
    for time in arrivals:
        if sum(before + 1 > time for before in by_hand) < limit:
            by_hand.append(time)
    assert _let_in(Window.SLIDING, limit, 1, arrivals) == by_hand


@given(_ARRIVALS, st.integers(1, 5))
def test_a_fixed_window_lets_in_the_limit_between_two_ticks_and_no_more(arrivals: list[float], limit: int) -> None:
    """What counts is the second on the clock."""
    let_in = _let_in(Window.FIXED, limit, 1, arrivals)
    for second in {int(time) for time in arrivals}:
        came = sum(int(time) == second for time in arrivals)
        assert sum(int(time) == second for time in let_in) == min(limit, came)


@given(_ARRIVALS, st.integers(1, 5))
def test_a_bucket_lets_in_what_it_holds_and_what_flows_in(arrivals: list[float], limit: int) -> None:
    """Over any stretch: a full bucket and what the stretch filled in."""
    let_in = _let_in(Window.BUCKET, limit, 1, arrivals)
    for begin, first in enumerate(let_in):
        for end, last in enumerate(let_in[begin:], start=begin):
            assert end - begin + 1 <= limit + (last - first) * limit + 1e-6


@pytest.mark.parametrize("kind", list(Window))
def test_a_window_has_room_again_when_it_said_it_would(kind: Window) -> None:
    """Its wait is neither too short nor, by more than rounding, too long."""
    window = open_window(kind, 3, 60)
    for _ in range(3):
        assert window.wait_seconds(7) == 0
        window.book(7)
    wait = window.wait_seconds(7)
    assert 0 < wait <= 60
    assert window.wait_seconds(7 + wait * 0.99) > 0
    assert window.wait_seconds(7 + wait) == pytest.approx(0, abs=1e-6)


def test_fixed_windows_let_twice_the_limit_through_around_a_tick_and_sliding_ones_do_not() -> None:
    """That is the difference a client has to survive."""
    arrivals = [0.9, 0.95, 1.0, 1.05]
    assert len(_let_in(Window.FIXED, 2, 1, arrivals)) == 4
    assert len(_let_in(Window.SLIDING, 2, 1, arrivals)) == 2


def test_half_a_request_a_minute_is_one_in_two() -> None:
    """Scaled limits may fall below one."""
    window = SlidingWindow(0.5, 60)
    window.book(0)
    assert window.wait_seconds(60) == 60
    assert window.wait_seconds(120) == 0


def test_the_published_limits_hold_by_default() -> None:
    """100 imports and 20 single ones a minute, 5 calls a second."""
    limits = Limits(Switches())
    assert [limits.ask(Weight.CALL, 0) for _ in range(5)] == [None] * 5
    assert limits.ask(Weight.CALL, 0.75) == Exceeded(Limit.REQUESTS, 0.25)
    limits = Limits(changed(Switches(), {"requests_per_second": None}))
    assert [limits.ask(Weight.SINGLE_IMPORT, 1) for _ in range(20)] == [None] * 20
    assert limits.ask(Weight.SINGLE_IMPORT, 1) == Exceeded(Limit.SINGLE_IMPORTS, 60)
    assert [limits.ask(Weight.IMPORT, 2) for _ in range(80)] == [None] * 80
    assert limits.ask(Weight.IMPORT, 3) == Exceeded(Limit.IMPORTS, 58)


def test_a_throttled_request_takes_no_room_anywhere() -> None:
    """One that is too much for the minute does not use up the second."""
    limits = Limits(changed(Switches(), {"imports_per_minute": 1, "requests_per_second": 2}))
    assert limits.ask(Weight.IMPORT, 0) is None
    assert limits.ask(Weight.IMPORT, 0.5) is not None
    assert limits.ask(Weight.IMPORT, 0.6) is not None
    assert limits.ask(Weight.CALL, 0.7) is None


def test_a_limit_that_is_lowered_counts_what_was_let_in_before() -> None:
    """Flipping a switch is no fresh start."""
    limits = Limits(Switches())
    for second in range(40):
        assert limits.ask(Weight.IMPORT, second) is None
    limits.set(changed(Switches(), {"imports_per_minute": 30}))
    assert limits.ask(Weight.IMPORT, 40) == Exceeded(Limit.IMPORTS, 30)


def test_no_limit_is_no_limit() -> None:
    """As for finding what a client can do when nobody holds it back."""
    limits = Limits(changed(Switches(), _UNLIMITED))
    assert all(limits.ask(Weight.SINGLE_IMPORT, 0) is None for _ in range(1000))


def test_a_promise_is_remembered_until_it_is_over_and_never_shortened() -> None:
    """The longest Retry-After that was told holds."""
    limits = Limits(Switches())
    limits.promise(30)
    limits.promise(20)
    assert limits.promised_seconds(10) == 20
    assert limits.promised_seconds(31) == 0
