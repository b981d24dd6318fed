"""What a worker reports is counted once, and logged without anything personal."""

import platform
from importlib.metadata import version
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from wire.chunk_queue.chunk import Book
from worker import report_log
from worker.metrics import COUNTED, Metrics
from worker.reports import PacingReport, RequestReport, SettleReport, WorkerReport

SETTLED = SettleReport("r1", "vips", "3", "a-batch", "Done", {"accepted": 248, "refused": 2}, kept=True)
ASKED = RequestReport("main", "import", "200", 0.25, "a-request", throttled=False, run="r1", chunk="3")


def counted(*reports: WorkerReport) -> dict[str, float]:
    """Every figure that is not nought after these reports, by name and labels."""
    registry = CollectorRegistry()
    listen = Metrics(registry)
    for report in reports:
        listen(report)
    return {
        f"{sample.name}{{{','.join(sample.labels.values())}}}": sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.value and not sample.name.endswith(("_created", "_bucket"))
    }


def told(report: WorkerReport) -> list[dict[str, object]]:
    with capture_logs() as lines:
        report_log.log_report(report)
    return [dict(line) for line in lines]


def test_contacts_are_counted_by_export_and_outcome() -> None:
    """Each report once, and reports add up."""
    assert counted(SETTLED) == {
        "segment_export_contacts_total{vips,accepted}": 248,
        "segment_export_contacts_total{vips,refused}": 2,
        "segment_export_outcomes_total{Done,yes}": 1,
    }
    assert counted(SETTLED, SETTLED)["segment_export_contacts_total{vips,accepted}"] == 496


def test_an_outcome_that_was_not_kept_is_not_counted() -> None:
    """The chunk was no longer ours: whoever has it counts its contacts."""
    found = counted(SettleReport("r1", "vips", "3", "a-batch", "Done", {"accepted": 250}, kept=False))
    assert found == {"segment_export_outcomes_total{Done,no}": 1}


def test_of_the_books_only_the_fates_that_workers_write_are_counted() -> None:
    """`unsent` and `unmatched` are the record's to show."""
    books: dict[Book, int] = dict.fromkeys(get_args(Book), 1)
    found = counted(SettleReport("r1", "vips", "3", None, "Applied", books, kept=True))
    fates = {name: value for name, value in found.items() if "contacts" in name}
    assert fates == {f"segment_export_contacts_total{{vips,{outcome}}}": 1 for outcome in COUNTED}


def test_a_request_is_counted_by_its_status_and_its_time_is_kept() -> None:
    """Of a throttle there is one more figure."""
    assert counted(ASKED) == {
        "segment_export_requests_total{main,import,200}": 1,
        "segment_export_request_duration_seconds_count{main,import}": 1,
        "segment_export_request_duration_seconds_sum{main,import}": 0.25,
    }
    throttled = RequestReport("main", "info", "429", 0.5, None, throttled=True, run="r1", chunk="3")
    assert counted(throttled)["segment_export_requests_total{main,info,429}"] == 1
    assert counted(throttled)["segment_export_throttled_total{main}"] == 1


def test_a_wait_for_the_pacer_is_kept() -> None:
    """In seconds."""
    assert counted(PacingReport(0.5), PacingReport(0.25)) == {
        "segment_export_pacing_wait_seconds_count{}": 2,
        "segment_export_pacing_wait_seconds_sum{}": 0.75,
    }


def test_what_a_process_is_and_holds_is_shown() -> None:
    """With its version, so that a rollout can be watched."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.opened(32)
    metrics.holds(3)
    metrics.swept(2)
    metrics.swept(0)
    assert registry.get_sample_value("segment_export_worker_threads") == 32
    assert registry.get_sample_value("segment_export_chunks_in_hand") == 3
    assert registry.get_sample_value("segment_export_sweeps_total") == 2
    assert registry.get_sample_value("segment_export_bells_rung_total") == 2
    labels = {"program": "worker", "version": version("segment-export"), "python": platform.python_version()}
    assert registry.get_sample_value("segment_export_build_info", labels) == 1


def test_a_wait_for_the_pacer_is_no_line() -> None:
    """There are as many as requests."""
    assert told(PacingReport(0.5)) == []


def test_an_answer_is_a_line_with_ids_and_figures() -> None:
    """ActiveCampaign's support asks for the request's id."""
    assert told(ASKED) == [
        {
            "event": "activecampaign_answered",
            "log_level": "info",
            "run": "r1",
            "chunk": "3",
            "endpoint": "import",
            "connection": "main",
            "status": "200",
            "request_id": "a-request",
            "seconds": 0.25,
        }
    ]


@pytest.mark.parametrize(
    ("status", "level"),
    [("200", "info"), ("201", "info"), ("400", "warning"), ("503", "warning"), ("error", "warning")],
)
def test_an_answer_that_is_no_good_is_a_warning(status: str, level: str) -> None:
    """As is none at all."""
    (line,) = told(RequestReport("main", "import", status, 0.1, None, throttled=False, run="r1", chunk="3"))
    assert (line["log_level"], line["status"]) == (level, status)


def test_an_outcome_is_a_line_with_its_figures() -> None:
    """And the batch by which ActiveCampaign knows it."""
    assert told(SETTLED) == [
        {
            "event": "chunk_settled",
            "log_level": "info",
            "run": "r1",
            "chunk": "3",
            "batch": "a-batch",
            "verdict": "Done",
            "accepted": 248,
            "refused": 2,
        }
    ]


def test_an_outcome_that_was_not_kept_says_so() -> None:
    """Or its figures would be read as counted."""
    (line,) = told(SettleReport("r1", "vips", "3", "a-batch", "Done", {"accepted": 250}, kept=False))
    assert line["event"] == "outcome_was_stale"


@pytest.mark.parametrize("verdict", ["Poll", "NotSent"])
def test_what_happens_all_the_time_is_for_debugging_only(verdict: str) -> None:
    """A run of 4,000 batches asks 5,000 times."""
    (line,) = told(SettleReport("r1", "vips", "3", "a-batch", verdict, {}, kept=True))
    assert line["log_level"] == "debug"
