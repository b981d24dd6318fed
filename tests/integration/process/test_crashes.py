"""What a crash leaves behind: one line of JSON, no core file, no local variables and no address."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import logging, os, sys, threading
from wire.process import crashes, logs

logs.configure(logging.INFO, sys.stderr)
crashes.contain()

def fall(address):
    key = "canary-key"
    {how}

{start}
"""


def _run(how: str, start: str) -> "subprocess.CompletedProcess[str]":
    program = PROGRAM.format(how=how, start=start)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "start",
    [
        "fall('ann@example.org')",
        "thread = threading.Thread(target=fall, args=('ann@example.org',)); thread.start(); thread.join()",
    ],
)
def test_what_nobody_caught_is_one_line_of_the_log(start: str) -> None:
    """With the places, and without what was in the variables."""
    ended = _run("raise ValueError(f'odd: {address}\\nforged')", start)
    (line,) = ended.stderr.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"]) == ("crashed", "critical")
    assert told["exception"][0]["exc_value"] == "odd: [address]\nforged"
    assert "canary" not in line
    assert "ann@" not in line


def test_a_process_that_dies_leaves_no_core_file() -> None:
    """There, every key would be in clear; children are held to it, too."""
    child = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    ended = _run("pass", f"import subprocess; subprocess.run([sys.executable, '-c', {child!r}])")
    assert ended.stdout == "0\n"
