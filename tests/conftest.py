"""Decides for every test what happens where a program that it needs is missing: skipped at a desk, failed in CI."""

import os
import shutil
from collections.abc import Callable, Iterable
from typing import Final

import pytest
from hypothesis import settings

# Machines are busy with other things: how long an example takes says nothing about it.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

REQUIRE_PROGRAMS: Final = "SEGMENT_EXPORT_REQUIRE_PROGRAMS"
"""Set to 1 by `.ci/run`, which installs the programs: a skip there would be a test that nobody runs."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look for the programs named by `@pytest.mark.needs("program")`."""
    missing = missing_programs(item.iter_markers("needs"), shutil.which)
    if missing:
        leave = pytest.fail if os.environ.get(REQUIRE_PROGRAMS) == "1" else pytest.skip
        leave(f"not on PATH: {', '.join(missing)}")


def missing_programs(markers: Iterable[pytest.Mark], which: Callable[[str], str | None]) -> list[str]:
    """Return the programs that the markers name and `which` does not find, each once."""
    named = dict.fromkeys(str(program) for marker in markers for program in marker.args)
    return [program for program in named if which(program) is None]
