"""The local stack as a person starts it, and a small demo in it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from deploy.local import processes
from deploy.local.demo import demonstrate
from deploy.local.stack import Plan, Stack, is_well


def test_the_stack_comes_up_ready_and_leaves_nothing_running(tmp_path: Path) -> None:
    """Everything answers inside, nothing lives after."""
    with Stack(Plan(tmp_path, snapshots=tmp_path)) as stack:
        assert processes.running(tmp_path) == ["producer", "sandbox", "valkey", "worker-1", "worker-2"]
        assert is_well(stack.producer, "/readyz")
        assert is_well(stack.producer, "/metrics")
    assert processes.running(tmp_path) == []
    assert not is_well(stack.producer, "/readyz")


def test_a_program_that_cannot_start_takes_the_stack_with_it(tmp_path: Path) -> None:
    """Its own words are shown, and what was started before it is ended."""
    plan = Plan(tmp_path, snapshots=tmp_path, sandbox=None, settings={"BUDGET_MINUTES": "soon"})
    with pytest.raises(processes.EndedEarly, match="BUDGET_MINUTES must be a number"):
        Stack(plan).start()
    assert processes.running(tmp_path) == []


def test_a_small_demo_ends_as_expected() -> None:
    """Two hundred made-up people, one import: the outcome is what the segment was made for."""
    written = io.StringIO()
    assert demonstrate(200, Console(file=written, width=200)) == 0, written.getvalue()
    assert "Everything is as expected." in written.getvalue()
