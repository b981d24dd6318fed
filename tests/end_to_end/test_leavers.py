"""Those who leave a segment are kept, marked or taken off as their export says; those who said no stay out."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.conftest import Platform
from tests.end_to_end.test_changes import imports, on_demand
from tests.end_to_end.test_first_export import people, write

Up = Callable[..., Platform]

FIELD = {"leavers": "field", "leavers_field": {"id": "7", "left": "left", "present": "present"}}


@pytest.fixture
def ready(platform: Up) -> Callable[..., Platform]:
    """A stack with a connection and an export with these options."""

    def up(**options: Any) -> Platform:
        found = platform()
        assert found.connect()[0] == 201
        status, answer = found.export(**options)
        assert status == 201, answer
        return found

    return up


def refresh(platform: Platform, rows: list[list[str]], segment: str = "vip") -> Any:
    """Publish a snapshot of these rows, and wait for the run's end."""
    platform.events += 1
    file = write(platform.snapshots / f"{segment}-{platform.events}.csv", rows)
    return platform.wait(platform.publish(file, segment))


def subscribed(platform: Platform, list_id: str = "12") -> set[str]:
    """Who is on the list."""
    return set(platform.sandbox(f"lists/{list_id}/members")["subscribed"])


def mark(platform: Platform, number: int) -> str | None:
    """What stands in a person's field."""
    (contact,) = platform.sandbox(f"contacts?email=person{number}@example.com")
    value: str | None = contact["fields"].get("7")
    return value


def test_leavers_are_marked_in_a_field_and_marked_back_when_they_return(ready: Callable[..., Platform]) -> None:
    """They stay on the list, once marked they are not sent again, and they are counted apart."""
    platform = ready(**FIELD)
    refresh(platform, people(300))
    assert mark(platform, 299) == "present"
    left = refresh(platform, people(290))
    assert (left["state"], left["books"]["selected"]) == ("succeeded", 0)
    assert left["books"]["leaving"] == {
        "applied": 10, "refused": 0, "unconfirmed": 0, "unsent": 0, "pending": 0, "kept": 0, "waiting": 0
    }  # fmt: skip
    assert (left["forecast"]["leavers"], left["forecast"]["requests"], left["outcome"]["requests"]) == (10, 1, 1)
    assert [mark(platform, number) for number in (289, 290, 299)] == ["present", "left", "left"]
    assert len(subscribed(platform)) == 300
    sent = imports(platform)
    assert refresh(platform, people(290))["books"]["leaving"]["applied"] == 0
    assert imports(platform) == sent
    back = refresh(platform, people(295))
    assert (back["books"]["applied"], back["forecast"]["changes"]) == (5, 5)
    assert [mark(platform, number) for number in (290, 294, 295)] == ["present", "present", "left"]


