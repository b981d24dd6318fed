"""Events on every way that publishers have besides the plain call, through real processes to the list."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from redis import Redis

from tests.end_to_end.conftest import Platform
from tests.end_to_end.test_first_export import people, write

Up = Callable[..., Platform]

STREAM = "segment-export:events"
SECONDS = 30.0


@pytest.fixture
def ready(platform: Up) -> Platform:
    """A stack with a connection and an export."""
    found = platform(workers=1)
    assert found.connect()[0] == 201
    assert found.export()[0] == 201
    return found


def event(identity: str, snapshot: Path) -> CloudEvent:
    """A refresh as the CloudEvents project's own library makes it."""
    attributes = {"id": identity, "source": "/cdp", "type": "segment.refreshed", "specversion": "1.0", "subject": "vip"}
    content = {"datacontenttype": "application/json"}
    return CloudEvent(attributes | content, {"segment": "vip", "snapshot": str(snapshot)})


def awaited(look: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Look until there is something to see."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing to see after {seconds} s")


def test_an_event_appended_to_the_stream_becomes_a_run_and_a_poison_one_is_shown_dead(ready: Platform) -> None:
    """Though no producer ran at the time, and whatever stood before it; API and metrics count what could not be taken."""
    snapshot = write(ready.snapshots / "vip.csv", people(300))
    ready.stack.kill("producer")
    with Redis(port=ready.stack.valkey_port) as redis:
        redis.xadd(STREAM, {"event": b"no JSON"})
        redis.xadd(STREAM, {"event": to_structured_event(event("1", snapshot)).body})
        redis.xadd(STREAM, {"event": to_structured_event(event("1", snapshot)).body})
    ready.stack.restart("producer")
    (run,) = awaited(lambda: ready.get("/v1/runs")["items"])
    done = ready.wait(run["id"])
    assert (done["state"], done["trigger"], done["books"]["applied"]) == ("succeeded", "event", 300)
    (dead,) = ready.get("/v1/events?state=dead")["items"]
    assert (dead["cause"], dead["id"]) == ("malformed", None)
    metrics = ready.metrics(ready.stack.producer)
    assert (metrics["segment_export_dead_events"], metrics["segment_export_event_stream_lag"]) == (1, 0)
    assert len(ready.get("/v1/runs")["items"]) == 1


def test_an_event_in_binary_mode_becomes_a_run(ready: Platform) -> None:
    """Context in headers, data in the body, as the library sends it."""
    message = to_binary_event(event("1", write(ready.snapshots / "vip.csv", people(3))))
    headers = {**message.headers, "Authorization": f"Bearer {ready.stack.plan.secrets.admin_token}"}
    request = Request(f"http://{ready.stack.producer}/v1/events", message.body, headers, method="POST")
    with urlopen(request, timeout=30) as answer:
        assert answer.status == 202
    (run,) = ready.get("/v1/runs")["items"]
    done = ready.wait(run["id"])
    assert (done["state"], done["books"]["applied"]) == ("succeeded", 3)
