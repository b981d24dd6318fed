"""People are known again under another address, by the platform's id: over real processes, files and a strict account."""

import csv
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import MAPPING, Platform
from tests.end_to_end.test_changes import on_demand
from tests.end_to_end.test_leavers import subscribed

Up = Callable[..., Platform]
People = dict[str, str]
"""Addresses by what stands in the column of ids, which may be a number with a letter for a second row of the same."""

IDENTIFIED = MAPPING | {"id": "Id"}


@pytest.fixture
def ready(platform: Up) -> Callable[..., Platform]:
    """A stack with a connection and an export that has ids."""

    def up(**options: Any) -> Platform:
        found = platform()
        assert found.connect()[0] == 201
        status, answer = found.export(mapping=IDENTIFIED, **options)
        assert status == 201, answer
        return found

    return up


def everybody(count: int, **changes: str) -> People:
    """So many people by their ids, with these addresses instead of theirs."""
    return {str(number): f"person{number}@example.com" for number in range(count)} | {
        name.removeprefix("of_"): email for name, email in changes.items()
    }


def write(file: Path, people: People, first: str) -> Path:
    """Write a snapshot; letters behind an id are no part of it, and `none` is no id."""
    rows = [(email, first, number.rstrip("ab").removeprefix("none")) for number, email in people.items()]
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(
            [("Email", "First", "Last", "Phone", "Id"), *((*row[:2], "", "", row[2]) for row in rows)]
        )
    return file


def refresh(platform: Platform, people: People, first: str = "Zoë", segment: str = "vip") -> Any:
    """Publish a snapshot of these people, and wait for the run's end."""
    platform.events += 1
    return platform.wait(platform.publish(write(platform.snapshots / f"{platform.events}.csv", people, first), segment))


def contact(platform: Platform, email: str) -> Any:
    """A contact as the account has it, or None."""
    found = platform.sandbox(f"contacts?email={email}")
    return found[0] if found else None


def opt_out(platform: Platform, *emails: str) -> None:
    """Let people unsubscribe."""
    platform.sandbox("opt_outs", {"list": "12", "emails": list(emails)})


def lines(platform: Platform, run: Any, fate: str = "") -> list[tuple[str, str]]:
    """Who is in a report of a run, and why."""
    query = f"?fate={fate}" if fate else ""
    return [(line["email"], line["code"]) for line in platform.get(f"/v1/runs/{run['id']}/rejects{query}")]


def explained(platform: Platform, email: str) -> Any:
    """Where somebody stands with the export."""
    status, answer = platform.call("POST", "/v1/contacts/explain", {"email": email})
    assert status == 200, answer
    return answer["exports"][0]


def has_asked(run: Mapping[str, Any], requests: int) -> bool:
    """Whether a run has asked so much, or is over."""
    return run["requests"] >= requests or run["finished"] is not None


def test_a_changed_address_keeps_the_contact_and_what_they_decided(ready: Callable[..., Platform]) -> None:
    """Whoever opted out stays out, nobody is there twice, and nobody else's contact is touched."""
    platform = ready()
    assert refresh(platform, everybody(20))["books"]["applied"] == 20
    opt_out(platform, "person2@example.com")
    refresh(platform, everybody(20), "Renamed")  # so that it is known
    opt_out(platform, "person1@example.com")  # nobody has told us
    before = contact(platform, "person0@example.com")
    assert refresh(platform, {"90": "taken@example.com"}, segment="vip")["books"]["applied"] == 1

    changed = everybody(
        20,
        of_0="new0@example.com",
        of_1="new1@example.com",
        of_2="new2@example.com",
        of_3="person4@example.com",
        of_4="person3@example.com",
        of_5="taken@example.com",
        of_6a="new6a@example.com",
        of_6b="new6b@example.com",
        of_none="person7@example.com",
    )
    for gone in ("6", "7"):
        del changed[gone]
    dry = on_demand(platform, snapshot=str(write(platform.snapshots / "dry.csv", changed, "Renamed")), dry_run=True)
    assert dry["forecast"]["changed_addresses"] == {"update": 3, "newcomers": 2, "held_back": 3, "lookups": 13}
    assert contact(platform, "new0@example.com") is None

    run = refresh(platform, changed, "Renamed")
    assert run["changed_addresses"] == {"found": 8, "updated": 2, "newcomers": 3, "held_back": 3}
    books = run["books"]
    # person7 has no id any more, which changes their row.
    assert (books["selected"], books["applied"], books["refused"], books["held_back"]) == (6, 5, 1, 3), books
    assert lines(platform, run) == [("new1@example.com", "opted_out_or_excluded")]
    assert set(lines(platform, run, "held_back")) == {
        ("new2@example.com", "opted_out_under_another_address"),
        ("new6a@example.com", "ambiguous_id"),
        ("new6b@example.com", "ambiguous_id"),
    }
    moved = platform.get(f"/v1/runs/{run['id']}/rejects?fate=changed_address")
    assert {(one["former"], one["email"], one["code"]) for one in moved} == {
        ("person0@example.com", "new0@example.com", "update"),
        ("person1@example.com", "new1@example.com", "update"),
        ("person3@example.com", "person4@example.com", "check"),
        ("person4@example.com", "person3@example.com", "check"),
        ("person5@example.com", "taken@example.com", "update"),
    }
    # The same contact, under the new address; nobody is there twice.
    assert contact(platform, "new0@example.com")["id"] == before["id"]
    assert [contact(platform, f"{name}@example.com") for name in ("person0", "person1", "new2", "new6a")] == [None] * 4
    assert not subscribed(platform) & {"new1@example.com", "person1@example.com", "person2@example.com"}
    assert {"new0@example.com", "person3@example.com", "person4@example.com", "taken@example.com"} <= subscribed(
        platform
    )
    totals = platform.sandbox("totals")
    assert (totals["resubscribed"], totals["violations"], totals["contacts"]) == (0, 0, 21)

    # All is known now; who is still there under an address that is theirs no more is a leaver.
    again = refresh(platform, changed, "Renamed")
    assert (again["books"]["selected"], again["changed_addresses"]["held_back"]) == (0, 3), again["books"]
    assert explained(platform, "new0@example.com")["standing"] == "member"
    assert explained(platform, "person0@example.com")["standing"] == "moved"
    assert explained(platform, "new2@example.com")["reason"] == "opted_out_under_another_address"
    assert "@example" not in platform.logs()


