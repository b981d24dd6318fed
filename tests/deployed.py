"""What is deployed, as the tests of deploy/ see it: rendered manifests, and what our programs call things."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from prometheus_client import CollectorRegistry

from producer.intake.stream_entry import EventCounts
from producer.monitoring.gauges import gauges
from producer.monitoring.metrics import Metrics as ProducerMetrics
from producer.monitoring.overview import Overview
from producer.monitoring.overview_figures import OverviewFigures
from producer.monitoring.queue_figures import QueueStats, StoreMemory
from wire.chunk_queue.account_load import Census
from worker.metrics import Metrics as WorkerMetrics

ROOT: Final = Path(__file__).parents[1]
DEPLOY: Final = ROOT / "deploy"
PROGRAMS: Final = Path(sys.executable).parent
"""Where development dependencies put their commands, on PATH or not."""

OVERLAYS: Final = ("dev", "prod", "plain")
PREFIX: Final = "segment_export_"
EMPTY: Final = OverviewFigures(
    (), {}, Census(0, 0, 0, (), 0), {}, EventCounts(0, 0), QueueStats({}, {}), StoreMemory(0, 0), {}
)

Document = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Document, ...]:
    """The manifests of an overlay, as `kubectl apply --kustomize` would send them."""
    command = [str(PROGRAMS / "kubectl"), "kustomize", str(DEPLOY / "kubernetes" / "overlays" / overlay)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    return tuple(yaml.safe_load_all(told.stdout))


def of_kind(overlay: str, *kinds: str) -> Iterator[Document]:
    """The documents of an overlay that are of these kinds."""
    return (each for each in rendered(overlay) if each["kind"] in kinds)


def named(overlay: str, kind: str, name: str) -> Document:
    """The one document of this kind and name; a generated name's digest is not looked at."""
    (found,) = (
        each for each in of_kind(overlay, kind) if re.sub(r"-[a-z0-9]{10}$", "", each["metadata"]["name"]) == name
    )
    return found


def pods(overlay: str) -> Iterator[tuple[str, Document]]:
    """The pod templates of an overlay, with the names of what makes them."""
    for each in of_kind(overlay, "Deployment", "StatefulSet"):
        yield each["metadata"]["name"], each["spec"]["template"]


def metric_names() -> set[str]:
    """The names under which Prometheus finds what our programs expose."""
    registry = CollectorRegistry()
    WorkerMetrics(registry)
    producers = CollectorRegistry()
    overview: Overview = None  # type: ignore[assignment]  # nothing is asked of it
    ProducerMetrics(overview, producers, settings={"budget_minutes": "90"})
    names = {f"{PREFIX}{gauge.name}" for gauge in gauges(EMPTY)} | {f"{PREFIX}store_up"}
    for family in (*registry.collect(), *producers.collect()):
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names |= {family.name + suffix for suffix in suffixes}
    return names


def metrics_in(expression: str) -> set[str]:
    """The metrics that a query names, ours and recorded ones."""
    without_strings = re.sub(r'"[^"]*"', '""', expression)
    return set(re.findall(r"[a-z_:]*segment_export[a-z0-9_:]+", without_strings))
