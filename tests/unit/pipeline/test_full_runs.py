"""One run in so many, or one after so many days, sends everybody: at the right turn and not before."""

from typing import Any

import pytest

from producer.people.membership_summary import Summary
from producer.pipeline.full_runs import mode_of_run
from tests.unit.records import NOW, SPEC, a_run
from wire.chunk_queue.run import Mode
from wire.process.units import DAY_MS
from wire.store import codec

KNOWN: dict[str, Any] = {"runs": {1: "an-id"}, "full_at": NOW}


def mode(summary: Summary, *, asked: str = "changes", begun: int = NOW, **options: Any) -> Mode:
    return mode_of_run(a_run(mode=asked, begun=begun, spec=codec.text({**SPEC, **options})), summary)


def test_what_is_asked_for_is_done() -> None:
    """Without a turn of its own, and with one."""
    assert mode(Summary(**KNOWN)) is Mode.CHANGES
    assert mode(Summary(**KNOWN), asked="full") is Mode.FULL


@pytest.mark.parametrize(("since_full", "expected"), [(0, "changes"), (1, "changes"), (2, "full"), (9, "full")])
def test_one_run_in_three_is_full(since_full: int, expected: str) -> None:
    """Two of changes, then a full one; a turn that a failed run missed is not lost."""
    assert mode(Summary(since_full=since_full, **KNOWN), full_every_runs=3) == expected


@pytest.mark.parametrize(("days", "expected"), [(6.9, "changes"), (7, "full"), (70, "full")])
def test_a_full_run_comes_when_its_days_are_over(days: float, expected: str) -> None:
    """Counted from the end of the last one."""
    assert mode(Summary(**KNOWN), begun=NOW + round(days * DAY_MS), full_every_days=7) == expected


def test_the_first_run_into_a_list_is_no_turn() -> None:
    """It sends everybody as it is."""
    assert mode(Summary(), full_every_runs=1, full_every_days=1) is Mode.CHANGES


def test_an_export_saved_before_there_were_turns_has_none() -> None:
    """Its runs' copies do not name them."""
    assert mode(Summary(since_full=99, full_at=NOW, runs={1: "an-id"}), begun=NOW + 400 * DAY_MS) is Mode.CHANGES
