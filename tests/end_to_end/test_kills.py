"""SIGKILL of everything in one run: every contact is applied, the books close, nobody acts."""

import os
from collections.abc import Callable
from typing import Final

import pytest

from tests.end_to_end.conftest import Platform
from tests.end_to_end.test_events import awaited
from tests.end_to_end.test_first_export import people, write

PACED: Final = {"imports_per_minute": 900, "single_imports_per_minute": 100, "requests_per_second": 45}
SANDBOX: Final = (
    *("--imports-per-minute", "900", "--single-imports-per-minute", "100", "--requests-per-second", "45"),
    *("--batch-seconds", "0.5:2"),
)
CONTACTS: Final = int(os.environ.get("KILLS_CONTACTS", "25000"))
"""75,000 take half a minute more."""

Up = Callable[..., Platform]


@pytest.mark.timeout(300)
def test_kills_of_producer_worker_and_valkey_lose_nothing(platform: Up) -> None:
    """In the survey, while chunks are delivered, and while batches are confirmed."""
    found = platform(sandbox=SANDBOX)
    assert found.connect(limits=PACED)[0] == 201
    assert found.export()[0] == 201
    run = found.publish(write(found.snapshots / "vip.csv", people(CONTACTS)))

    def kill_when(accepted: float, *names: str) -> None:
        found.wait(run, lambda run: run["accepted"] >= accepted or run["finished"], 120)
        for name in names:
            found.stack.kill(name)
        for name in reversed(names):
            found.stack.restart(name)

    found.wait(run, lambda run: run["state"] == "surveying")
    kill_when(0, "producer")
    kill_when(CONTACTS * 1 / 8, "valkey")
    goes_on_without_a_producer(found, run)
    kill_when(CONTACTS * 4 / 8, "worker-1")
    kill_when(CONTACTS * 5 / 8, "producer")
    kill_when(CONTACTS * 6 / 8, "worker-1", "worker-2", "producer", "valkey")
    kill_when(CONTACTS, "worker-2")
    ended = found.wait(run)
    assert ended["state"] == "succeeded", ended
    assert (ended["books"]["selected"], ended["books"]["applied"]) == (CONTACTS, CONTACTS)
    totals = found.sandbox("totals")
    assert (totals["contacts"], totals["violations"]) == (CONTACTS, 0)


def goes_on_without_a_producer(found: Platform, run: str) -> None:
    """What is in the lanes is delivered though nobody reads."""
    found.wait(run, lambda run: run["chunks"] - run["accepted"] / 250 >= 20)
    found.stack.kill("producer")
    before = found.sandbox("totals")["imports"]
    awaited(lambda: found.sandbox("totals")["imports"] >= before + 10)
    found.stack.restart("producer")


def test_who_is_asked_to_end_finishes_what_it_does_and_nothing_is_done_twice(platform: Up) -> None:
    """SIGTERM of each program while requests are under way: exit code 0, and no contact is sent again."""
    found = platform(sandbox=(*SANDBOX, "--latency-seconds", "0.3:0.6"))
    assert found.connect(limits=PACED)[0] == 201
    assert found.export()[0] == 201
    run = found.publish(write(found.snapshots / "vip.csv", people(20_000)))

    def end_when(accepted: float, name: str) -> None:
        found.wait(run, lambda run: run["accepted"] >= accepted)
        assert found.stack.end(name) == 0
        found.stack.restart(name)

    end_when(4_000, "worker-1")
    end_when(8_000, "producer")
    end_when(12_000, "worker-2")
    ended = found.wait(run)
    assert (ended["state"], ended["books"]["applied"], ended["accepted"]) == ("succeeded", 20_000, 20_000)
    assert found.sandbox("totals")["contacts_accepted"] == 20_000


def test_the_chunks_of_a_killed_worker_are_under_way_again_within_half_a_minute(platform: Up) -> None:
    """By the account's own clock: it has them in its hands when it is killed, and another one sends them."""
    found = platform(sandbox=(*SANDBOX, "--latency-seconds", "3", "--keep-bodies"), workers=1)
    assert found.connect(limits=PACED)[0] == 201
    assert found.export()[0] == 201
    run = found.publish(write(found.snapshots / "vip.csv", people(1000)))
    awaited(lambda: len(found.sandbox("requests?endpoint=import")) >= 4)
    found.stack.kill("worker-1")
    killed = found.sandbox("state")["now"]
    found.stack.restart("worker-1")
    sent = {first(one): one["time"] for one in found.sandbox("requests?endpoint=import")}
    awaited(lambda: len(found.sandbox("requests?endpoint=import")) >= 8)
    again = {first(one): one["time"] for one in found.sandbox("requests?endpoint=import")}
    assert set(again) == set(sent)
    assert all(0 < time - killed < 30 for time in again.values())
    found.sandbox("switches", {"latency_seconds": 0})
    assert found.wait(run)["books"]["applied"] == 1000


def first(request: object) -> str:
    """The first address of an import that was kept."""
    email: str = request["body"]["contacts"][0]["email"]  # type: ignore[index]  # JSON
    return email
