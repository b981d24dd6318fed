"""Counts what the worker reports; names and labels are fixed by the design, label values come from closed sets."""

import os
from contextlib import suppress
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, multiprocess, start_http_server

from worker.reports import Asked, Paced, Report, Settled

COUNTED: Final = ("accepted", "applied", "refused", "unconfirmed")
MANY_PROCESSES: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Set by `worker.__main__` for more than one process, before prometheus_client is imported."""

REQUEST_BUCKETS: Final = (0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)
WAIT_BUCKETS: Final = (0.05, 0.1, 0.2, 0.5, 0.6, 1, 2, 5)


class Metrics:
    """The worker's metrics; as a listener it counts each report once."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
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

    def __call__(self, report: Report) -> None:
        """Count a report."""
        match report:
            case Paced(seconds):
                self._waits.observe(seconds)
            case Asked():
                self._requests.labels(report.connection, report.endpoint, report.status).inc()
                self._durations.labels(report.connection, report.endpoint).observe(report.seconds)
                if report.throttled:
                    self._throttled.labels(report.connection).inc()
            case Settled():
                for name in COUNTED if report.kept else ():
                    if contacts := report.books.get(name, 0):
                        self._contacts.labels(report.export, name).inc(contacts)


def serve(port: int, registry: CollectorRegistry = REGISTRY) -> None:
    """Serve the metrics; of several processes the first serves those of all, from the files they share.

    OSError if the port is taken by somebody else.
    """
    if MANY_PROCESSES not in os.environ:
        start_http_server(port, registry=registry)
        return
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    with suppress(OSError):
        start_http_server(port, registry=shared)
