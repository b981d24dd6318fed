"""People are known again under another address, by the platform's id: over real processes, files and a strict account."""

import csv
from collections.abc import Callable, Sequence
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
    assert dry["forecast"]["changed_addresses"] == {"update": 3, "newcomers": 0, "held_back": 3, "lookups": 9}
    assert contact(platform, "new0@example.com") is None

    run = refresh(platform, changed, "Renamed")
    assert run["changed_addresses"] == {"found": 6, "updated": 2, "newcomers": 1, "held_back": 3}, run
