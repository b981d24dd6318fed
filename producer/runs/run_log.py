"""Logs runs: a line when one is opened, blocked, let go on, and closed, with its books; whichever process saw to it."""

from typing import Final

import structlog

from producer.runs.run_events import RunEvent, take_news
from producer.runs.store import RunStore
from wire.chunk_queue.run import Run, RunState, state
from wire.process.units import SECOND_MS
from wire.store.redis import Store

FINE: Final = frozenset({RunState.SUCCEEDED, RunState.CANCELLED, RunState.SUPERSEDED})

_log = structlog.get_logger(__name__)


class RunLog:
    """Takes the news and writes the lines."""

    def __init__(self, store: Store, run_store: RunStore) -> None:
        self._store = store
        self._run_store = run_store

    async def tell_all(self) -> None:
        """Tell everything that was not told yet."""
        while events := await take_news(self._store):
            runs = {run.id: run for run in await self._run_store.look([each.run for each in events])}
            for each in events:
                if each.run in runs:
                    log_event(each, runs[each.run])


def log_event(events: RunEvent, run: Run) -> None:
    """Write the line of one run."""
    log = _log.bind(run=run.id, export=run.export_name, connection=run.connection_name, segment=run.segment)
    match events.what:
        case "opened":
            log.info(
                "run_opened",
                trigger=run.trigger,
                mode=run.mode,
                dry_run=run.dry_run,
                snapshot=run.snapshot,
                budget_seconds=(run.deadline - run.created) / SECOND_MS,
            )
        case "blocked":
            log.warning("run_blocked", code=events.code)
        case "unblocked":
            log.info("run_unblocked", code=events.code)
        case "closed":
            _tell_end(log, run)


def _tell_end(log: structlog.stdlib.BoundLogger, run: Run) -> None:
    ended = state(run)
    write = log.error if ended == RunState.FAILED or run.unbalanced else log.info if ended in FINE else log.warning
    finished = run.finished if run.finished is not None else run.created
    write(
        "run_closed",
        state=ended,
        error=run.error,
        **run.books.document(),
        kept=run.kept,
        waiting=run.leavers_waiting,
        unbalanced=run.unbalanced,
        chunks=run.chunks,
        requests=run.requests,
        throttles=run.throttles,
        seconds=(finished - run.created) / SECOND_MS,
        late_seconds=max(0, finished - run.deadline) / SECOND_MS,
    )
