"""Logs what the worker reports: one line a request that went wrong, one an outcome; ids and figures, never an address."""

import structlog

from worker.reports import PacingReport, RequestReport, SettleReport, WorkerReport

_log = structlog.get_logger(__name__)


def log_report(report: WorkerReport) -> None:
    """Log a report."""
    match report:
        case PacingReport():
            return
        case RequestReport():
            write = _log.info if report.status.startswith("2") else _log.warning
            write(
                "activecampaign_answered",
                run=report.run,
                chunk=report.chunk,
                endpoint=report.endpoint,
                connection=report.connection,
                status=report.status,
                request_id=report.request_id,
                seconds=round(report.seconds, 3),
            )
        case SettleReport():
            write = _log.debug if report.verdict in {"Poll", "NotSent"} else _log.info
            write(
                "chunk_settled" if report.kept else "outcome_was_stale",
                run=report.run,
                chunk=report.chunk,
                batch=report.batch,
                verdict=report.verdict,
                **{str(name): contacts for name, contacts in report.books.items()},
            )
