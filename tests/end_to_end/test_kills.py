"""SIGKILL of everything, one after the other, in one run: every contact is applied, the books close, nobody acts."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.end_to_end.conftest import Platform
from tests.end_to_end.test_first_export import people, write

PACED: Final = {"imports_per_minute": 600, "single_imports_per_minute": 100, "requests_per_second": 30}
SANDBOX: Final = (
    *("--imports-per-minute", "600", "--single-imports-per-minute", "100", "--requests-per-second", "30"),
    *("--batch-seconds", "0.5:2"),
)
CONTACTS: Final = 20_000


@pytest.mark.timeout(240)
def test_kills_of_producer_worker_and_valkey_lose_nothing(platform: Callable[..., Platform]) -> None:
    """In the survey, while chunks are delivered, and while batches are confirmed."""
    found = platform(sandbox=SANDBOX)
    assert found.connect(limits=PACED)[0] == 201
    assert found.export()[0] == 201
    run = found.publish(write(found.snapshots / "vip.csv", people(CONTACTS)))

    def kill_when(accepted: float, name: str) -> None:
        found.wait(run, lambda run: run["accepted"] >= accepted or run["finished"])
        found.stack.kill(name)
        found.stack.restart(name)

    kill_when(0, "producer")
    kill_when(CONTACTS * 1 / 8, "valkey")
    kill_when(CONTACTS * 3 / 8, "worker-1")
    kill_when(CONTACTS * 5 / 8, "producer")
    kill_when(CONTACTS * 7 / 8, "valkey")
    kill_when(CONTACTS, "worker-2")
    ended = found.wait(run)
    assert ended["state"] == "succeeded", ended
    assert (ended["books"]["selected"], ended["books"]["applied"]) == (CONTACTS, CONTACTS)
    totals = found.sandbox("totals")
    assert (totals["contacts"], totals["violations"]) == (CONTACTS, 0)
