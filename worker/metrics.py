"""Counts what the worker reports; names and labels are fixed by the design, label values come from closed sets.

With E exports, C connections and T different statuses in ActiveCampaign's answers (usually under ten) a worker has at most
4 E + (76 + 5 T) C + 80 figures: four outcomes an export; of five endpoints a connection 15 figures of duration, and each status.
"""

import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    make_wsgi_app,
    multiprocess,
)

from worker.reports import PacingReport, RequestReport, SettleReport, WorkerReport

COUNTED: Final = ("accepted", "applied", "refused", "unconfirmed")
MANY_PROCESSES: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Set by `worker.__main__` for more than one process, before prometheus_client is imported."""

REQUEST_BUCKETS: Final = (0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)
WAIT_BUCKETS: Final = (0.05, 0.1, 0.2, 0.5, 0.6, 1, 2, 5)


class Metrics:
    """The worker's metrics; as a listener it counts each report once."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody asks for
        self._contacts = Counter(
            "segment_export_contacts", "Contacts by what became of them.", ["export", "outcome"], registry=registry
        )
        self._requests = Counter(
            "segment_export_requests",
            "Requests to ActiveCampaign by HTTP status, or `error` where no answer came.",
            ["connection", "endpoint", "status"],
            registry=registry,
        )
        self._durations = Histogram(
            "segment_export_request_duration_seconds",
            "Time from sending a request to its answer.",
            ["connection", "endpoint"],
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self._throttled = Counter(
            "segment_export_throttled", "Answers that said that a limit was hit.", ["connection"], registry=registry
        )
        self._waits = Histogram(
            "segment_export_pacing_wait_seconds",
            "Time a request waited for its turn within the account's limits.",
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self._outcomes = Counter(
            "segment_export_outcomes",
            "Outcomes of chunks by verdict; not kept: the chunk was no longer in this worker's hands.",
            ["verdict", "kept"],
            registry=registry,
        )
        self._sweeps = Counter(
            "segment_export_sweeps", "Looks at all lanes for chunks that nobody is on the way to.", registry=registry
        )
        self._wakeup_count = Counter("segment_export_bells_rung", "Bells that sweeps rang.", registry=registry)
        self._leased_chunks = Gauge(
            "segment_export_chunks_in_hand",
            "Chunks that this worker works on.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._threads = Gauge(
            "segment_export_worker_threads",
            "Chunks that this worker can work on at once.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._build = Gauge(
            "segment_export_build_info",
            "1: the program and its version.",
            ["program", "version", "python"],
            registry=registry,
            multiprocess_mode="max",
        )

    def opened(self, threads: int) -> None:
        """Say what runs here, and how many threads it has."""
        self._build.labels("worker", version("segment-export"), platform.python_version()).set(1)
        self._threads.set(threads)

    def swept(self, bells: int) -> None:
        """Count a sweep and the bells it rang."""
        self._sweeps.inc()
        self._wakeup_count.inc(bells)

    def holds(self, chunks: int) -> None:
        """Say how many chunks are in hand."""
        self._leased_chunks.set(chunks)

    def __call__(self, report: WorkerReport) -> None:
        """Count a report."""
        match report:
            case PacingReport(seconds):
                self._waits.observe(seconds)
            case RequestReport():
                self._requests.labels(report.connection, report.endpoint, report.status).inc()
                self._durations.labels(report.connection, report.endpoint).observe(report.seconds)
                if report.throttled:
                    self._throttled.labels(report.connection).inc()
            case SettleReport():
                self._outcomes.labels(report.verdict, "yes" if report.kept else "no").inc()
                for name in COUNTED if report.kept else ():
                    if contacts := report.books.get(name, 0):
                        self._contacts.labels(report.export, name).inc(contacts)


def exposition(registry: CollectorRegistry = REGISTRY) -> Callable[..., object]:
    """Make the WSGI application that shows the metrics; of several processes, those of all from the files they share."""
    if MANY_PROCESSES not in os.environ:
        return make_wsgi_app(registry)
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    return make_wsgi_app(shared)


def is_shared() -> bool:
    """Whether other processes of this worker show the same metrics."""
    return MANY_PROCESSES in os.environ
