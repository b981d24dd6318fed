"""The producer's metrics: profiles counted where they are surveyed, and gauges that show the record as it is when asked."""

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from producer.monitoring.gauges import gauges
from producer.monitoring.overview import Overview
from producer.monitoring.overview_figures import OverviewFigures
from producer.notifications.sender import SendReport
from producer.pipeline.survey import Survey
from wire.chunk_queue.run import Run
from wire.store.results import StoreError

PREFIX: Final = "segment_export_"
OUTCOMES: Final = ("read", "invalid", "duplicate", "unchanged", "held_back", "selected")


class Metrics:
    """Counts surveys, and exposes them with the view of the moment."""

    def __init__(
        self, overview: Overview, registry: CollectorRegistry = REGISTRY, *, settings: Mapping[str, str] | None = None
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody asks for
        self._registry = registry
        self._overview = overview
        self._profiles = Counter(
            f"{PREFIX}profiles", "Profiles by what the survey found.", ["export", "outcome"], registry=registry
        )
        self._sweeps = Counter(
            f"{PREFIX}sweeps", "Looks at all lanes for chunks that nobody is on the way to.", registry=registry
        )
        self._bells = Counter(f"{PREFIX}bells_rung", "Bells that sweeps rang.", registry=registry)
        self._posted = Counter(
            f"{PREFIX}notifications",
            "Attempts to deliver a message to a notification channel.",
            ["kind", "outcome"],
            registry=registry,
        )
        info = {"program": "producer", "version": version("segment-export"), "python": platform.python_version()}
        self._info("build_info", "1: the program and its version.", info)
        if settings:
            self._info("settings_info", "1: the settings that matter to whoever reads the metrics.", settings)

    def _info(self, name: str, says: str, labels: Mapping[str, str]) -> None:
        Gauge(f"{PREFIX}{name}", says, list(labels), registry=self._registry).labels(**labels).set(1)

    def swept(self, bells: int) -> None:
        """Count a sweep and the bells it rang."""
        self._sweeps.inc()
        self._bells.inc(bells)

    def posted(self, posted: SendReport) -> None:
        """Count an attempt to deliver a message."""
        self._posted.labels(posted.kind, posted.outcome).inc()

    def surveyed(self, run: Run, survey: Survey) -> None:
        """Count a survey that the record has taken."""
        for outcome, profiles in survey.figures().items():
            if outcome in OUTCOMES:
                self._profiles.labels(run.export_name, outcome).inc(profiles)

    async def exposition(self) -> tuple[bytes, str]:
        """Write all metrics; without the record's gauges while the store does not answer."""
        shown = CollectorRegistry()
        shown.register(_Registered(self._registry))
        answers = Gauge(
            f"{PREFIX}store_up", "1 while the store answers; 0: the record's figures are missing.", registry=shown
        )
        try:
            shown.register(_Gauges(await self._overview.view()))
            answers.set(1)
        except StoreError:
            answers.set(0)
        return generate_latest(shown), CONTENT_TYPE_LATEST


class _Registered(Collector):
    """Everything of another registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        return iter(self._registry.collect())


class _Gauges(Collector):
    """A view as gauges."""

    def __init__(self, view: OverviewFigures) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        for gauge in gauges(self._view):
            family = GaugeMetricFamily(f"{PREFIX}{gauge.name}", gauge.says, labels=gauge.labels)
            for labels, value in gauge.rows.items():
                family.add_metric(labels, value)
            yield family
