"""People are told once of each change of state: a flapping account, two producers that are killed, a receiver that is down."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from deploy.local.stack import LOOPBACK, Plan, Stack
from producer.notifications.outbox import LEASE_MS
from tests.end_to_end.conftest import FAST_SANDBOX, Platform
from tests.end_to_end.test_events import SECONDS, awaited
from tests.end_to_end.test_first_export import people, write

REFUSED = {"faults": ["unauthorized"]}
MENDED: dict[str, Any] = {"faults": []}


class Hook(ThreadingHTTPServer):
    """A receiver of webhooks on a free port, which answers with `status`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.status = 204
        self.received: list[tuple[dict[str, str], bytes]] = []
        super().__init__((LOOPBACK, 0), _Handler)

    @property
    def host(self) -> str:
        """Its address."""
        return f"{LOOPBACK}:{self.server_port}"

    def told(self, secret: str) -> list[Any]:
        """What was delivered, each id once, in the order of the changes; every attempt is signed."""
        delivered: dict[str, Any] = {}
        for headers, body in list(self.received):
            delivered[headers["webhook-id"]] = Webhook(secret).verify(body, headers)
        return sorted(delivered.values(), key=lambda body: body["data"]["change"])


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        """Take a message, if the receiver is up."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status < 300:
            self.server.received.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
        """Say nothing."""


@contextmanager
def hook() -> Iterator[Hook]:
    """Serve a receiver."""
    with Hook() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()


def _has_told(there: Hook, secret: str, changes: int) -> bool:
    return len(there.told(secret)) == changes


@pytest.mark.timeout(400)
def test_a_flapping_account_is_told_of_once_a_change_through_kills_and_an_outage(tmp_path: Path) -> None:
    """Refused and mended twice over six refreshes: blocked, recovered, blocked, recovered, each under one id.

    Whoever has tried to deliver a message is killed, or was not; the other one does it, or the same when it is back. Who is
    killed just while trying leaves the message under its lease.
    """
    snapshots = tmp_path / "snapshots"
    snapshots.mkdir()
    settings: dict[str, str] = {}
    stack = Stack(Plan(tmp_path / "stack", snapshots, sandbox=FAST_SANDBOX, workers=1, settings=settings))
    with hook() as there:
        settings["TRUSTED_HOSTS"] = f"{stack.sandbox},{there.host}"
        with stack:
            stack.another_producer("producer-2")
            found = Platform(stack)
            assert found.connect()[0] == 201
            assert found.export()[0] == 201
            channel = {"name": "night", "kind": "webhook", "url": f"http://{there.host}/hook"}
            status, made = found.call("POST", "/v1/notifications", channel)
            assert status == 201
            secret = made["secret"]
            assert found.call("POST", "/v1/notifications/night/test")[1] == {"delivered": True, "detail": "HTTP 204"}
            there.received.clear()

            def waiting() -> int:
                return int(found.get("/v1/notifications/night")["waiting"])

            for turn, victim in enumerate(("producer", "producer-2")):
                found.sandbox("switches", REFUSED)
                there.status = 503
                runs = [
                    found.publish(write(snapshots / f"{turn}-{number}.csv", people(300, 1_000 * turn + number)))
                    for number in range(3)
                ]
                blocked = next(run for run in runs if found.get(f"/v1/runs/{run}")["state"] != "superseded")
                found.wait(blocked, lambda run: run["state"] == "blocked")
                awaited(lambda: waiting() == 1)
                stack.kill(victim)
                there.status = 204
                if victim == "producer":
                    stack.restart(victim)
                awaited(lambda: waiting() == 0, LEASE_MS / 1000 + SECONDS)
                found.sandbox("switches", MENDED)
                found.call("POST", f"/v1/runs/{blocked}/resume")
                for run in runs:
                    found.wait(run)
                awaited(partial(_has_told, there, secret, 2 * turn + 2))
            told = there.told(secret)
    assert [body["type"] for body in told] == ["export.blocked", "export.recovered"] * 2
    assert [body["data"]["change"] for body in told] == [1, 2, 3, 4]
    assert told[0]["data"]["run"]["blocked"]["code"] == "credentials"
    assert secret not in found.logs()
