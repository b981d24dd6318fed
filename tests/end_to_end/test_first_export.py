"""A first export, from an event to an ActiveCampaign list, with every contact accounted for."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Platform

Up = Callable[..., Platform]

PHONE = "+44 20 7946 0123"


def people(count: int, start: int = 0) -> list[list[str]]:
    """Rows of good profiles."""
    return [[f"person{number}@example.com", "Zoë", f"Nguyễn {number}", PHONE] for number in range(start, start + count)]


def write(file: Path, rows: list[list[str]]) -> Path:
    """Write a CSV snapshot."""
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([["Email", "First", "Last", "Phone"], *rows])
    return file


@pytest.fixture
def ready(platform: Up) -> Callable[..., Platform]:
    """A stack with a connection and an export."""

    def up(**options: object) -> Platform:
        found = platform(**options)
        assert found.connect()[0] == 201
        assert found.export()[0] == 201
        return found

    return up


def test_3000_profiles_become_12_batches_all_applied(ready: Up) -> None:
    """And the API, the metrics of both programs and ActiveCampaign say the same about it."""
    platform = ready()
    run = platform.wait(platform.publish(write(platform.snapshots / "vip.csv", people(3000))))

    assert run["state"] == "succeeded"
    books = run["books"]
    assert (books["read"], books["selected"], books["applied"], books["pending"]) == (3000, 3000, 3000, 0)
    totals = platform.sandbox("totals")
    assert (totals["imports"], totals["contacts_applied"], totals["violations"]) == (12, 3000, 0)
    assert totals["automations_fired"] == 0
    assert run["chunks"] == 12
    # Besides what workers asked: the checks of the key, of the account, its lists and the list, and of the contract.
    assert run["requests"] == totals["requests"] - 5
    assert platform.worker_sum("segment_export_requests_total{") == run["requests"]
    assert platform.worker_sum('segment_export_contacts_total{export="vip",outcome="applied"}') == 3000
    assert platform.worker_sum('segment_export_contacts_total{export="vip",outcome="accepted"}') == 3000
    producer = platform.metrics(platform.stack.producer)
    assert producer['segment_export_profiles_total{export="vip",outcome="selected"}'] == 3000
    assert producer['segment_export_run_contacts{export="vip",state="applied"}'] == 3000
    assert producer['segment_export_run_unbalanced{export="vip"}'] == 0


def test_contacts_arrive_as_mapped_with_automations_excluded_in_both_places(ready: Up) -> None:
    """Names in every script, phones as E.164, and no call that could subscribe anybody again."""
    platform = ready()
    platform.wait(platform.publish(write(platform.snapshots / "vip.csv", people(300))))
    (contact,) = platform.sandbox("contacts?email=person7@example.com")
    assert (contact["first_name"], contact["last_name"], contact["phone"]) == ("Zoë", "Nguyễn 7", "+442079460123")
    for request in platform.sandbox("requests?endpoint=import"):
        assert request["body"]["exclude_automations"] is True
        assert all(contact["exclude_automations"] is True for contact in request["body"]["contacts"])
    assert {request["endpoint"] for request in platform.sandbox("requests")} == {
        "me",
        "account",
        "lists",
        "list",
        "import",
        "info",
    }


def test_people_who_opted_out_or_are_excluded_stay_out_and_are_reported(ready: Up) -> None:
    """The run is partial and each of them is listed with a reason; nobody is subscribed again."""
    platform = ready()
    out, excluded = ["person3@example.com", "person250@example.com"], ["person9@example.com"]
    platform.sandbox("opt_outs", {"list": "12", "emails": out})
    platform.sandbox("exclusions", {"emails": excluded})
    rows = [*people(300), ["PERSON5@example.com", "", "", ""], ["not an address", "", "", ""], ["", "Ann", "", ""]]
    run = platform.wait(platform.publish(write(platform.snapshots / "vip.csv", rows)))

    assert run["state"] == "partial"
    books = run["books"]
    assert (books["read"], books["invalid"], books["duplicate"], books["selected"]) == (303, 2, 1, 300)
    assert (books["applied"], books["refused"]) == (297, 3)
    rejects = platform.get(f"/v1/runs/{run['id']}/rejects")
    assert sorted(reject["email"] for reject in rejects if reject["fate"] == "refused") == sorted(out + excluded)
    assert [(reject["row"], reject["code"]) for reject in rejects if reject["fate"] == "invalid"] == [
        (302, "email_invalid"),
        (303, "email_missing"),
    ]
    assert platform.sandbox("totals")["resubscribed"] == 0
    assert platform.sandbox("state")["lists"]["12"]["subscribed"] == 297


def test_nothing_is_sent_while_no_worker_runs(ready: Up) -> None:
    """Chunks wait in their lane; bells do not pile up."""
    platform = ready(workers=0)
    run = platform.publish(write(platform.snapshots / "vip.csv", people(3000)))
    found = platform.wait(run, lambda run: run["chunks"] == 12)
    assert found["state"] == "delivering"
    assert "import" not in platform.sandbox("state")["requests"]
    assert platform.metrics(platform.stack.producer)["segment_export_queue_messages"] <= 2


def test_the_same_event_again_starts_nothing(ready: Up) -> None:
    """Same answer, no new run; with other data it is a conflict; for a segment without export it says so."""
    platform = ready()
    event = platform.event(write(platform.snapshots / "vip.csv", people(3)))
    first, again = platform.call("POST", "/v1/events", event), platform.call("POST", "/v1/events", event)
    assert first[0] == 202
    assert again == first
    assert len(platform.get("/v1/runs")["items"]) == 1
    other = event | {"data": event["data"] | {"snapshot": "/elsewhere.csv"}}
    assert platform.call("POST", "/v1/events", other)[0] in {409, 422}
    status, answer = platform.call("POST", "/v1/events", platform.event(platform.snapshots / "vip.csv", "unknown"))
    assert (status, answer["runs"]) == (202, [])
    assert "no export" in answer["reason"]


def test_what_cannot_work_is_refused_before_it_is_saved(platform: Up) -> None:
    """No consent, a wrong key, an unknown list, a wrong token: each says what is wrong, and nothing is kept."""
    found = platform(workers=0)
    status, problem = found.connect(consent=False)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/consent")
    status, problem = found.connect(api_key="wrong")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/api_key")
    assert found.get("/v1/connections")["items"] == []
    assert found.connect()[0] == 201
    assert found.connect()[0] == 409
    status, problem = found.export(list_id="999")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/list_id")
    assert found.get("/v1/exports")["items"] == []
    assert found.call("GET", "/v1/runs", token="wrong-token")[0] == 401


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("wrong.csv", "Mail,First,Last,Phone\na@example.com,,,\n", ["wrong.csv", "Email"]),
        ("empty.csv", "Email,First,Last,Phone\n", ["empty.csv", "no rows"]),
        ("broken.csv", "Email,First,Last,Phone\na@example.com,A,B,\nb@example.com,B\n", ["broken.csv", "row 2"]),
        ("gone.csv", None, ["gone.csv"]),
    ],
)
def test_a_snapshot_that_cannot_be_read_fails_the_run_before_anything_is_sent(
    ready: Up, name: str, text: str | None, told: list[str]
) -> None:
    """And says which file, row and column."""
    platform = ready(workers=0)
    if text is not None:
        (platform.snapshots / name).write_text(text)
    run = platform.wait(platform.publish(platform.snapshots / name))
    assert run["state"] == "failed"
    for word in told:
        assert word in run["error"]
    assert run["books"]["pending"] == 0


def test_no_log_holds_an_address_or_a_key(ready: Up) -> None:
    """Not when all goes well, nor when contacts are refused and snapshots broken."""
    platform = ready()
    platform.sandbox("opt_outs", {"list": "12", "emails": ["person3@example.com"]})
    platform.wait(
        platform.publish(write(platform.snapshots / "vip.csv", [*people(600), ["bad@@example.com", "", "", ""]]))
    )
    (platform.snapshots / "broken.csv").write_text("Email,First,Last,Phone\nx@example.com,y@example.com\n")
    platform.wait(platform.publish(platform.snapshots / "broken.csv"))
    logs = platform.logs()
    assert "chunk_settled" in logs
    assert re.findall(r"[\w.]+@+[\w.]+", logs) == []
    secrets = platform.stack.plan.secrets
    assert not any(secret in logs for secret in (secrets.sandbox_key, secrets.admin_token, secrets.secret_key))


def test_the_allowance_is_used_without_a_throttle(platform: Up) -> None:
    """Published limits in strict sliding windows, batches of 6 to 20 seconds, polls included.

    How fully is held by the simulated account; here a machine busy with something else may cost some of it.
    """
    found = platform(workers=3, sandbox=("--batch-seconds", "6:20", "--latency-seconds", "0.05:0.3"))
    assert found.connect(limits={})[0] == 201
    assert found.export()[0] == 201
    run = found.wait(found.publish(write(found.snapshots / "vip.csv", people(40 * 250))))
    totals = found.sandbox("totals")
    assert (run["state"], run["throttles"], totals["violations"]) == ("succeeded", 0, 0)
    minutes = (totals["last_import"] - totals["first_import"]) / 60
    assert 39 / minutes >= 85
