"""The store is killed, or stands still, while chunks are under way: work goes on within seconds of its return.

The account's own clock says when. `OUTAGES_COUNT` runs every case so many times, each on a stack of its own, and
`OUTAGES_TIMES` names a file to which each appends its case and seconds.
"""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from tests.end_to_end.conftest import Platform
from tests.end_to_end.test_events import awaited
from tests.end_to_end.test_first_export import people, write

PACED: Final = {"imports_per_minute": 900, "single_imports_per_minute": 100, "requests_per_second": 45}
SANDBOX: Final = (
    *("--imports-per-minute", "900", "--single-imports-per-minute", "100", "--requests-per-second", "45"),
    *("--batch-seconds", "0.5:2", "--latency-seconds", "0.2:0.4"),
)
CONTACTS: Final = 25_000
BEFORE: Final = 10
"""Chunks that are accepted when the store goes, or more; others are under way."""

WITHIN_SECONDS: Final = 5.0
SHORT, LONG = 0.0, 8.0
WITH, WITHOUT = "with_a_producer", "without_a_producer"
VERY_LONG: Final = 32.0
"""Longer than a wake-up is remembered, and than any lease."""

COUNT: Final = int(os.environ.get("OUTAGES_COUNT", "1"))
TIMES: Final = os.environ.get("OUTAGES_TIMES")

Up = Callable[..., Platform]


class Outage:
    """A run under way, and a store that is there, or not."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        assert platform.connect(limits=PACED)[0] == 201
        assert platform.export()[0] == 201
        self.run = platform.publish(write(platform.snapshots / "vip.csv", people(CONTACTS)))
        # All is in the lane: else whoever reads on when the producer is back would have to wait for the lease of the one before.
        platform.wait(self.run, lambda run: run["chunks"] == CONTACTS / 250 and run["accepted"] >= BEFORE * 250)

    def now(self) -> float:
        """The account's clock."""
        return float(self.platform.sandbox("state")["now"])

    def imports(self) -> list[float]:
        """When the account was asked to import."""
        return [request["time"] for request in self.platform.sandbox("requests?endpoint=import")]

    def last(self, seconds: float) -> None:
        """Let the account's clock go on."""
        until = self.now() + seconds
        awaited(lambda: self.now() >= until, seconds + 10)

    def seconds_from(self, back: float) -> float:
        """From the store's return to the next import."""
        after = awaited(lambda: [time for time in self.imports() if time >= back])
        return float(after[0] - back)

    def assert_goes_on(self, back: float) -> float:
        """Work goes on, and goes on going on; return the longest time without an import until the last one."""
        first = self.seconds_from(back)
        done = self.end()
        assert (done["state"], done["books"]["applied"]) == ("succeeded", CONTACTS), done
        times = [back, *(time for time in self.imports() if time >= back)]
        longest = max(after - before for before, after in pairwise(times))
        assert first < WITHIN_SECONDS, self.story(back, times)
        assert longest < WITHIN_SECONDS, self.story(back, times)
        return longest

    def end(self) -> Any:
        """The run when it is over."""
        return self.platform.wait(self.run)

    @staticmethod
    def story(back: float, times: list[float]) -> str:
        """When imports came after the return."""
        return "imports after the return at " + " ".join(f"{time - back:.2f}" for time in times)


def told(case: str, seconds: float) -> None:
    """Keep how long it took."""
    if TIMES:
        with Path(TIMES).open("a") as file:
            file.write(f"{case} {seconds:.2f}\n")


@pytest.fixture
def outage(platform: Up) -> Outage:
    """A run of a hundred chunks at fifteen a second."""
    return Outage(platform(sandbox=SANDBOX))


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("seconds", "producer"), [(SHORT, WITH), (SHORT, WITHOUT), (LONG, WITH), (VERY_LONG, WITH), (VERY_LONG, WITHOUT)]
)
@pytest.mark.parametrize("_time", range(COUNT))
def test_work_goes_on_when_a_killed_store_is_back(outage: Outage, seconds: float, producer: str, _time: int) -> None:
    """SIGKILL of Valkey, alone or together with the producer, while chunks are under way."""
    stack = outage.platform.stack
    stack.kill("valkey")
    if producer == WITHOUT:
        stack.kill("producer")
    outage.last(seconds)
    stack.restart("valkey")
    back = outage.now()
    first = outage.seconds_from(back)
    if producer == WITHOUT:
        stack.restart("producer")
    told(f"killed_{seconds:g}_s_{producer}", max(first, outage.assert_goes_on(back)))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seconds", [LONG, VERY_LONG])
@pytest.mark.parametrize("_time", range(COUNT))
def test_work_goes_on_when_a_store_that_stood_still_is_back(outage: Outage, seconds: float, _time: int) -> None:
    """SIGSTOP of Valkey: what it was asked meanwhile, it does afterwards, and those who asked wait no longer."""
    stack = outage.platform.stack
    stack.freeze("valkey")
    outage.last(seconds)
    stack.thaw("valkey")
    back = outage.now()
    told(f"stood_still_{seconds:g}_s", outage.assert_goes_on(back))
