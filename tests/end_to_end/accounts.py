"""ActiveCampaign accounts beside the stack's own: sandboxes as processes, each on a port of its own."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local import processes
from deploy.local.processes import Program
from deploy.local.stack import LOOPBACK, SANDBOX_PAGE, inherited, is_well
from deploy.local.valkey import free_port
from tests.end_to_end.calling import call


class Account:
    """An account of this name, with a key of its own; `options` are the sandbox's."""

    def __init__(self, name: str, *options: str) -> None:
        self.name = name
        self.key = f"key-of-{name}"
        self.host = f"{LOOPBACK}:{free_port()}"
        self._options = options

    def program(self) -> Program:
        """How its sandbox is started."""
        port = self.host.rpartition(":")[2]
        command = (sys.executable, "-m", "tests.sandbox", "--port", port, "--key", self.key, *self._options)
        return Program(self.name, command, inherited(), lambda: is_well(self.host, SANDBOX_PAGE))

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the sandbox says, or is told."""
        status, document = call(f"http://{self.host}/sandbox/{path}", "GET" if body is None else "POST", body)
        assert status < 300, document
        return document

    def subscribed(self, number: str = "12") -> set[str]:
        """Who is on a list."""
        return set(self.ask(f"lists/{number}/members")["subscribed"])


@contextmanager
def opened(directory: Path, accounts: Sequence[Account]) -> Iterator[None]:
    """Start the sandboxes of these accounts, and end them."""
    running = [processes.start(account.program(), directory) for account in accounts]
    try:
        for each in running:
            each.await_ready()
        yield
    finally:
        processes.stop(directory, [account.name for account in accounts])
        for each in running:
            each.reap()
