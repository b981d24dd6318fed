"""Everything that can be wrong with the store while a run is under way: nothing is lost, nothing is promised, nobody acts."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis

from deploy.local.stack import QUEUE_DATABASE, RECORD_DATABASE, Plan, Stack
from deploy.local.valkey import Valkey
from tests.end_to_end.conftest import Platform
from tests.end_to_end.line import Line, laid
from tests.end_to_end.test_events import awaited
from tests.end_to_end.test_first_export import people, write

PACED: Final = {"imports_per_minute": 240, "single_imports_per_minute": 60, "requests_per_second": 20}
SANDBOX: Final = (
    *("--imports-per-minute", "240", "--single-imports-per-minute", "60", "--requests-per-second", "20"),
    *("--batch-seconds", "0.5:2"),
)
CONTACTS: Final = 15_000


@dataclass
class Place:
    """A platform whose store is a test's to break, and the run under way."""

    platform: Platform
    line: Line
    redis: Redis
    run: str = ""

    def progress(self) -> None:
        """Wait until more contacts are accepted than at the moment."""
        before = self.look()["accepted"]
        self.platform.wait(self.run, lambda run: run["accepted"] > before or run["finished"])

    def look(self) -> Any:
        """The run as it stands, once the store answers."""
        return self.platform.wait(self.run, lambda run: True)

    def refused(self) -> list[int]:
        """Statuses of everything that would have to be kept."""
        platform = self.platform
        calls: tuple[tuple[str, dict[str, Any]], ...] = (
            ("/v1/events", platform.event(platform.snapshots / "vip.csv", "other")),
            ("/v1/exports/vip/runs", {}),
        )
        answers = [platform.call("POST", path, body) for path, body in calls]
        assert all(document["title"] for _, document in answers)
        return [status for status, _ in answers]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A stack that knows its store only over a line, and a run that takes a minute."""
    directory = tmp_path_factory.mktemp("store")
    with ExitStack() as stack:
        server = Valkey(directory / "store")
        server.start()
        stack.callback(server.stop)
        line = stack.enter_context(laid(Line(server.port)))
        settings = {"REDIS_URL": line.url(RECORD_DATABASE), "QUEUE_URL": line.url(QUEUE_DATABASE)}
        plan = Plan(directory / "stack", directory, sandbox=SANDBOX, settings=settings)
        platform = Platform(stack.enter_context(Stack(plan)))
        found = Place(platform, line, stack.enter_context(Redis(port=server.port)))
        assert platform.connect(limits=PACED)[0] == 201
        assert platform.export()[0] == 201
        found.run = platform.publish(write(directory / "vip.csv", people(CONTACTS)))
        yield found


def test_a_store_that_takes_no_writes_is_a_503_and_the_run_goes_on_after_it(place: Place) -> None:
    """Nothing is accepted that could not be kept."""
    place.progress()
    place.redis.config_set("min-replicas-to-write", 1)
    assert place.refused() == [503, 503]
    place.redis.config_set("min-replicas-to-write", 0)
    place.progress()


def test_a_store_that_fills_takes_nothing_in_and_lets_work_end(place: Place) -> None:
    """What is in the lanes is delivered and followed, over the limit too, and the rest is appended when there is room."""
    place.progress()
    place.redis.config_set("maxmemory", place.redis.info("memory")["used_memory"] // 2)
    assert place.refused() == [503, 503]
    place.progress()
    place.redis.config_set("maxmemory", 0)


def test_a_store_whose_answers_are_slow_or_lost_costs_time_only(place: Place) -> None:
    """The command was executed, and the connection breaks in place of its answer."""
    place.line.slow_seconds = 0.1
    place.progress()
    place.line.slow_seconds, place.line.cut = 0.0, 0.05
    awaited(lambda: place.line.cuts > 8)
    place.line.cut = 0.0
    place.progress()


def test_a_store_that_is_gone_for_half_a_minute_is_waited_for(place: Place) -> None:
    """Every call is answered 503, and no program ends."""
    gone = place.redis.time()[0]
    place.line.dead = True
    assert place.refused() == [503, 503]
    assert place.platform.call("GET", f"/v1/runs/{place.run}")[0] == 503
    awaited(lambda: place.redis.time()[0] >= gone + 30)
    place.line.dead = False
    place.progress()


def test_after_all_of_that_everybody_is_applied_and_counted_once(place: Place) -> None:
    """The books close, the account saw no request that is not in them, and the logs say little of it."""
    platform = place.platform
    done = platform.wait(place.run)
    assert (done["state"], done["books"]["applied"], done["accepted"]) == ("succeeded", CONTACTS, CONTACTS)
    totals = platform.sandbox("totals")
    assert (totals["contacts"], totals["violations"]) == (CONTACTS, 0)
    assert [run["id"] for run in platform.get("/v1/runs")["items"]] == [place.run]
    lines = list(logged(platform.stack.plan.directory))
    assert [line["event"] for line in lines if "exception" in line] == []
    assert sum(line["level"] in {"warning", "error"} for line in lines) < 100


def logged(directory: Path) -> Iterator[dict[str, Any]]:
    """Every line that our programs wrote."""
    for file in directory.glob("*.log"):
        if file.stem not in {"sandbox", "valkey"}:
            for line in file.read_text().splitlines():
                yield json.loads(line)
