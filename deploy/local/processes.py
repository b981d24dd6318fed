"""Starts programs as processes of their own and ends them, from here or from a later command; it knows none by name.

* ProcessError
  x AlreadyRunning   a process of that name lives in this directory.
  x EndedEarly       the program ended before it was ready; the message has the end of its log.
  x NotReady         the program lives and is not ready in time; the message has the end of its log.

Each program has a log and an id file in one directory. The process inherits a lock on its id file, so the lock goes when
the process does, however it goes: an id in a file that nobody locks is nobody's, and no stranger is ever signalled.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READY_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 30.0
LOOK_EVERY_SECONDS: Final = 0.05
TAIL_LINES: Final = 25


class ProcessError(Exception):
    """A program could not be brought up."""


class AlreadyRunning(ProcessError):
    """A process of this name lives in this directory."""


class EndedEarly(ProcessError):
    """The program ended by itself."""


class NotReady(ProcessError):
    """The program lives but did not become ready in time."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start under which name, and how to see that it is ready. `environment` is the whole environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool]


class Running:
    """A program that was started from here."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes], directory: Path) -> None:
        self.program = program
        self._process = process
        self._directory = directory

    def await_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when the program is ready. Raises EndedEarly and NotReady."""
        name = self.program.name
        if not _await(lambda: self._process.poll() is not None or self.program.is_ready(), seconds):
            raise NotReady(f"{name} was not ready within {seconds:.0f} s\n{tail(self._directory, name)}")
        self.check()

    def check(self) -> None:
        """Raise EndedEarly if the program has ended."""
        code = self._process.poll()
        if code is not None:
            name = self.program.name
            raise EndedEarly(f"{name} ended with code {code}\n{tail(self._directory, name)}")

    def reap(self) -> int:
        """Wait for the end of a program that was stopped, and return its exit code."""
        return self._process.wait()


def start(program: Program, directory: Path) -> Running:
    """Start a program as the leader of a process group of its own. Raises AlreadyRunning."""
    directory.mkdir(parents=True, exist_ok=True)
    with _log_file(directory, program.name).open("ab") as log, _id_file(directory, program.name).open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"{program.name} is running already in {directory}") from None
        process = subprocess.Popen(  # noqa: S603  our own programs, our own arguments
            program.command,
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(held.fileno(),),
        )
        held.truncate(0)
        held.write(str(process.pid))
    return Running(program, process, directory)


def running(directory: Path) -> list[str]:
    """Name the programs that live in this directory."""
    return sorted(file.stem for file in directory.glob("*.pid") if _is_held(file))


def stop(directory: Path, names: Sequence[str], grace_seconds: float = GRACE_SECONDS) -> None:
    """Ask programs to end, all at once; those that do not in time are killed with their whole groups.

    Nothing happens to one that has ended, or was never there.
    """
    files = [_id_file(directory, name) for name in names]
    pids = {file: int(file.read_text()) for file in files if _is_held(file)}
    for pid in pids.values():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    if not _await(lambda: not any(map(_is_held, pids)), grace_seconds):
        for pid in (pid for file, pid in pids.items() if _is_held(file)):
            os.killpg(pid, signal.SIGKILL)
        _await(lambda: not any(map(_is_held, pids)), grace_seconds)
    for file in files:
        file.unlink(missing_ok=True)


def kill(directory: Path, name: str) -> None:
    """Kill a program and all of its group, as a crash would."""
    file = _id_file(directory, name)
    if _is_held(file):
        os.killpg(int(file.read_text()), signal.SIGKILL)
        _await(lambda: not _is_held(file), GRACE_SECONDS)


def tell(directory: Path, name: str, number: signal.Signals) -> None:
    """Send a signal to a program and all of its group; nothing happens to one that has ended."""
    file = _id_file(directory, name)
    if _is_held(file):
        os.killpg(int(file.read_text()), number)


def tail(directory: Path, name: str) -> str:
    """Return the last lines of a program's log, indented."""
    file = _log_file(directory, name)
    lines = file.read_text(errors="replace").splitlines()[-TAIL_LINES:] if file.exists() else []
    return "\n".join([f"the end of {file}:", *(f"  {line}" for line in lines)])


def _await(happened: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > until:
            return False
        time.sleep(LOOK_EVERY_SECONDS)
    return True


def _is_held(file: Path) -> bool:
    try:
        with file.open() as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _id_file(directory: Path, name: str) -> Path:
    return directory / f"{name}.pid"


def _log_file(directory: Path, name: str) -> Path:
    return directory / f"{name}.log"
