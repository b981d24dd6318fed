"""What is warned of: segments that were never seen, exports that never ran, snapshots that have grown old."""

from dataclasses import replace

import pytest

from producer.registry.model import Segment
from producer.registry.staleness import WarningCode, has_lasted, of_export, of_segment
from tests.integration.serving import export
from wire.process.units import HOUR_MS

NOW = 1_795_435_200_000
VIP = export("vips", created=NOW - 100 * HOUR_MS)
FRESH = Segment("vip", "/s/a.csv", refreshed=NOW - HOUR_MS, accepted=NOW - HOUR_MS, exports=("vips",))
OLD = replace(FRESH, refreshed=NOW - 27 * HOUR_MS, accepted=NOW - 27 * HOUR_MS)
UNSEEN = Segment("vip", exports=("vips",))


def codes(*, segment: Segment = FRESH, has_run: bool = True, **changes: object) -> list[str]:
    """The warnings of an export, by their codes."""
    found = of_export(replace(VIP, **changes), segment, has_run=has_run, now=NOW, default_hours=26)  # type: ignore[arg-type]
    return [each.code for each in found]


def test_an_export_that_runs_on_fresh_data_is_not_warned_of() -> None:
    """Up to the last millisecond."""
    assert codes() == []
    assert codes(segment=replace(FRESH, refreshed=NOW - 26 * HOUR_MS)) == []


def test_each_kind_of_age_has_a_code_and_a_sentence() -> None:
    """With the figures in it."""
    assert codes(segment=UNSEEN, has_run=False) == ["segment_never_seen"]
    assert codes(has_run=False) == ["export_never_ran"]
    assert codes(segment=OLD, has_run=False) == ["export_never_ran", "snapshot_old"]
    (old,) = of_export(VIP, OLD, has_run=True, now=NOW, default_hours=26)
    assert old.detail == "segment 'vip' was last refreshed 27 hours ago: after 26 hours it counts as old"
    assert old.since == NOW - HOUR_MS


def test_an_export_says_how_old_is_old_for_itself() -> None:
    """Weekly ones are fine with a week."""
    assert codes(segment=OLD, stale_after_hours=180.0) == []
    assert codes(segment=FRESH, stale_after_hours=0.5) == ["snapshot_old"]


@pytest.mark.parametrize("off", [{"enabled": False}, {"connection": None}])
def test_an_export_that_does_not_run_by_itself_is_not_warned_of(off: dict[str, object]) -> None:
    """Disabled or detached, somebody has decided so."""
    assert codes(segment=UNSEEN, has_run=False, **off) == []


def test_a_segment_is_as_old_as_the_most_exacting_of_its_exports_says() -> None:
    """One that no export names goes by the settings."""
    weekly, hourly = replace(VIP, stale_after_hours=180.0), replace(VIP, name="b", stale_after_hours=0.5)
    both = {"vips": weekly, "b": hourly}
    assert [each.code for each in of_segment(OLD, {"vips": weekly}, now=NOW, default_hours=26)] == []
    two = replace(FRESH, exports=("b", "vips"))
    assert [each.code for each in of_segment(two, both, now=NOW, default_hours=26)] == [WarningCode.SNAPSHOT_OLD]
    alone = replace(OLD, exports=())
    assert [each.code for each in of_segment(alone, both, now=NOW, default_hours=26)] == [WarningCode.SNAPSHOT_OLD]
    assert [each.code for each in of_segment(UNSEEN, {}, now=NOW, default_hours=26)] == [WarningCode.SEGMENT_NEVER_SEEN]


def test_what_never_came_is_worth_a_message_when_it_had_the_time_to_come() -> None:
    """An export that was just saved is no news; an old snapshot is at once."""
    for created, lasted in ((NOW - 25 * HOUR_MS, False), (NOW - 26 * HOUR_MS, True)):
        young = replace(VIP, created=created)
        (unseen,) = of_export(young, UNSEEN, has_run=False, now=NOW, default_hours=26)
        assert has_lasted(unseen, young, now=NOW, default_hours=26) is lasted
    (old,) = of_export(VIP, OLD, has_run=True, now=NOW, default_hours=26)
    assert has_lasted(old, VIP, now=NOW, default_hours=26)
