"""Switches are read the same from a command line and from JSON; rules deal the same faults every time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.endpoints import Endpoint
from tests.sandbox.faults import Deck, Fault, Loss, rules
from tests.sandbox.readers import Span, Unreadable, span
from tests.sandbox.switches import BadSwitches, Switches, Throttle, as_json, changed

WISHES: dict[str, object] = {
    "imports_per_minute": "50",
    "requests_per_second": None,
    "throttle": 429,
    "odd_counts": True,
    "subscriber_limit": 1000,
    "batch_seconds": "6:20",
    "faults": ["forbidden:x3@info", "reset_after:0.05"],
    "batch_faults": "unknown:0.1",
}


def test_switches_are_read_from_text_and_from_json() -> None:
    """A number may come as either."""
    switches = changed(Switches(), WISHES)
    assert (switches.imports_per_minute, switches.requests_per_second) == (50, None)
    assert (switches.throttle, switches.batch_seconds) == (Throttle.TOO_MANY_429, Span(6, 20))
    assert [rule.kind for rule in switches.faults] == [Fault.FORBIDDEN, Fault.RESET_AFTER]
    assert [rule.kind for rule in switches.batch_faults] == [Loss.UNKNOWN]


def test_what_the_switches_say_of_themselves_sets_them_again() -> None:
    """A test may save them and put them back."""
    switches = changed(Switches(), WISHES)
    assert changed(Switches(), as_json(switches)) == switches
    assert changed(switches, as_json(Switches())) == Switches()


def test_every_problem_is_named_at_once_and_nothing_changes() -> None:
    """Unknown names and unreadable values alike."""
    bad = {
        "nonsense": 1,
        "window": "round",
        "retry_after_seconds": -1,
        "batch_seconds": "9:3",
        "odd_counts": "perhaps",
        "refuse_later": "(",
        "subscriber_limit": 1.5,
        "requests_per_second": 0,
        "latency_seconds": "nan",
        "keep_bodies": True,
    }
    with pytest.raises(BadSwitches) as caught:
        changed(Switches(), bad)
    assert set(caught.value.problems) == set(bad) - {"keep_bodies"}


@pytest.mark.parametrize("text", ["", "weird", "forbidden:", "forbidden:2", "forbidden:x", "forbidden@nowhere", 3])
def test_rules_that_are_none_are_refused(text: object) -> None:
    """With what a rule looks like."""
    with pytest.raises(Unreadable, match="expected"):
        rules(Fault)(text)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_span_is_written_as_it_is_read(one: float, other: float) -> None:
    """To the digits that anybody would type."""
    low, high = sorted((float(f"{one:g}"), float(f"{other:g}")))
    assert span(str(Span(low, high))) == Span(low, high)


def test_a_rule_with_times_strikes_so_often_and_no_more() -> None:
    """Only at its endpoint."""
    deck = Deck(rules(Fault)(["forbidden:x2@info"]), seed=0)
    calls = [Endpoint.IMPORT, Endpoint.INFO, Endpoint.INFO, Endpoint.INFO]
    assert [deck.deal(call) for call in calls] == [None, Fault.FORBIDDEN, Fault.FORBIDDEN, None]


def test_a_rule_with_a_probability_strikes_about_so_often_and_the_same_with_the_same_seed() -> None:
    """Another seed deals others."""

    def dealt(seed: int) -> list[Fault | None]:
        deck = Deck(rules(Fault)("cut:0.2"), seed)
        return [deck.deal(Endpoint.IMPORT) for _ in range(1000)]

    assert 150 < sum(fault is Fault.CUT for fault in dealt(1)) < 250
    assert dealt(1) == dealt(1)
    assert dealt(1) != dealt(2)


def test_adding_a_rule_does_not_change_what_the_others_deal() -> None:
    """Each has dice of its own."""
    alone = Deck(rules(Fault)(["cut:0.2"]), 1)
    together = Deck(rules(Fault)(["cut:0.2", "504:0.2@info"]), 1)
    assert [alone.deal(Endpoint.IMPORT) for _ in range(200)] == [together.deal(Endpoint.IMPORT) for _ in range(200)]
