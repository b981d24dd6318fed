"""Runs the programs of an installation as a container would: a user who owns nothing, a tree that nobody can write to.

There is no container engine in CI. What an image promises is tried on the installation it would hold: producer, worker and
sandbox come up, answer their probes, write nothing beside `/tmp`, and end in order when they are told to.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from cryptography.fernet import Fernet

from deploy.local.stack import is_well
from deploy.local.valkey import Valkey, free_port
from wire.process.settings import PREFIX

NOBODY: Final = 65_534
INTERPRETERS: Final = (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3")
NEW_ENOUGH: Final = "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"
READY_SECONDS: Final = 30.0
LOOK_EVERY_SECONDS: Final = 0.1
TESTS: Final = Path(__file__).parents[1] / "tests"


def interpreter() -> str:
    """Find a Python that the unprivileged user may run: root's own is often in a home that nobody else can enter."""
    for python in INTERPRETERS:
        try:
            subprocess.run([python, "-c", NEW_ENOUGH], check=True, cwd="/", capture_output=True, **_as_nobody())  # noqa: S603  ours
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    raise SystemExit(f"none of {', '.join(INTERPRETERS)} is a Python of 3.11 or later that user {NOBODY} may run")


def run_all(directory: Path) -> str:
    """Run the programs from `directory`/venv, and say how it went; SystemExit if it did not go well."""
    _add_sandbox(directory / "sandbox")
    _close(directory)
    before = _files(directory)
    with ExitStack() as stack:
        stack.callback(_open_again, directory)
        valkey = Valkey(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="segment-export-valkey-"))))
        valkey.start()
        stack.callback(valkey.stop)
        started = [
            (pages, _start(directory, command, settings)) for pages, command, settings in _programs(directory, valkey)
        ]
        for _, process in started:
            stack.callback(process.kill)
        for pages, process in started:
            _await_ready(pages, process)
        codes = [_end(process) for _, process in started]
        left = _files(directory) - before
    if any(codes):
        raise SystemExit(f"told to end, producer, worker and sandbox ended with {codes}")
    if left:
        raise SystemExit(f"written to a tree that is read-only in a container: {sorted(map(str, left))}")
    who = _as_nobody().get("user", os.getuid())
    return f"producer, worker and sandbox ran as user {who} from a read-only tree, and ended when told to"


def _programs(directory: Path, valkey: Valkey) -> list[tuple[list[str], tuple[str, ...], dict[str, str]]]:
    """The pages by which each is ready, its command, and its settings."""
    producer, worker, sandbox = (f"127.0.0.1:{free_port()}" for _ in range(3))
    shared = {
        "REDIS_URL": valkey.url(0),
        "QUEUE_URL": valkey.url(1),
        "SECRET_KEYS": Fernet.generate_key().decode(),
    }
    serving = shared | {"LISTEN": producer, "ADMIN_TOKEN": secrets.token_urlsafe(32)}
    working = shared | {"METRICS_PORT": _port(worker)}
    programs = directory / "venv" / "bin"
    python = str(programs / "python")
    return [
        ([f"{producer}/healthz", f"{producer}/readyz"], (str(programs / "segment-export"), "serve"), serving),
        ([f"{worker}/healthz", f"{worker}/readyz"], (python, "-m", "worker"), working),
        ([f"{sandbox}/sandbox/totals"], (python, "-m", "tests.sandbox", "--port", _port(sandbox)), {}),
    ]


def _add_sandbox(to: Path) -> None:
    """Lay the sandbox beside the programs, as the Dockerfile does."""
    shutil.copytree(TESTS / "sandbox", to / "tests" / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TESTS / "__init__.py", to / "tests")


def _close(directory: Path) -> None:
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    directory.chmod(0o555)


def _open_again(directory: Path) -> None:
    """Let whoever made the tree remove it."""
    for path in (directory, *directory.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def _start(directory: Path, command: tuple[str, ...], settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    environment = {PREFIX + name: value for name, value in settings.items()}
    environment |= {"PYTHONPATH": str(directory / "sandbox"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(command, cwd="/", env=environment, **_as_nobody())  # noqa: S603  ours


def _as_nobody() -> dict[str, Any]:
    """Who runs a program: nobody, where that can be arranged; at a desk whoever is there, who is no root either."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


def _await_ready(pages: list[str], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_SECONDS
    while not all(is_well(*_parted(page)) for page in pages):
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"{process.args!r} did not answer at {pages}; it ended with {process.poll()}")
        time.sleep(LOOK_EVERY_SECONDS)


def _parted(page: str) -> tuple[str, str]:
    address, _, path = page.partition("/")
    return address, f"/{path}"


def _end(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    return process.wait(READY_SECONDS)


def _files(directory: Path) -> set[Path]:
    return set(directory.rglob("*"))


def _port(address: str) -> str:
    return address.rpartition(":")[2]
