"""`wire` holds what both programs load, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOADED = "import sys, {program}; print(*(name for name in sys.modules if name.partition('.')[0] in {folders!r}))"


def loaded_by(program: str, *folders: str) -> set[str]:
    """Import a program in a process of its own and return what it loads of these folders."""
    code = LOADED.format(program=program, folders=folders)
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("program", ["worker.app", "producer.app"])
def test_each_program_loads_all_of_wire(program: str) -> None:
    """A module that one of them does not need belongs to the other."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "wire").rglob("*.py")
    }
    assert modules - loaded_by(program, "wire") == set()


def test_a_worker_loads_nothing_of_the_producer() -> None:
    """They are deployed, scaled and restarted apart."""
    assert loaded_by("worker.app", "producer") == set()
