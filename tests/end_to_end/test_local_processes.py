"""Real processes with logs and id files, started and ended."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.processes import AlreadyRunning, EndedEarly, NotReady, Program, Running, running, start, stop

WAITS = "import time; print('here', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"


def _program(script: str, is_ready: Callable[[], bool] = lambda: True) -> Program:
    return Program("program", (sys.executable, "-c", script), {}, is_ready)


def _ready(directory: Path, script: str) -> Running:
    """Start a program that says `here` when it is."""
    log = directory / "program.log"
    started = start(_program(script, lambda: "here" in log.read_text()), directory)
    started.await_ready()
    return started


def test_a_program_is_known_by_its_file_until_it_is_stopped(tmp_path: Path) -> None:
    """A later command finds it, and ends it, by the file alone."""
    started = _ready(tmp_path, WAITS)
    assert running(tmp_path) == ["program"]
    stop(tmp_path, ["program"])
    assert running(tmp_path) == []
    assert started.reap() == -signal.SIGTERM


def test_a_program_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """Nothing is left running."""
    started = _ready(tmp_path, DEAF)
    stop(tmp_path, ["program"], grace_seconds=0.2)
    assert started.reap() == -signal.SIGKILL


def test_a_file_of_a_program_that_has_ended_is_nobodys(tmp_path: Path) -> None:
    """The number in it may be a stranger's by now, who is not signalled."""
    start(_program("pass"), tmp_path).reap()
    file = tmp_path / "program.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        file.write_text(str(stranger.pid))
        assert running(tmp_path) == []
        stop(tmp_path, ["program"])
        stranger.communicate(b"\n")
    assert stranger.returncode == 0
    assert not file.exists()


def test_two_programs_of_one_name_do_not_live_in_one_directory(tmp_path: Path) -> None:
    """Two servers on one log would be the end of both."""
    started = _ready(tmp_path, WAITS)
    with pytest.raises(AlreadyRunning):
        start(_program(WAITS), tmp_path)
    stop(tmp_path, ["program"])
    started.reap()


def test_a_program_that_ends_early_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """The reason is where the person looks."""
    started = start(_program("raise SystemExit('no such port')", lambda: False), tmp_path)
    with pytest.raises(EndedEarly, match="no such port"):
        started.await_ready()


def test_a_program_that_is_never_ready_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    """The message names it."""
    started = start(_program(WAITS, lambda: False), tmp_path)
    with pytest.raises(NotReady, match="program was not ready"):
        started.await_ready(seconds=0.1)
    stop(tmp_path, ["program"])
    started.reap()
