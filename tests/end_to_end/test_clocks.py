"""Two producers and four workers at once, whose clocks differ by twenty minutes: times that are compared are the store's."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from deploy.local.stack import Plan, Stack
from tests.end_to_end.calling import call
from tests.end_to_end.conftest import FAST, FAST_SANDBOX, Platform
from tests.end_to_end.test_first_export import people, write

SHIFT: Final = """
import datetime, os, sys, time

seconds = 600 if "producer" in sys.orig_argv else -600 if os.getpid() % 2 else 300
real_time, real_time_ns, real_datetime = time.time, time.time_ns, datetime.datetime


class Shifted(real_datetime):
    @classmethod
    def now(cls, tz=None):
        return real_datetime.now(tz) + datetime.timedelta(seconds=seconds)


time.time = lambda: real_time() + seconds
time.time_ns = lambda: real_time_ns() + seconds * 10**9
datetime.datetime = Shifted
"""
"""A `sitecustomize`: the producers are ten minutes ahead, and the workers behind or ahead by what their process ids say."""

EXPORTS: Final = ("one", "two", "three")
CONTACTS: Final = 5_000
MANY: Final = 25_000
"""A hundred chunks, more than the look-ahead of a slow connection."""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A stack whose programs believe other times."""
    clocks = tmp_path / "clocks"
    clocks.mkdir()
    (clocks / "sitecustomize.py").write_text(SHIFT)
    sandbox = (*FAST_SANDBOX, "--list", "12:Twelve", "--list", "13:Thirteen", "--list", "14:Fourteen")
    plan = Plan(
        tmp_path / "stack", tmp_path, sandbox=(*sandbox, "--retry-after", "date"), workers=4, python_path=(clocks,)
    )
    with ExitStack() as stack:
        yield Platform(stack.enter_context(Stack(plan)))


def test_nothing_is_lost_or_sent_twice_though_no_two_clocks_agree(platform: Platform) -> None:
    """Runs are opened at both producers, one of them is killed, a Retry-After is a date, and the books close."""
    other = platform.stack.another_producer("producer-2")
    assert platform.connect(limits=FAST)[0] == 201
    for number, name in enumerate(EXPORTS):
        assert platform.export(name, list_id=str(12 + number))[0] == 201
    platform.sandbox("switches", {"faults": ["throttled:x1@import"], "throttle": "429", "retry_after_seconds": 2})
    runs = [
        published(platform, address, name)
        for address, name in zip((platform.stack.producer, other) * 2, EXPORTS, strict=False)
    ]
    platform.wait(runs[0], lambda run: run["accepted"] > 0 or run["finished"])
    platform.stack.kill("producer-2")
    for run in runs:
        done = platform.wait(run)
        assert (done["state"], done["books"]["applied"], done["accepted"]) == ("succeeded", CONTACTS, CONTACTS)
        assert done["created"] < done["started"] < done["finished"] < done["deadline"]
    assert platform.sandbox("totals")["impatience"] == 0


def published(platform: Platform, address: str, name: str) -> str:
    """Publish a refresh at one of the producers; return the run's id."""
    event = platform.event(write(platform.snapshots / f"{name}.csv", people(CONTACTS)), name)
    authorization = {"Authorization": f"Bearer {platform.stack.plan.secrets.admin_token}"}
    status, answer = call(f"http://{address}/v1/events", "POST", event, authorization)
    assert status == 202, answer
    (run,) = answer["runs"]
    return str(run)


def test_a_snapshot_that_changes_or_disappears_under_way_is_no_mixture(platform: Platform) -> None:
    """What was sent of it stands, the rest is not sent, and the run says so; those accepted are followed to their end."""
    assert platform.connect(limits=FAST | {"imports_per_minute": 60})[0] == 201
    ends: dict[str, Callable[[Path], object]] = {
        "changed": lambda file: write(file, people(MANY, MANY)),
        "gone": lambda file: file.unlink(),
    }
    runs = {}
    for number, name in enumerate(ends):
        assert platform.export(name, list_id=str(12 + number))[0] == 201
        runs[name] = platform.publish(write(platform.snapshots / f"{name}.csv", people(MANY)), name)
    for run in runs.values():
        platform.wait(run, lambda run: run["accepted"] > 0)
    platform.stack.kill("producer")
    for name, end in ends.items():
        end(platform.snapshots / f"{name}.csv")
    platform.stack.restart("producer")
    for name, run in runs.items():
        done = platform.wait(run)
        assert done["state"] == "failed"
        assert f"{name}.csv" in done["error"]
        books = done["books"]
        assert (books["applied"], books["unsent"]) == (done["accepted"], MANY - done["accepted"])
    numbers = [
        int(one.removeprefix("person").partition("@")[0]) for one in platform.sandbox("lists/12/members")["subscribed"]
    ]
    assert max(numbers) < MANY
