"""The producer's metrics: profiles counted where they are surveyed, and gauges that show the record as it is when asked."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from producer.overview import Overview, View
from producer.surveying import Survey
from wire.runs import Run, state
from wire.store import StoreError

OUTCOMES: Final = ("read", "invalid", "duplicate", "unchanged", "held_back", "selected")
STATES: Final = ("applied", "refused", "unconfirmed", "unsent", "pending")
SECOND_MS: Final = 1000


class Metrics:
    """Counts surveys, and exposes them with the view of the moment."""

    def __init__(self, overview: Overview, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._overview = overview
        self._profiles = Counter(
            "segment_export_profiles", "Profiles by what the survey found.", ["export", "outcome"], registry=registry
        )

    def surveyed(self, run: Run, survey: Survey) -> None:
        """Count a survey that the record has taken."""
        for outcome, profiles in survey.figures().items():
            if outcome in OUTCOMES:
                self._profiles.labels(run.export_name, outcome).inc(profiles)

    async def exposition(self) -> tuple[bytes, str]:
        """Write all metrics; without the record's gauges while the store does not answer."""
        shown = CollectorRegistry()
        shown.register(_Registered(self._registry))
        with suppress(StoreError):
            shown.register(_Gauges(await self._overview.view()))
        return generate_latest(shown), CONTENT_TYPE_LATEST


class _Registered(Collector):
    """Everything of another registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        return iter(self._registry.collect())


class _Gauges(Collector):
    """A view as gauges."""

    def __init__(self, view: View) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        yield from self._of_runs()
        yield from self._of_lanes()

    def _of_runs(self) -> Iterator[Metric]:
        contacts = _gauge("run_contacts", "Contacts of an export's newest run by fate.", "export", "state")
        started = _gauge("run_started_timestamp_seconds", "When the run began.", "export")
        deadline = _gauge("run_deadline_timestamp_seconds", "When the run is to be over.", "export")
        finish = _gauge("run_projected_finish_timestamp_seconds", "When the run will be over, or was.", "export")
        unbalanced = _gauge("run_unbalanced", "Contacts without a fate, or with two, in a run that is over.", "export")
        running = _gauge("run_state", "1 for the state that the run is in.", "export", "state")
        for run in _one_each(self._view.runs):
            for name in STATES:
                contacts.add_metric([run.export_name, name], getattr(run.books, name))
            if run.begun is not None:
                started.add_metric([run.export_name], run.begun / SECOND_MS)
            deadline.add_metric([run.export_name], run.deadline / SECOND_MS)
            if run.id in self._view.finishes:
                finish.add_metric([run.export_name], self._view.finishes[run.id] / SECOND_MS)
            unbalanced.add_metric([run.export_name], abs(run.unbalanced))
            running.add_metric([run.export_name, state(run)], 1)
        yield from (contacts, started, deadline, finish, unbalanced, running)

    def _of_lanes(self) -> Iterator[Metric]:
        view = self._view
        chunks: dict[tuple[str, str], int] = defaultdict(int)
        accounts = {}
        for run in view.runs:
            chunks[run.connection_name, "ready"] += run.ready_chunks
            chunks[run.connection_name, "accepted"] += run.accepted_chunks
            accounts[run.connection_name] = run.account
        lanes = _gauge("lane_chunks", "Chunks of a connection, to deliver or to confirm.", "connection", "state")
        for (connection, name), count in chunks.items():
            lanes.add_metric([connection, name], count)
        used = _gauge("allowance_used_ratio", "Share of the account's imports used in the last minute.", "connection")
        for connection, account in accounts.items():
            used.add_metric([connection], view.used.get(account, 0.0))
        yield from (lanes, used)
        for name, text, value in (
            ("queue_messages", "Bells on the queue that no worker has taken.", view.census.queued),
            ("workers_wanted", "Worker processes the accounts' allowances can keep busy.", view.workers_wanted),
            ("event_stream_lag", "Events of the stream that are not acknowledged.", view.events.waiting),
            ("dead_events", "Events of the stream that could not be taken, of the last 30 days.", view.events.dead),
        ):
            yield GaugeMetricFamily(f"segment_export_{name}", text, value=value)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"segment_export_{name}", text, labels=labels)


def _one_each(runs: tuple[Run, ...]) -> list[Run]:
    """One run an export: the one that works on the list, or the newest."""
    chosen: dict[str, Run] = {}
    for run in runs:
        known = chosen.get(run.export)
        if known is None or (run.begun is not None and not run.over):
            chosen[run.export] = run
    return list(chosen.values())
