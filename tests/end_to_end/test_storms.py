"""Storms of faults against accounts that are stricter than they need be, and what a person does about a key that went bad.

All accounts are served by one stack, side by side: a storm is mostly waiting. The storms begin first and are judged last.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis

from deploy.local.stack import Plan, Stack
from tests.end_to_end import storms
from tests.end_to_end.accounts import API_KEY, Account, opened
from tests.end_to_end.conftest import FAST, Platform
from tests.end_to_end.storms import (
    CALM,
    HOSTILE,
    HOSTILE_BUT_GOOD,
    ONCE,
    OPTED_OUT,
    REFUSED,
    STORMS,
    csv_file,
    ndjson_folder,
    parquet_file,
    storm,
)
from tests.end_to_end.test_events import STREAM, awaited

STORM_SECONDS: Final = 400.0
SEED: Final = int(os.environ.get("STORM_SEED", "1"))

MORE_ACCOUNTS: Final = (
    Account("bad-key", *CALM, "--batch-seconds", "0.2:0.6", "--latency-seconds", "0.02:0.05", "--bad-key", "login_page"),
    Account("endless", *CALM, "--batch-seconds", "0.2:0.6", "--batch-faults", "endless:x2"),
    Account("full", *CALM, "--batch-seconds", "0.2:0.6", "--subscriber-limit", "1000"),
)


@dataclass
class Weather:
    """The platform, its accounts by name, and the runs of the storms."""

    platform: Platform
    accounts: dict[str, Account]
    runs: dict[str, str] = field(default_factory=dict)
    commands: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def serve(self, name: str, **options: Any) -> Account:
        """Connect an account and save an export of the segment of its name."""
        account = self.accounts[name]
        made = self.platform.connect(name, host=account.host, api_key=API_KEY)
        assert made[0] == 201, made
        made = self.platform.export(name, connection=name, mapping=storms.MAPPING, **options)
        assert made[0] == 201, made
        return account


@pytest.fixture(scope="module")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weather]:
    """One stack and all accounts, the storms begun."""
    directory = tmp_path_factory.mktemp("storms")
    brewing = [
        storm(name, *options, seed=SEED, once=once) for (name, options), once in zip(STORMS.items(), ONCE, strict=True)
    ]
    accounts = [*brewing, *MORE_ACCOUNTS]
    trusted = ",".join(account.host for account in accounts)
    plan = Plan(directory / "stack", directory, sandbox=None, settings={"TRUSTED_HOSTS": trusted})
    with ExitStack() as stack:
        stack.enter_context(opened(directory / "stack", accounts))
        found = Weather(
            Platform(stack.enter_context(Stack(plan))), {account.name: account for account in accounts}
        )
        begin(found, directory)
        yield found


def begin(weather: Weather, directory: Path) -> None:
    """Let the storms begin: one segment in three forms, said on three ways."""
    rows = storms.people()
    for name in STORMS:
        account = weather.accounts[name]
        faults = account.ask("switches")["faults"]
        account.ask("switches", {"faults": []})  # what a person sets up is not the matter here
        weather.serve(name)
        account.ask("opt_outs", {"list": "12", "emails": list(OPTED_OUT)})
        account.ask("exclusions", {"emails": list(storms.EXCLUDED)})
        account.ask("switches", {"faults": faults})
    csv, parquet, ndjson = csv_file(directory, rows), parquet_file(directory, rows), ndjson_folder(directory, rows)
    platform = weather.platform
    weather.runs["throttles-400"] = platform.publish(csv, "throttles-400")
    token = directory / "token"
    token.write_text(platform.stack.plan.secrets.admin_token)
    command = (sys.executable, "-m", "producer", "publish", "throttles-429", str(parquet), "--wait", "--token-file", str(token))
    url = f"http://{platform.stack.producer}"
    weather.commands["throttles-429"] = subprocess.Popen([*command, "--url", url], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with Redis(port=platform.stack._valkey_port) as redis:
        redis.xadd(STREAM, {"event": storms.encoded(platform.event(ndjson, "throttles-503"))})
    for name in ("throttles-429", "throttles-503"):
        (run,) = awaited(lambda name=name: platform.get(f"/v1/runs?export={name}")["items"])
        weather.runs[name] = run["id"]


@pytest.mark.timeout(STORM_SECONDS)
@pytest.mark.parametrize("name", STORMS)
def test_a_storm_passes_and_everybody_has_a_fate(weather: Weather, name: str) -> None:
    """Whoever can be applied is, opt-outs stay out, each reject is listed with a reason, and the books close."""
    account, run = weather.accounts[name], weather.runs[name]
    t=time.monotonic()
    done = weather.platform.wait(run, seconds=STORM_SECONDS)
    totals = account.ask("totals")
    print(name, time.monotonic()-t, done["finished"], done["created"], totals, {k:v for k,v in account.ask("state")["requests"].items()})
    assert done["state"] == "partial"
    books = done["books"]
    assert books["read"] == books["invalid"] + books["duplicate"] + books["selected"]
    assert books["selected"] == books["applied"] + books["refused"]
    assert (books["unconfirmed"], books["unsent"], books["pending"]) == (0, 0, 0)

    on_the_list = account.subscribed()
    good = {row["Email"] for row in storms.people()} - {*HOSTILE, *HOSTILE_BUT_GOOD, *REFUSED}
    assert good <= on_the_list
    assert books["applied"] == len(on_the_list) == len(good) + len(HOSTILE_BUT_GOOD)
    assert not on_the_list & REFUSED
    rejects = weather.platform.get(f"/v1/runs/{run}/rejects")
    assert sorted(one["email"] for one in rejects if one["fate"] == "refused") == sorted(REFUSED)
    assert sum(one["fate"] == "invalid" for one in rejects) == books["invalid"] == len(HOSTILE)
    assert all(one["reason"] and one["code"] for one in rejects)
    assert totals["resubscribed"] == totals["automations_fired"] == 0
    assert totals["dropped"] == {}
    assert set(totals["faults"]) > set()


def test_z(weather: Weather) -> None:
    out = weather.commands["throttles-429"]
    assert out.wait(10) == 3, out.communicate()