def test_leavers_who_are_unsubscribed_stay_out_for_ever(ready: Callable[..., Platform]) -> None:
    """It is asked for twice, never undone by us, and reported when they return."""
    platform = ready()
    status, problem = platform.call("PATCH", "/v1/exports/vip", {"leavers": "unsubscribe"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/confirm_unsubscribe")
    confirmed = {"leavers": "unsubscribe", "confirm_unsubscribe": True}
    assert platform.call("PATCH", "/v1/exports/vip", confirmed)[0] == 200
    assert platform.call("PATCH", "/v1/exports/vip", {"patience_minutes": 20})[0] == 200
    refresh(platform, people(300))
    waits = refresh(platform, people(291))
    assert (waits["state"], waits["books"]["leaving"]["waiting"], waits["forecast"]["leavers_waiting"]) == (
        "succeeded",
        9,
        9,
    )
    told = platform.call("POST", "/v1/contacts/explain", {"email": "person295@example.com"})[1]["exports"][0]
    assert (told["standing"], told["in_last_snapshot"]) == ("waiting_to_leave", "no")
    assert len(subscribed(platform)) == 300
    left = refresh(platform, people(290))
    assert (left["books"]["leaving"]["applied"], left["books"]["leaving"]["waiting"]) == (9, 1)
    last = refresh(platform, people(290))
    assert (last["books"]["leaving"]["applied"], last["books"]["leaving"]["waiting"]) == (1, 0)
    assert len(subscribed(platform)) == 290
    back = refresh(platform, people(300))
    assert (back["state"], back["books"]["held_back"], back["books"]["selected"]) == ("succeeded", 10, 0)
    held = platform.get(f"/v1/runs/{back['id']}/rejects?fate=held_back")
    assert {line["code"] for line in held} == {"left_and_unsubscribed"}
    by_run = [sum(run["id"] in line["reason"] for line in held) for run in (left, last)]
    assert by_run == [9, 1]
    everybody = on_demand(platform, mode="full", include_refused=True)
    assert (everybody["books"]["held_back"], len(subscribed(platform))) == (10, 290)
    assert platform.sandbox("totals")["resubscribed"] == 0


def test_a_leaver_who_is_a_member_for_another_export_of_the_list_stays(ready: Callable[..., Platform]) -> None:
    """Two segments into one list do not fight."""
    unsubscribing = {"leavers": "unsubscribe", "confirm_unsubscribe": True}
    platform = ready(**unsubscribing)
    assert platform.export("gold", segment="gold", **unsubscribing)[0] == 201
    refresh(platform, people(20))
    refresh(platform, people(10, start=15), "gold")
    assert refresh(platform, people(12))["books"]["leaving"]["waiting"] == 8
    left = refresh(platform, people(12))
    assert (left["books"]["leaving"]["applied"], left["books"]["leaving"]["kept"]) == (3, 5)
    assert len(subscribed(platform)) == 22
    # The last export that has them lets them go.
    assert refresh(platform, people(5, start=20), "gold")["books"]["leaving"]["waiting"] == 5
    gone = refresh(platform, people(5, start=20), "gold")
    assert (gone["books"]["leaving"]["applied"], gone["books"]["leaving"]["kept"]) == (5, 0)


@pytest.mark.timeout(240)
def test_opt_outs_stay_out_over_ten_refreshes_with_leavers_and_returners_and_kills(
    ready: Callable[..., Platform],
) -> None:
    """In every mode, whatever is killed in between; and so do those whom the account excludes."""
    platform = ready(**FIELD)
    lists = {"12": 56, "13": 56, "14": 41}
    for list_id, options in (
        ("13", {}),
        (
            "14",
            {
                "leavers": "unsubscribe",
                "leavers_confirm": "at_once",
                "leavers_guard": None,
                "confirm_unsubscribe": True,
            },
        ),
    ):
        platform.sandbox("lists", {"id": list_id, "name": f"List {list_id}"})
        assert platform.export(f"vip-{list_id}", segment="vip", list_id=list_id, **options)[0] == 201
    excluded = {"person20@example.com"}
    platform.sandbox("exclusions", {"emails": sorted(excluded)})
    out = {f"person{number}@example.com" for number in (3, 17, 40)}
    for number in range(10):
        if number == 2:
            for list_id in lists:
                platform.sandbox("opt_outs", {"list": list_id, "emails": sorted(out)})
        platform.events += 1
        rows = [[email, f"Name {number}", *rest] for email, _, *rest in people(60 if number % 2 else 45)]
        file = write(platform.snapshots / f"{platform.events}.csv", rows)
        status, answer = platform.call("POST", "/v1/events", platform.event(file))
        assert (status, len(answer["runs"])) == (202, 3)
        if number in {3, 7}:
            for name in ("producer", "worker-1", "valkey"):
                platform.stack.kill(name)
            for name in ("valkey", "producer", "worker-1"):
                platform.stack.restart(name)
        for run in answer["runs"]:
            ended = platform.wait(run)
            assert ended["state"] in {"succeeded", "partial"}, ended
        for list_id in lists:
            on_it = subscribed(platform, list_id)
            assert not on_it & excluded
            assert not on_it & out or number < 2
    totals = platform.sandbox("totals")
    assert (totals["resubscribed"], totals["violations"]) == (0, 0)
    # Whoever left was taken off one of the lists, and is never put back.
    assert {list_id: len(subscribed(platform, list_id)) for list_id in lists} == lists


def test_a_run_unlike_the_one_before_stops_before_its_first_request(ready: Callable[..., Platform]) -> None:
    """With the figures; accepted, it goes on."""
    platform = ready(brake={"share": 0.2, "number": 50})
    refresh(platform, people(300))
    sent = imports(platform)
    renamed = [[email, "Renamed", *rest] for email, _, *rest in people(300)]
    snapshot = write(platform.snapshots / "renamed.csv", renamed)
    assert "members would change" in on_demand(platform, snapshot=str(snapshot), dry_run=True)["forecast"]["brake"]
    run = platform.publish(snapshot)
    stopped = platform.wait(run, lambda run: run["state"] == "blocked")
    assert (stopped["blocked"]["code"], stopped["blocked"]["needs_acceptance"]) == ("brake", True)
    assert "300 of 300 members would change" in stopped["blocked"]["reason"]
    platform.call("POST", f"/v1/runs/{run}/resume")
    assert platform.get(f"/v1/runs/{run}")["state"] == "blocked"
    assert imports(platform) == sent
    assert platform.call("POST", f"/v1/runs/{run}/resume", {"accept": True})[0] == 202
    ended = platform.wait(run)
    assert (ended["state"], ended["books"]["applied"]) == ("succeeded", 300)
    assert imports(platform) == sent + 2


def test_a_contract_that_cannot_hold_stops_the_run_before_its_first_request(ready: Callable[..., Platform]) -> None:
    """ActiveCampaign would refuse the rest, and may block the account."""
    platform = ready()
    platform.sandbox("switches", {"subscriber_limit": 100})
    run = platform.publish(write(platform.snapshots / "1.csv", people(300)))
    stopped = platform.wait(run, lambda run: run["state"] == "blocked")
    assert (stopped["blocked"]["code"], imports(platform)) == ("contract", 0)
    assert "0 of 100" in stopped["blocked"]["reason"]
    assert platform.call("POST", f"/v1/runs/{run}/cancel")[0] == 202
    assert platform.wait(run)["books"]["unsent"] == 300


def test_damaged_snapshots_unsubscribe_nobody_however_often_they_come(ready: Callable[..., Platform]) -> None:
    """Cut short, or with addresses that cannot be read; and the page, the command line and the run say what waits for what."""
    platform = ready(leavers="unsubscribe", confirm_unsubscribe=True)
    whole = people(400)
    refresh(platform, whole)
    mistyped = [[f"Person <{row[0]}>", *row[1:]] for row in whole]
    for _ in range(3):
        run = refresh(platform, mistyped)
        assert (run["state"], run["books"]["leaving"]["waiting"], run["books"]["invalid"]) == ("succeeded", 400, 400)
        assert "no readable address" in run["forecast"]["warnings"][0]
    refresh(platform, whole)
    cut = refresh(platform, people(20))
    assert cut["books"]["leaving"]["waiting"] == 380
    again = on_demand(platform, snapshot=cut["snapshot"])
    assert (again["books"]["leaving"]["waiting"], again["books"]["leaving"]["applied"]) == (380, 0)
    platform.events += 1
    run_id = platform.publish(write(platform.snapshots / "cut-again.csv", people(20)))
    stopped = platform.wait(run_id, lambda run: run["state"] == "blocked")
    assert (stopped["blocked"]["code"], stopped["blocked"]["needs_acceptance"]) == ("leavers_guard", True)
    assert "380 of 400 members would be unsubscribed for good" in stopped["blocked"]["reason"]
    assert "@example.com" not in stopped["blocked"]["reason"]
    assert len(subscribed(platform)) == 400
    assert platform.call("POST", f"/v1/runs/{run_id}/cancel")[0] == 202
    platform.wait(run_id)
    assert refresh(platform, whole)["books"]["leaving"]["waiting"] == 0
    assert len(subscribed(platform)) == 400
