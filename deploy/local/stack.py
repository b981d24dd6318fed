"""What the local stack is: Valkey, the sandbox, the producer and workers, each with its settings, on free ports.

It says what is started with which settings, and in which order; `processes` starts and ends it.
"""

import os
import secrets
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cryptography.fernet import Fernet

from deploy.local import processes
from deploy.local.processes import Program, Running
from deploy.local.valkey import answers, free_port, valkey_command
from wire.process.settings import PREFIX

ROOT: Final = Path(__file__).parents[2]
LOOPBACK: Final = "127.0.0.1"
OUTSIDE: Final = ("sandbox", "valkey")
"""The programs that are not ours, or stand in for somebody else's."""

WORKER_THREADS: Final = 16
ANSWER_SECONDS: Final = 5.0
SANDBOX_PAGE: Final = "/sandbox/totals"

RECORD_DATABASE: Final = 0
QUEUE_DATABASE: Final = 1


@dataclass(frozen=True, slots=True)
class Secrets:
    """What encrypts API keys, what opens the API, and the sandbox's API key; kept as long as the record is."""

    secret_key: str = field(default_factory=lambda: Fernet.generate_key().decode(), repr=False)
    admin_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    sandbox_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start, and where.

    Logs and id files lie in `directory`, the record in `directory/valkey`; snapshots are read below `snapshots` only.
    `sandbox` holds the sandbox's options; None leaves it out, for a real account. `settings` are further settings of the
    producer and the workers, without their prefix. `python_path` holds further folders that they import from.
    """

    directory: Path
    snapshots: Path
    secrets: Secrets = field(default_factory=Secrets)
    sandbox: tuple[str, ...] | None = ()
    workers: int = 2
    producer_port: int = field(default_factory=free_port)
    settings: Mapping[str, str] = field(default_factory=dict)
    python_path: tuple[Path, ...] = ()


class Stack:
    """A local stack: its addresses as `host:port`, before it is up too; as a context it is up inside and ended after."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.producer = f"{LOOPBACK}:{plan.producer_port}"
        self.sandbox = f"{LOOPBACK}:{free_port()}"
        self.workers = tuple(f"{LOOPBACK}:{free_port()}" for _ in range(plan.workers))
        self.valkey_port = free_port()
        self._running: list[Running] = []

    def start(self) -> None:
        """Start everything and return when all of it is ready; ProcessError if it is not, and nothing is left running."""
        (self.plan.directory / "valkey").mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            undo.callback(self.stop)
            for stage in self._stages():
                for program in stage:
                    self._running.append(processes.start(program, self.plan.directory))
                for each in self._running[-len(stage) :]:
                    each.await_ready()
            undo.pop_all()

    def check(self) -> None:
        """Raise EndedEarly if one of the programs has ended."""
        for each in self._running:
            each.check()

    def kill(self, name: str) -> None:
        """Kill one of the programs without a farewell; it is not missed by `check` afterwards."""
        processes.kill(self.plan.directory, name)
        self._forget(name)

    def end(self, name: str) -> int:
        """Ask one of the programs to end and wait until it has; return its exit code. `check` does not miss it."""
        processes.stop(self.plan.directory, [name])
        return self._forget(name)

    def freeze(self, name: str) -> None:
        """Let one of the programs stand still: it holds its connections and answers nobody."""
        processes.tell(self.plan.directory, name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        processes.tell(self.plan.directory, name, signal.SIGCONT)

    def restart(self, name: str) -> None:
        """Start a program that was killed, with the settings it had, and return when it is ready."""
        (program,) = (each for stage in self._stages() for each in stage if each.name == name)
        self._running.append(processes.start(program, self.plan.directory))
        self._running[-1].await_ready()

    def _forget(self, name: str) -> int:
        (ended,) = (each for each in self._running if each.program.name == name)
        self._running.remove(ended)
        return ended.reap()

    def stop(self) -> None:
        """End what was started."""
        stop(self.plan.directory)
        while self._running:
            self._running.pop().reap()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _stages(self) -> tuple[tuple[Program, ...], ...]:
        """Everything to start; the programs of a stage need those of the stages before, and not each other."""
        outside = (self._valkey(),) if self.plan.sandbox is None else (self._valkey(), self._sandbox(self.plan.sandbox))
        ours = (self._producer(), *(self._worker(number) for number in range(1, self.plan.workers + 1)))
        return outside, ours

    def _valkey(self) -> Program:
        port = self.valkey_port
        command = valkey_command(self.plan.directory / "valkey", port)
        return Program("valkey", command, inherited(), lambda: answers(port))

    def _sandbox(self, options: tuple[str, ...]) -> Program:
        key_file = self.plan.directory / "sandbox.key"
        write_private(key_file, self.plan.secrets.sandbox_key)
        command = _module("tests.sandbox", "--port", _port(self.sandbox), "--key-file", str(key_file), *options)
        return Program("sandbox", command, inherited(), lambda: is_well(self.sandbox, SANDBOX_PAGE))

    def another_producer(self, name: str) -> str:
        """Start one more producer on the same record; return its address. It is ended with the stack."""
        address = f"{LOOPBACK}:{free_port()}"
        self._running.append(processes.start(self._producer(name, address), self.plan.directory))
        self._running[-1].await_ready()
        return address

    def _producer(self, name: str = "producer", address: str | None = None) -> Program:
        listens = address or self.producer
        told = {
            "LISTEN": listens,
            "ADMIN_TOKEN": self.plan.secrets.admin_token,
            "SNAPSHOT_ROOTS": str(self.plan.snapshots),
        }
        command = _module("producer", "serve")
        return Program(name, command, self._environment(told), lambda: is_well(listens, "/readyz"))

    def _worker(self, number: int) -> Program:
        address = self.workers[number - 1]
        command = _module("worker", "--processes", "1", "--threads", str(WORKER_THREADS))
        environment = self._environment({"METRICS_PORT": _port(address)})
        return Program(f"worker-{number}", command, environment, lambda: is_well(address, "/metrics"))

    def _environment(self, told: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of one of our programs: settings of the person's own shell do not reach it."""
        store = f"redis://{LOOPBACK}:{self.valkey_port}"
        shared = {
            "REDIS_URL": f"{store}/{RECORD_DATABASE}",
            "QUEUE_URL": f"{store}/{QUEUE_DATABASE}",
            "SECRET_KEYS": self.plan.secrets.secret_key,
        }
        if self.plan.sandbox is not None:
            shared["TRUSTED_HOSTS"] = self.sandbox
        settings = {**shared, **told, **self.plan.settings}
        path = os.pathsep.join(map(str, (*self.plan.python_path, ROOT)))
        return inherited() | {"PYTHONPATH": path} | {PREFIX + name: value for name, value in settings.items()}


def stop(directory: Path) -> list[str]:
    """End the stack of a directory, whoever started it: our programs first, then what they stand on; name what was ended."""
    there = processes.running(directory)
    ours = [name for name in there if name not in OUTSIDE]
    outside = [name for name in there if name in OUTSIDE]
    processes.stop(directory, ours)
    processes.stop(directory, outside)
    return [*ours, *outside]


def write_private(file: Path, text: str) -> None:
    """Write a secret that only this user may read."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text)


def is_well(address: str, path: str) -> bool:
    """Tell whether a program answers at this address, and with 200."""
    connection = HTTPConnection(address, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def inherited() -> dict[str, str]:
    """The environment of a program: this process's, without settings of ours that a person has in their own shell."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return theirs | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *arguments)


def _port(address: str) -> str:
    return address.rpartition(":")[2]
