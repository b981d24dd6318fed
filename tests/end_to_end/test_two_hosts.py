"""An account that answers under two hosts: two connections to it share everything, over real processes and strict limits."""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import LOOPBACK, Plan, Secrets, Stack
from deploy.local.valkey import free_port
from tests.end_to_end.conftest import MAPPING, Platform
from tests.end_to_end.test_first_export import people, write
from tests.end_to_end.test_leavers import refresh, subscribed

LIMITS = {"imports_per_minute": 240, "single_imports_per_minute": 60, "requests_per_second": 20}
UNSUBSCRIBE = {"leavers": "unsubscribe", "confirm_unsubscribe": True}


class TwoHosts(Platform):
    """A stack whose sandbox answers on two ports, and takes a key of each of two users."""

    def __init__(self, stack: Stack, other: str, other_key: str) -> None:
        super().__init__(stack)
        self.other = other
        self.other_key = other_key

    def connect_other(self, **changes: Any) -> tuple[int, Any]:
        """Save a connection over the other host, with a key of the other user."""
        return self.connect("other", host=self.other, api_key=self.other_key, limits=LIMITS, **changes)

    def export_over(self, name: str, connection: str, **options: Any) -> None:
        """Save an export of the segment of its name."""
        body = {"name": name, "connection": connection, "segment": name, "list_id": "12", "mapping": MAPPING}
        status, answer = self.call("POST", "/v1/exports", body | options)
        assert status == 201, answer


@pytest.fixture
def two_hosts(tmp_path: Path) -> Iterator[Callable[[], TwoHosts]]:
    """Bring a stack up; it is ended with the test."""
    with ExitStack() as stacks:

        def up() -> TwoHosts:
            snapshots = tmp_path / "snapshots"
            snapshots.mkdir()
            port, key = free_port(), secrets.token_hex(32)
            options = [f"--{name.replace('_', '-')}={most}" for name, most in LIMITS.items()]
            sandbox = (
                *options,
                "--port",
                str(port),
                "--other-key",
                key,
                "--batch-seconds=0.2:1",
                "--keep-bodies",
            )
            plan = Plan(tmp_path / "stack", snapshots, Secrets(), sandbox=sandbox)
            stack = Stack(plan)
            other = f"{LOOPBACK}:{port}"
            plan.settings["TRUSTED_HOSTS"] = f"{stack.sandbox},{other}"  # type: ignore[index]  # the ports are free only now
            return TwoHosts(stacks.enter_context(stack), other, key)

        yield up


def overlapping(platform: Platform) -> set[str]:
    """Whoever was sent again to the same list before the batch that had them was over."""
    imports = platform.sandbox("requests?endpoint=import")
    accepted = [one for one in imports if one["status"] == "200"]
    batches = platform.sandbox("state")["batches"]
    assert len(accepted) == len(batches)
    times: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for sent, batch in zip(accepted, batches, strict=True):
        for contact in sent["body"]["contacts"]:
            for on in contact.get("subscribe", []) + contact.get("unsubscribe", []):
                times[contact["email"], str(on["listid"])].append((batch["accepted"], batch["ends"]))
    found = set()
    for (email, _), spans in times.items():
        spans.sort()
        found |= {email for (_, ends), (begins, _) in pairwise(spans) if begins < ends}
    return found


def kept_the_limits(platform: Platform) -> None:
    """Nothing was throttled, nothing sent too soon, nobody subscribed again."""
    totals = platform.sandbox("totals")
    assert (totals["violations"], totals["impatience"], totals["resubscribed"]) == (0, 0, 0)
    assert not [one for one in platform.sandbox("requests") if one["status"] == "429"]


