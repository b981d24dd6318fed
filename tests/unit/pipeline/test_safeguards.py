"""A run that is unlike the one before is stopped with every figure that is out of bounds; a small or ordinary one is not."""

from dataclasses import replace
from typing import Any

import pytest

from producer.accounts.contact_limit import ContactLimit
from producer.people.membership_summary import Summary
from producer.pipeline.safeguards import NUMBER, SurveyFigures, safeguard

BEFORE = Summary(runs={1: "an-id"}, read=20_000, nulls={"Email": 0, "Phone": 2_000})
ORDINARY = SurveyFigures(
    read=20_100, adds=300, changes=900, removals=200, members=20_000, nulls={"Email": 0, "Phone": 2_100}
)
SPEC: dict[str, Any] = {"brake": {}}


def reason(spec: dict[str, Any] = SPEC, before: Summary = BEFORE, **changes: Any) -> str | None:
    found = safeguard(replace(ORDINARY, **changes), before, spec, None)
    assert found is None or found.code == "brake"
    return found.reason if found else None


def test_an_ordinary_refresh_goes_on() -> None:
    """A few per cent of everything."""
    assert reason() is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"changes": 10_001}, "10001 of 20000 members would change"),
        ({"adds": 10_001}, "10001 would be added to 20000 members"),
        ({"removals": 10_001}, "10001 of 20000 members would be taken off"),
        ({"read": 9_999}, "the segment has 9999 rows instead of 20000"),
        ({"nulls": {"Email": 0, "Phone": 13_000}}, "13000 of 20100 rows have no 'Phone', instead of 2000 of 20000"),
    ],
)
def test_what_is_out_of_bounds_stops_the_run_with_its_figures(changes: dict[str, Any], told: str) -> None:
    """More than half of all, and more than so many."""
    assert told in str(reason(**changes))


def test_everything_that_is_out_of_bounds_is_told_at_once() -> None:
    """A person decides once."""
    told = str(reason(changes=15_000, read=5_000))
    assert "members would change" in told
    assert "rows instead of" in told


def test_a_small_list_may_change_as_a_whole() -> None:
    """What is below the number is mended by the next refresh in no time."""
    small = replace(BEFORE, read=1_000)
    assert reason(before=small, read=1, members=1_000, changes=1_000, adds=NUMBER, removals=1_000) is None


def test_a_changed_mapping_is_no_surprise() -> None:
    """Whoever changed it knows, and the forecast says so."""
    assert reason(changes=20_000, mapping_changed=True) is None


@pytest.mark.parametrize("before", [Summary(), replace(BEFORE, read=0)])
def test_the_first_run_is_never_stopped_by_it(before: Summary) -> None:
    """There is nothing to compare it with."""
    assert reason(before=before, adds=1_000_000, members=0) is None


def test_an_export_sets_its_own_thresholds_or_none() -> None:
    """Tighter, or off."""
    assert reason({"brake": {"share": 0.01, "number": 100}}) is not None
    assert reason({"brake": None}, changes=20_000, read=0) is None
    assert reason({}, changes=20_000) is not None, "a run opened before there were brakes has the default"


@pytest.mark.parametrize(("adds", "stops"), [(100, False), (101, True)])
def test_a_contract_that_cannot_hold_stops_any_run(adds: int, stops: bool) -> None:  # noqa: FBT001  drawn
    """The first one, too: ActiveCampaign may block the account's sending."""
    found = safeguard(replace(ORDINARY, adds=adds), Summary(), {"brake": None}, ContactLimit(limit=1_000, total=900))
    assert (found is not None and found.code == "contract") is stops