def test_who_is_forgotten_is_forgotten_under_every_address(ready: Callable[..., Platform]) -> None:
    """By the id as well: no later refresh sends them, whatever their address is by then."""
    platform = ready(changed_address="leaver_and_newcomer")
    refresh(platform, everybody(5))
    run = refresh(platform, everybody(5, of_1="new1@example.com"))
    assert run["changed_addresses"] == {"found": 1, "updated": 0, "newcomers": 1, "held_back": 0}
    assert (run["books"]["applied"], run["books"]["leaving"]["kept"]) == (1, 1)
    assert {"person1@example.com", "new1@example.com"} <= subscribed(platform)
    said = {"email": "new1@example.com", "delete_at_activecampaign": True}
    status, receipt = platform.call("POST", "/v1/contacts/forget", said)
    assert (status, receipt["state"], receipt["erased"]["membership"]) == (200, "erased", 2), receipt
    assert not {"person1@example.com", "new1@example.com"} & subscribed(platform)
    held = refresh(platform, everybody(5, of_1="newer1@example.com"))
    assert (held["books"]["held_back"], held["books"]["selected"]) == (1, 0)
    assert contact(platform, "newer1@example.com") is None


def test_a_leaver_under_one_address_is_a_newcomer_under_another_unless_they_said_no(
    ready: Callable[..., Platform],
) -> None:
    """Whoever was unsubscribed by us for it may change their address once more; whoever did it themselves is never sent."""
    platform = ready(leavers="unsubscribe", confirm_unsubscribe=True, changed_address="leaver_and_newcomer")
    refresh(platform, everybody(5))
    opt_out(platform, "person2@example.com")
    changed = everybody(5, of_1="new1@example.com", of_2="new2@example.com")
    run = refresh(platform, changed)
    assert run["changed_addresses"] == {"found": 2, "updated": 0, "newcomers": 1, "held_back": 0}
    assert lines(platform, run) == [("new2@example.com", "opted_out_or_excluded")]
    assert explained(platform, "person2@example.com")["ended_by"] == "the_person_or_the_marketer"
    assert refresh(platform, changed)["books"]["leaving"]["waiting"] == 1
    left = refresh(platform, changed)
    assert (left["books"]["leaving"]["applied"], left["books"]["held_back"]) == (1, 1)
    assert subscribed(platform) == {f"{name}@example.com" for name in ("person0", "new1", "person3", "person4")}
    once_more = refresh(platform, everybody(5, of_1="newer1@example.com", of_2="newer2@example.com"))
    assert once_more["changed_addresses"] == {"found": 2, "updated": 0, "newcomers": 1, "held_back": 1}
    for _ in range(2):
        refresh(platform, everybody(5, of_1="newer1@example.com", of_2="newer2@example.com"))
    assert subscribed(platform) == {f"{name}@example.com" for name in ("person0", "newer1", "person3", "person4")}
    assert contact(platform, "new2@example.com") is None
    assert contact(platform, "newer2@example.com") is None
    assert platform.sandbox("totals")["resubscribed"] == 0


def test_an_address_that_is_changed_halfway_is_changed_once(ready: Callable[..., Platform]) -> None:
    """Whatever is killed in between, and however often."""
    platform = ready()
    limits = {"imports_per_minute": 3000, "single_imports_per_minute": 600, "requests_per_second": 20}
    assert platform.call("PATCH", "/v1/connections/main", {"limits": limits})[0] == 200
    refresh(platform, everybody(60))
    opt_out(platform, *(f"person{number}@example.com" for number in range(0, 40, 4)))
    ids = {number: contact(platform, f"person{number}@example.com")["id"] for number in range(40)}
    people = everybody(60) | {str(number): f"new{number}@example.com" for number in range(40)}
    platform.events += 1
    run = platform.publish(write(platform.snapshots / f"{platform.events}.csv", people, "Zoë"))
    for enough in (5, 20):
        asked = partial(has_asked, requests=enough)
        platform.wait(run, asked)
        for name in ("producer", "worker-1", "worker-2", "valkey"):
            platform.stack.kill(name)
        for name in ("valkey", "producer", "worker-1", "worker-2"):
            platform.stack.restart(name)
    ended = platform.wait(run)
    books = ended["books"]
    assert (books["selected"], books["applied"], books["refused"]) == (40, 30, 10), ended
    assert (ended["changed_addresses"]["updated"], ended["changed_addresses"]["newcomers"]) == (40, 0)
    assert {number: contact(platform, f"new{number}@example.com")["id"] for number in range(40)} == ids
    assert platform.sandbox("totals")["contacts"] == 60
    assert len(subscribed(platform)) == 50
    assert platform.sandbox("totals")["resubscribed"] == 0
    assert refresh(platform, people)["books"]["selected"] == 0
