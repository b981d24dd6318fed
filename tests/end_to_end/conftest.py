"""The local stack under test: real processes, driven over HTTP as a platform, an administrator and an operator would."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser

from deploy.local.stack import Plan, Stack
from tests.end_to_end.browsing import chromium
from tests.end_to_end.calling import call

LOOK_SECONDS: Final = 0.1
RUN_SECONDS: Final = 90.0

FAST: Final = {"imports_per_minute": 3000, "single_imports_per_minute": 600, "requests_per_second": 200}
"""Limits at which a small run takes seconds; both ends are told."""

FAST_SANDBOX: Final = (
    *("--imports-per-minute", "3000", "--single-imports-per-minute", "600", "--requests-per-second", "200"),
    *("--batch-seconds", "0.2:0.6", "--keep-bodies"),
)

MAPPING: Final = {"email": "Email", "first_name": "First", "last_name": "Last", "phone": "Phone"}


class Platform:
    """A stack with the calls that its users make."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.snapshots = stack.plan.snapshots
        self.events = 0

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        """Call the API; return status and document."""
        headers = {"Authorization": f"Bearer {token or self.stack.plan.secrets.admin_token}"}
        return call(f"http://{self.stack.producer}{path}", method, body, headers)

    def get(self, path: str) -> Any:
        """What must be there."""
        status, document = self.call("GET", path)
        assert status == 200, document
        return document

    def sandbox(self, path: str, body: Any = None) -> Any:
        """What the sandbox says, or is told."""
        status, document = call(f"http://{self.stack.sandbox}/sandbox/{path}", "POST" if body else "GET", body, {})
        assert status < 300, document
        return document

    def connect(self, name: str = "main", **changes: Any) -> tuple[int, Any]:
        """Save a connection to the sandbox."""
        body = {
            "name": name,
            "host": self.stack.sandbox,
            "api_key": self.stack.plan.secrets.sandbox_key,
            "consent": True,
            "limits": FAST,
        }
        return self.call("POST", "/v1/connections", body | changes)

    def export(self, name: str = "vip", **changes: Any) -> tuple[int, Any]:
        """Save an export of the segment of its name."""
        body = {"name": name, "connection": "main", "segment": name, "list_id": "12", "mapping": MAPPING}
        return self.call("POST", "/v1/exports", body | changes)

    def event(self, snapshot: Path, segment: str = "vip", **changes: Any) -> dict[str, Any]:
        """A new event."""
        self.events += 1
        return {
            "specversion": "1.0",
            "type": "segment.refreshed",
            "source": "/cdp",
            "id": f"event-{self.events}",
            "subject": segment,
            "data": {"segment": segment, "snapshot": str(snapshot)},
        } | changes

    def publish(self, snapshot: Path, segment: str = "vip") -> str:
        """Publish a refresh that opens one run; return its id."""
        status, answer = self.call("POST", "/v1/events", self.event(snapshot, segment))
        assert status == 202, answer
        (run,) = answer["runs"]
        return str(run)

    def wait(
        self,
        run: str,
        until: Callable[[Mapping[str, Any]], object] = lambda run: run["finished"],
        seconds: float = RUN_SECONDS,
    ) -> Any:
        """Wait until something is true of a run, by default that it is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status, found = self.call("GET", f"/v1/runs/{run}")
            assert status in {200, 503}, found
            if status == 200 and until(found):
                return found
            self.stack.check()
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"not yet after {seconds} s: {found}")

    def metrics(self, address: str) -> dict[str, float]:
        """The samples that a program exposes."""
        with urlopen(f"http://{address}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def worker_sum(self, prefix: str) -> float:
        """The sum of samples over all workers."""
        return sum(
            value
            for worker in self.stack.workers
            for name, value in self.metrics(worker).items()
            if name.startswith(prefix)
        )

    def logs(self) -> str:
        """Everything our programs wrote."""
        return "\n".join(file.read_text() for file in self.stack.plan.directory.glob("*.log") if file.stem != "sandbox")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """Bring stacks up; they are ended with the test."""
    with ExitStack() as stacks:

        def up(*, workers: int = 2, sandbox: tuple[str, ...] = FAST_SANDBOX) -> Platform:
            snapshots = tmp_path / "snapshots"
            snapshots.mkdir(exist_ok=True)
            plan = Plan(tmp_path / "stack", snapshots, sandbox=sandbox, workers=workers)
            return Platform(stacks.enter_context(Stack(plan)))

        yield up


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a file; tests that ask for it are marked as in need of `chromium`.

    Not longer: while it is there, playwright keeps a loop running, and no other test could run one of its own.
    """
    with chromium() as opened:
        yield opened
