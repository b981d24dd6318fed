"""A worker's metrics and health over HTTP: each at its path, and an answer while the event loop has none."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry

from deploy.local.valkey import free_port
from worker.health_server import serve
from worker.liveness import STILL_SECONDS, Liveness
from worker.metrics import Metrics, exposition
from worker.reports import PacingReport, RequestReport, SettleReport


@contextmanager
def served(liveness: Liveness) -> Iterator[str]:
    """A worker's pages."""
    registry, port = CollectorRegistry(), free_port()
    Metrics(registry).opened(32)
    server = serve(port, liveness, exposition(registry))
    assert server is not None
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    server.server_close()


def fetch(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_each_path_answers_for_itself() -> None:
    """And nothing else is there."""
    liveness = Liveness()
    with served(liveness) as url:
        status, text = fetch(f"{url}/metrics")
        assert (status, "segment_export_worker_threads 32.0" in text) == (200, True)
        assert fetch(f"{url}/healthz") == (200, '{"ok":true,"problems":[]}')
        assert fetch(f"{url}/readyz")[0] == 503
        liveness.renewed()
        assert fetch(f"{url}/readyz")[0] == 200
        assert fetch(f"{url}/")[0] == 404


def test_a_loop_that_hangs_is_told_to_whoever_asks() -> None:
    """The pages are served beside it."""
    now = [0.0]
    liveness = Liveness(clock=lambda: now[0])
    with served(liveness) as url:
        now[0] = STILL_SECONDS + 1
        status, text = fetch(f"{url}/healthz")
        assert (status, json.loads(text)["problems"]) == (503, ["the event loop has not turned for 31 s"])


def test_a_port_that_is_taken_is_an_error_unless_another_process_of_the_worker_has_it() -> None:
    """Of several processes the first serves for all."""
    port = free_port()
    first = serve(port, Liveness(), exposition(CollectorRegistry()))
    assert first is not None
    assert serve(port, Liveness(), exposition(CollectorRegistry()), shared=True) is None
    with pytest.raises(OSError, match="in use"):
        serve(port, Liveness(), exposition(CollectorRegistry()))
    first.shutdown()
    first.server_close()


@pytest.mark.needs("promtool")
def test_promtool_finds_nothing_to_say_about_what_a_worker_shows() -> None:
    """Names, units and help, as Prometheus' own lint sees them."""
    registry, port = CollectorRegistry(), free_port()
    metrics = Metrics(registry)
    metrics.opened(32)
    metrics(RequestReport("main", "import", "429", 0.25, None, throttled=True, run="r1", chunk="3"))
    metrics(SettleReport("r1", "vips", "3", "a-batch", "Done", {"accepted": 250, "refused": 1}, kept=True))
    metrics(PacingReport(0.5))
    server = serve(port, Liveness(), exposition(registry))
    assert server is not None
    _, text = fetch(f"http://127.0.0.1:{port}/metrics")
    server.shutdown()
    server.server_close()
    told = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