@pytest.mark.timeout(240)
def test_two_connections_over_two_hosts_of_one_account_share_everything(two_hosts: Callable[[], TwoHosts]) -> None:
    """Limits, turns at a list, and the members of each other's exports; the administrator is told at once."""
    platform = two_hosts()
    status, first = platform.connect(limits=LIMITS)
    assert (status, first["account"], first["account_known_by"]) == (201, platform.stack.sandbox, "host")
    assert (first["account_note"], first["same_account"]) == (None, [])
    status, other = platform.connect_other()
    assert (status, other["account"], other["account_known_by"]) == (201, platform.stack.sandbox, "lists")
    assert other["same_account"] == ["main"]
    assert "one ActiveCampaign account" in other["account_note"]
    assert platform.other in other["account_note"]
    assert platform.get("/v1/connections/main")["same_account"] == ["other"]

    platform.export_over("vip", "main", **UNSUBSCRIBE)
    platform.export_over("gold", "other", **UNSUBSCRIBE)
    platform.export_over("news", "other", list_id="3")
    files = {
        "vip": write(platform.snapshots / "vip.csv", people(3_000)),
        "gold": write(platform.snapshots / "gold.csv", people(3_000, start=1_500)),
        "news": write(platform.snapshots / "news.csv", people(3_000)),
    }
    runs = {name: platform.publish(file, name) for name, file in files.items()}
    ended = {name: platform.wait(run) for name, run in runs.items()}
    assert {name: (run["state"], run["books"]["applied"]) for name, run in ended.items()} == dict.fromkeys(
        files, ("succeeded", 3_000)
    )
    assert {run["throttles"] for run in ended.values()} == {0}
    assert len(subscribed(platform)) == 4_500

    refresh(platform, people(1_490), "vip")
    left = refresh(platform, people(1_490), "vip")
    assert (left["books"]["leaving"]["applied"], left["books"]["leaving"]["kept"]) == (10, 1_500)
    assert len(subscribed(platform)) == 4_490
    refresh(platform, people(2_990, start=1_510), "gold")
    last = refresh(platform, people(2_990, start=1_510), "gold")
    assert (last["books"]["leaving"]["applied"], last["books"]["leaving"]["kept"]) == (10, 0)
    assert not overlapping(platform)
    kept_the_limits(platform)


@pytest.mark.timeout(240)
def test_connections_that_were_taken_for_two_accounts_become_one_under_their_runs(
    two_hosts: Callable[[], TwoHosts],
) -> None:
    """As those of an earlier version do: nothing that is known is lost, and nobody is sent twice at a time from then on."""
    platform = two_hosts()
    assert platform.connect(limits=LIMITS)[0] == 201
    status, other = platform.connect_other(account="other-account")
    assert (status, other["account"], other["account_known_by"], other["same_account"]) == (
        201, "other-account", "override", []
    )  # fmt: skip
    platform.export_over("vip", "main", **UNSUBSCRIBE)
    platform.export_over("gold", "other", **UNSUBSCRIBE)
    refresh(platform, people(300), "vip")
    refresh(platform, people(300, start=200), "gold")
    both = [
        platform.publish(write(platform.snapshots / f"both-{name}.csv", people(2_500, start)), name)
        for name, start in (("vip", 0), ("gold", 0))
    ]
    for run in both:
        platform.wait(run, lambda run: run["accepted"])
    status, united = platform.call("PATCH", "/v1/connections/other", {"account": None})
    assert (status, united["account"], united["same_account"]) == (200, platform.stack.sandbox, ["main"])
    ended = [platform.wait(run) for run in both]
    assert [run["books"]["pending"] for run in ended] == [0, 0]
    assert {run["books"]["applied"] for run in ended} == {2_500 - 300, 2_500 - 300 + 0}
    assert [run["books"]["unchanged"] for run in ended] == [300, 300]
    refresh(platform, people(2_490), "vip")
    left = refresh(platform, people(2_490), "vip")
    assert (left["books"]["leaving"]["applied"], left["books"]["leaving"]["kept"]) == (0, 10)
    assert len(subscribed(platform)) == 2_500
    assert platform.sandbox("totals")["resubscribed"] == 0
