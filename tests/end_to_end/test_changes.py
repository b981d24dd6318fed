"""A refresh costs what changed, and no more: over real processes, files and a real importer."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.end_to_end.conftest import Platform
from tests.end_to_end.test_first_export import people, write

Up = Callable[..., Platform]


@pytest.fixture
def ready(platform: Up) -> Platform:
    """A stack with a connection and an export."""
    found = platform()
    assert found.connect()[0] == 201
    assert found.export()[0] == 201
    return found


def imports(platform: Platform) -> int:
    """How many imports ActiveCampaign was sent so far."""
    return int(platform.sandbox("totals")["imports"])


def on_demand(platform: Platform, **demand: Any) -> Any:
    """Run the export, and wait for its end."""
    status, answer = platform.call("POST", "/v1/exports/vip/runs", demand)
    assert status == 202, answer
    return platform.wait(answer["run"]["id"])


def test_a_refresh_sends_what_changed_in_as_few_requests_as_it_takes(ready: Platform) -> None:
    """190 changed, 100 new and 500 gone of 10,000 are two requests; another order, letter case or format is none."""
    rows = people(10_000)
    first = ready.wait(ready.publish(write(ready.snapshots / "1.csv", rows)))
    assert (first["state"], first["books"]["applied"], imports(ready)) == ("succeeded", 10_000, 40)
    assert (first["forecast"]["adds"], first["forecast"]["requests"], first["outcome"]["requests"]) == (10_000, 40, 40)

    shuffled = [[row[0].upper(), *row[1:]] for row in rows]
    random.Random(7).shuffle(shuffled)
    again = ready.wait(ready.publish(write(ready.snapshots / "2.csv", shuffled)))
    assert (again["state"], again["books"]["unchanged"], again["books"]["selected"]) == ("succeeded", 10_000, 0)

    table = pa.table([list(column) for column in zip(*rows, strict=True)], names=["Email", "First", "Last", "Phone"])
    pyarrow.parquet.write_table(table.select(["Phone", "Last", "Email", "First"]), ready.snapshots / "3.parquet")
    as_parquet = ready.wait(ready.publish(ready.snapshots / "3.parquet"))
    assert (as_parquet["books"]["unchanged"], imports(ready)) == (10_000, 40)

    changed = [[email, "Renamed", *rest] for email, _, *rest in rows[:190]]
    refreshed = [*changed, *rows[190:9_500], *people(100, start=20_000)]
    found = ready.wait(ready.publish(write(ready.snapshots / "4.csv", refreshed)))
    books, foreseen = found["books"], found["forecast"]
    assert (books["read"], books["unchanged"], books["selected"], books["applied"]) == (9_600, 9_310, 290, 290)
    assert books["leaving"]["kept"] == 500
    assert (foreseen["adds"], foreseen["changes"], foreseen["leavers"]) == (100, 190, 500)
    assert imports(ready) == 42
    (contact,) = ready.sandbox("contacts?email=person7@example.com")
    assert contact["first_name"] == "Renamed"
    assert ready.sandbox("state")["lists"]["12"]["subscribed"] == 10_100

    full = on_demand(ready, mode="full")
    assert (full["books"]["selected"], full["books"]["applied"], full["books"]["unchanged"]) == (9_600, 9_600, 0)
    assert imports(ready) == 42 + 39


def test_a_dry_run_says_what_a_run_would_do_and_does_nothing(ready: Platform) -> None:
    """What it foresees is what then happens."""
    ready.sandbox("opt_outs", {"list": "12", "emails": ["person3@example.com"]})
    ready.wait(ready.publish(write(ready.snapshots / "1.csv", people(600))))
    rows = [*people(590), *people(20, start=900), ["nobody", "", "", ""]]
    snapshot = str(write(ready.snapshots / "2.csv", rows))
    sent = imports(ready)
    dry = on_demand(ready, snapshot=snapshot, dry_run=True)
    assert (dry["state"], dry["books"]["unsent"], dry["books"]["pending"], imports(ready)) == ("succeeded", 20, 0, sent)
    foreseen = dry["forecast"]
    told = ("adds", "changes", "again", "unchanged", "held_back", "leavers", "requests")
    assert {name: foreseen[name] for name in told} == {
        "adds": 20, "changes": 0, "again": 0, "unchanged": 589, "held_back": 1, "leavers": 10, "requests": 1
    }  # fmt: skip
    assert foreseen["invalid"] == {"email_invalid": 1}
    assert foreseen["within_budget"]
    assert foreseen["contract"] == {"limit": 5_000_000, "total": 599, "after": 619, "holds": True}
    real = on_demand(ready, snapshot=snapshot)
    assert {name: real["forecast"][name] for name in told} == {name: foreseen[name] for name in told}
    assert (real["outcome"]["requests"], real["books"]["applied"], imports(ready)) == (1, 20, sent + 1)


def test_whoever_was_refused_is_left_alone_until_their_data_change_or_a_person_asks(ready: Platform) -> None:
    """And the reason can still be seen."""
    ready.sandbox("exclusions", {"emails": ["person3@example.com", "person4@example.com"]})
    rows = people(300)
    first = ready.wait(ready.publish(write(ready.snapshots / "1.csv", rows)))
    assert (first["state"], first["books"]["refused"]) == ("partial", 2)

    again = ready.wait(ready.publish(write(ready.snapshots / "2.csv", rows)))
    assert (again["state"], again["books"]["held_back"], again["books"]["unchanged"]) == ("succeeded", 2, 298)
    assert ready.get(f"/v1/runs/{again['id']}/rejects") == []
    held = ready.get(f"/v1/runs/{again['id']}/rejects?fate=held_back")
    assert [(line["row"], line["email"], line["code"]) for line in held] == [
        (4, "person3@example.com", "opted_out_or_excluded"),
        (5, "person4@example.com", "opted_out_or_excluded"),
    ]
    assert first["id"] in held[0]["reason"]

    mended = [row if number != 3 else [row[0], "Mended", *row[2:]] for number, row in enumerate(rows)]
    changed = ready.wait(ready.publish(write(ready.snapshots / "3.csv", mended)))
    assert (changed["books"]["held_back"], changed["books"]["refused"]) == (1, 1)

    asked = on_demand(ready, include_refused=True)
    assert (asked["books"]["selected"], asked["books"]["refused"], asked["books"]["held_back"]) == (2, 2, 0)


def test_a_changed_mapping_sends_everybody_and_another_list_starts_afresh(ready: Platform) -> None:
    """The forecast says so before anything is sent."""
    snapshot = write(ready.snapshots / "1.csv", people(300))
    ready.wait(ready.publish(snapshot))
    assert ready.call("PATCH", "/v1/exports/vip", {"mapping": {"last_name": None}})[0] == 200
    dry = on_demand(ready, dry_run=True)
    assert (dry["forecast"]["changes"], dry["forecast"]["mapping_changed"]) == (300, True)
    assert "mapping" in dry["forecast"]["warnings"][0]
    assert on_demand(ready)["books"]["applied"] == 300
    assert on_demand(ready)["books"]["unchanged"] == 300

    assert ready.call("PATCH", "/v1/exports/vip", {"list_id": "3"})[0] == 200
    moved = on_demand(ready)
    assert (moved["forecast"]["adds"], moved["books"]["applied"]) == (300, 300)
    assert ready.sandbox("state")["lists"]["3"]["subscribed"] == 300


def test_every_third_run_is_a_full_one_where_the_export_says_so(ready: Platform) -> None:
    """What a marketer changed by hand is healed."""
    assert ready.call("PATCH", "/v1/exports/vip", {"full_every_runs": 3})[0] == 200
    snapshot = write(ready.snapshots / "1.csv", people(30))
    runs = [ready.wait(ready.publish(snapshot)) for _ in range(4)]
    assert [run["mode"] for run in runs] == ["changes", "changes", "changes", "full"]
    assert [run["books"]["applied"] for run in runs] == [30, 0, 0, 30]


def test_a_cancelled_runs_people_are_sent_again_whether_they_arrived_or_not(ready: Platform) -> None:
    """Nobody is believed to be delivered who was not, and nobody is forgotten."""
    ready.sandbox("switches", {"latency_seconds": "0.3", "faults": ["reset_after:0.4@import"]})
    rows = people(8_000)
    run = ready.publish(write(ready.snapshots / "1.csv", rows))
    ready.wait(run, lambda run: run["accepted"] > 1_000)
    ready.stack.kill("worker-1")
    assert ready.call("POST", f"/v1/runs/{run}/cancel")[0] == 202
    cancelled = ready.wait(run)
    assert cancelled["state"] == "cancelled"
    books = cancelled["books"]
    assert books["applied"] + books["unsent"] == 8_000
    ready.stack.restart("worker-1")
    ready.sandbox("switches", {"latency_seconds": "0", "faults": []})
    ended = ready.wait(ready.publish(write(Path(ready.snapshots / "2.csv"), rows)))
    assert (ended["state"], ended["books"]["unchanged"]) == ("succeeded", books["applied"])
    assert ended["forecast"]["again"] + ended["forecast"]["adds"] == books["unsent"] == ended["books"]["applied"]
    assert ended["forecast"]["again"] > 0
    assert ready.sandbox("state")["lists"]["12"]["subscribed"] == 8_000


def test_a_retry_sends_whom_a_run_left_and_nobody_else(ready: Platform) -> None:
    """Those refused, and those it was cancelled before; said twice it is one run, and nobody left is nothing to retry."""
    ready.sandbox("opt_outs", {"list": "12", "emails": ["person3@example.com"]})
    ready.sandbox("switches", {"latency_seconds": "0.5"})
    run = ready.publish(write(ready.snapshots / "1.csv", people(6_000)))
    ready.wait(run, lambda run: run["accepted"] > 500)
    assert ready.call("POST", f"/v1/runs/{run}/retry")[0] == 409
    assert ready.call("POST", f"/v1/runs/{run}/cancel")[0] == 202
    books = ready.wait(run)["books"]
    ready.sandbox("switches", {"latency_seconds": "0"})
    status, answer = ready.call("POST", f"/v1/runs/{run}/retry")
    assert (status, answer["result"], answer["run"]["retry_of"]) == (202, "done", run)
    again = ready.call("POST", f"/v1/runs/{run}/retry")[1]
    assert (again["result"], again["run"]["id"]) == ("already", answer["run"]["id"])
    retried = ready.wait(answer["run"]["id"])
    left = books["unsent"] + books["refused"]
    assert (retried["state"], retried["books"]["selected"], retried["books"]["refused"]) == ("partial", left, 1)
    assert (retried["books"]["applied"], retried["books"]["unchanged"]) == (left - 1, 6_000 - left)
    assert ready.sandbox("state")["lists"]["12"]["subscribed"] == 5_999
    assert ready.sandbox("totals")["resubscribed"] == 0
    status, problem = ready.call("POST", f"/v1/runs/{on_demand(ready)['id']}/retry")
    assert (status, "left nobody" in problem["detail"]) == (409, True)
