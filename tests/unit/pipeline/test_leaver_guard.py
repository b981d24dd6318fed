"""Either figure stops an unsubscribe of many, never of a few, and nobody's address is told."""

from typing import Any

import pytest

from producer.pipeline.leaver_guard import by_hand, masked, too_many

SAMPLE = [f"person{number}@example.org" for number in range(20)]


@pytest.mark.parametrize(
    ("leavers", "members", "spec", "stops"),
    [
        (9, 9, {}, False),
        (10, 10, {}, True),
        (10, 200, {}, False),
        (11, 200, {}, True),
        (1_000, 1_000_000, {}, False),
        (1_001, 1_000_000, {}, True),
        (400, 400, {"leavers_guard": None}, False),
        (400, 400, {"leavers_guard": {"share": 1, "number": 500}}, False),
        (400, 4_000, {"leavers_guard": {"share": 1, "number": 399}}, True),
    ],
)
def test_either_figure_stops_a_run(leavers: int, members: int, spec: dict[str, Any], stops: bool) -> None:  # noqa: FBT001  drawn
    """Over 5 % or over 1,000, and never under 10."""
    assert (too_many(leavers, members, SAMPLE, spec) is not None) is stops


def test_the_figures_are_told_and_five_addresses_masked() -> None:
    """As they may stand in logs."""
    told = too_many(4_000, 4_000, SAMPLE, {})
    shown = ", ".join(f"p***{number}@e***.org" for number in range(5))
    assert told == f"4000 of 4000 members would be unsubscribed for good, among them {shown}"
    assert by_hand(0, 10, []) is None
    assert "1 of 10 members have left" in str(by_hand(1, 10, SAMPLE))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ann@example.org", "a***@e***.org"),
        ("a@b.museum", "a***@b***.museum"),
        ("ann.li@x.org", "a***i@x***.org"),
        ("odd", "***@o***.odd"),
    ],
)
def test_a_masked_address_is_nobodys(address: str, shown: str) -> None:
    """Three letters at the most, and the top-level domain."""
    assert masked(address) == shown
