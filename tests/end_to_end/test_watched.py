"""A stack under a real Prometheus with the shipped rules: silent in a healthy run, and in time when a run will be late.

Every panel of every dashboard has something to show.
"""

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from deploy.local.stack import Plan, Stack
from tests.deployed import DEPLOY
from tests.end_to_end.conftest import Platform
from tests.end_to_end.test_first_export import people, write
from tests.end_to_end.watching import (
    ALERTMANAGER,
    ANSWER_SECONDS,
    LOOK_SECONDS,
    PROMETHEUS,
    Watch,
    another_producer,
    watched,
)

LIMITS: Final = {"imports_per_minute": 300, "single_imports_per_minute": 60, "requests_per_second": 20}
SANDBOX: Final = (
    *("--imports-per-minute", "300", "--single-imports-per-minute", "60", "--requests-per-second", "20"),
    *("--batch-seconds", "0.5:2"),
)
BUDGET_MINUTES: Final = 2
HEALTHY_CONTACTS: Final = 10_000
LATE_CONTACTS: Final = 30_000
"""120 batches: half a minute at the account's limits, and six minutes at the pace at which it then works them off."""

DRAIN_A_MINUTE: Final = 20

pytestmark = [pytest.mark.needs(PROMETHEUS, ALERTMANAGER), pytest.mark.timeout(240)]


class Watched(NamedTuple):
    """A stack that has had a healthy run, and who watches it."""

    platform: Platform
    watch: Watch
    began: float
    run: dict[str, Any]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One stack for the module, with two producers: it is watched through a healthy run."""
    directory = tmp_path_factory.mktemp("watched")
    snapshots = directory / "snapshots"
    snapshots.mkdir()
    with Stack(Plan(directory / "stack", snapshots, sandbox=SANDBOX)) as stack:
        platform = Platform(stack)
        with (
            another_producer(stack, stack.plan.directory) as second,
            watched(stack, (stack.producer, second), directory / "watch") as watch,
        ):
            assert platform.connect(limits=LIMITS)[0] == 201
            assert platform.export("vip", budget_minutes=BUDGET_MINUTES)[0] == 201
            assert platform.export("late", budget_minutes=BUDGET_MINUTES)[0] == 201
            began = time.time()
            run = platform.publish(write(snapshots / "vip.csv", people(HEALTHY_CONTACTS)))
            watch.await_answer('segment_export_run_state{export="vip",state="delivering"}')
            ended = platform.wait(run)
            watch.await_answer('segment_export_run_state{export="vip",state="succeeded"}')
            yield Watched(platform, watch, began, ended)


def test_two_producers_tell_the_same_and_count_once(healthy: Watched) -> None:
    """Put together as rules and dashboards do it; what is counted where it happens is added up."""
    watch = healthy.watch

    def value(expression: str) -> float:
        (found,) = watch.query(expression)
        return float(found["value"][1])

    assert value('count(segment_export_build_info{program="producer"})') == 2
    applied = 'segment_export_run_contacts{export="vip",state="applied"}'
    watch.await_answer(f"count({applied} == {HEALTHY_CONTACTS}) == 2")
    assert value(f"sum(max by (export, state) ({applied}))") == HEALTHY_CONTACTS
    watch.await_answer(f'sum(segment_export_contacts_total{{export="vip",outcome="applied"}}) == {HEALTHY_CONTACTS}')
    assert value('sum(segment_export_profiles_total{export="vip",outcome="read"})') == HEALTHY_CONTACTS
    assert value("max(segment_export_workers_present)") == len(healthy.platform.stack.workers)


def panels(dashboard: Path) -> list[tuple[str, str]]:
    """The title and query of every target of every panel."""
    document = json.loads(dashboard.read_text())
    return [
        (f"{panel['title']}: {target.get('legendFormat', '')}", target["expr"])
        for panel in document["panels"]
        for target in panel.get("targets", ())
    ]


def test_a_healthy_run_is_silent(healthy: Watched) -> None:
    """From its event to its end no alert fired, and none was about to."""
    assert healthy.run["state"] == "succeeded"
    assert healthy.watch.alerts_since(healthy.began) == set()
    span = round(time.time() - healthy.began) + 1
    assert healthy.watch.query(f"count_over_time(export:segment_export_run_late_seconds:max[{span}s])") != []
    assert healthy.watch.query(f"max_over_time(export:segment_export_run_late_seconds:max[{span}s]) > 0") == []


def test_the_log_has_one_line_that_opens_the_run_and_one_that_closes_it(healthy: Watched) -> None:
    """With the books that the API has."""

    def told() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in healthy.platform.logs().splitlines() if '"run_' in line]
        return [line for line in lines if line["run"] == healthy.run["id"]]

    until = time.monotonic() + ANSWER_SECONDS
    while not any(line["event"] == "run_closed" for line in told()):
        assert time.monotonic() < until, "nobody closed the run"
        time.sleep(LOOK_SECONDS)
    opened, closed = sorted(told(), key=lambda line: str(line["timestamp"]))
    assert (opened["event"], closed["event"]) == ("run_opened", "run_closed")
    books = healthy.run["books"]
    assert {name: closed[name] for name in ("read", "selected", "applied", "refused", "pending")} == {
        name: books[name] for name in ("read", "selected", "applied", "refused", "pending")
    }


@pytest.mark.parametrize("name", ["fleet", "run", "plumbing"])
def test_every_query_of_a_dashboard_answers(healthy: Watched, name: str) -> None:
    """With a person's choices filled in."""
    asked = panels(DEPLOY / "grafana" / f"{name}.json")
    assert asked
    filled = {title: query.replace("$export", "vip").replace("$__rate_interval", "60s") for title, query in asked}
    assert not [title for title, query in filled.items() if "$" in query]
    assert [title for title, query in filled.items() if not healthy.watch.query(query)] == []


def test_the_choices_of_the_dashboards_are_there(healthy: Watched) -> None:
    """Each variable lists what its query names."""
    document = json.loads((DEPLOY / "grafana" / "run.json").read_text())
    (query,) = (each["query"] for each in document["templating"]["list"] if each["type"] == "query")
    listed = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    assert listed
    assert "vip" in {each[listed[2]] for each in healthy.watch.series(listed[1])}


def test_a_run_that_will_miss_its_budget_says_so_while_there_is_time(healthy: Watched) -> None:
    """ActiveCampaign takes everything and works it off slowly; nothing but the projection can know in time."""
    platform, watch = healthy.platform, healthy.watch
    platform.sandbox("switches", {"drain_batches_per_minute": DRAIN_A_MINUTE})
    run = platform.publish(write(platform.snapshots / "late.csv", people(LATE_CONTACTS)), "late")
    alert = watch.await_alert("SegmentExportWillMissBudget", within_seconds=BUDGET_MINUTES * 60)

    assert alert["labels"]["export"] == "late"
    assert alert["labels"]["severity"] == "critical"
    assert "Export late will end" in alert["annotations"]["summary"]
    heading = alert["annotations"]["runbook"].partition("#")[2]
    runbook = (DEPLOY.parent / "docs" / "operations.md").read_text()
    assert f"### {heading}" in runbook.lower()
    found = platform.get(f"/v1/runs/{run}")
    assert datetime.now().astimezone() < datetime.fromisoformat(found["deadline"])
    assert found["finished"] is None
    assert watch.alerts_since(healthy.began) == {"SegmentExportWillMissBudget"}
    assert platform.call("POST", f"/v1/runs/{run}/cancel")[0] == 202
