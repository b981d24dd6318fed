"""What the record shows on gauges: a view of it as named figures. Pure; `producer.monitoring.metrics` writes them as Prometheus reads them.

Every label comes from a closed set or is the name of an export, a connection or a segment that an export names: with E
exports, C connections and S segments there are at most 31 E + 9 C + S + 10 figures, however many runs and contacts there are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

from producer.monitoring.overview_figures import OverviewFigures
from wire.chunk_queue.run import Run, state
from wire.process.units import MINUTE_SECONDS, SECOND_MS

FATES: Final = ("applied", "refused", "unconfirmed", "unsent", "pending")

Rows: TypeAlias = dict[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure for each row of labels; no row, no figure."""

    name: str
    says: str
    labels: tuple[str, ...]
    rows: Rows


def gauges(view: OverviewFigures) -> Iterator[Gauge]:
    """Say everything that a view shows."""
    yield from _of_runs(view, _one_each(view.runs))
    yield from _of_connections(view)
    segments: Rows = {(name,): time / SECOND_MS for name, time in view.refreshed.items()}
    yield Gauge("segment_refreshed_timestamp_seconds", "When the segment was refreshed last.", ("segment",), segments)
    warned: Rows = {(export, each.code): 1 for export, found in view.warnings.items() for each in found}
    says = "1 for what has grown old at an export, or never came."
    yield Gauge("export_warning", says, ("export", "code"), warned)
    for name, says, value in (
        ("queue_messages", "Bells on the queue that no worker has taken.", view.census.queued),
        ("workers_wanted", "Worker processes the accounts' allowances can keep busy.", view.workers_wanted),
        ("workers_present", "Worker processes that renewed their leases within 30 seconds.", view.census.workers),
        ("worker_threads_present", "Threads of the worker processes that are present.", view.census.threads),
        ("event_stream_lag", "Events of the stream that are not acknowledged.", view.events.waiting),
        ("notifications_waiting", "Messages to notification channels that are on their way.", view.letters.waiting),
        ("dead_notifications", "Messages that could not be delivered, of the last 30 days.", view.letters.dead),
        ("dead_events", "Events of the stream that could not be taken, of the last 30 days.", view.events.dead),
        ("store_memory_bytes", "Memory that the store uses.", view.memory.used_bytes),
        ("store_memory_limit_bytes", "The store's maxmemory; 0 if it has none.", view.memory.limit_bytes),
    ):
        yield Gauge(name, says, (), {(): value})


def _of_runs(view: OverviewFigures, runs: list[Run]) -> Iterator[Gauge]:
    def each(name: str, says: str, value: Callable[[Run], float | None]) -> Gauge:
        found = ((run, value(run)) for run in runs)
        return Gauge(name, says, ("export",), {(run.export_name,): one for run, one in found if one is not None})

    def each_of(name: str, says: str, label: str, values: Callable[[Run], Mapping[str, float]]) -> Gauge:
        rows: Rows = {(run.export_name, of): value for run in runs for of, value in values(run).items()}
        return Gauge(name, says, ("export", label), rows)

    yield each_of(
        "run_contacts",
        "Contacts of an export's newest run by fate.",
        "state",
        lambda run: {fate: getattr(run.books, fate) for fate in FATES},
    )
    yield each_of(
        "run_leavers",
        "Members who left the segment, by what became of them.",
        "state",
        lambda run: {
            **asdict(run.leavers),
            "pending": run.leaving - run.leavers.settled,
            "kept": run.kept,
            "waiting": run.leavers_waiting,
        },
    )
    yield each_of(
        "run_chunks",
        "Chunks of the run that wait to be sent, or whose batch is worked off.",
        "state",
        lambda run: {"ready": run.ready_chunks, "accepted": run.accepted_chunks},
    )
    yield each_of("run_state", "1 for the state that the run is in.", "state", lambda run: {state(run): 1})
    yield each_of(
        "run_blocked",
        "1 for what stops the run or its connection.",
        "code",
        lambda run: {run.block.code: 1} if run.block and not run.over else {},
    )
    yield each(
        "run_accepted_contacts", "Contacts ActiveCampaign queued, sent again included.", lambda run: run.accepted
    )
    yield each("run_requests", "Requests to ActiveCampaign for the run.", lambda run: run.requests)
    yield each("run_imports", "Imports sent for the run; they are among its requests.", lambda run: run.imports)
    yield each("run_forecast_imports", "Imports that the run's survey foresaw.", lambda run: _foreseen(run, "requests"))
    yield each("run_sending_seconds", "From the run's first import to its last so far.", _sending_seconds)
    yield each(
        "run_forecast_sending_seconds",
        "How long the imports take, as the run's survey foresaw it.",
        lambda run: _foreseen(run, "minutes", MINUTE_SECONDS),
    )
    yield each("run_throttles", "Answers to the run that said that a limit was hit.", lambda run: run.throttles)
    yield each("run_started_timestamp_seconds", "When the run began.", lambda run: _seconds(run.begun))
    yield each("run_deadline_timestamp_seconds", "When the run is to be over.", lambda run: _seconds(run.deadline))
    yield each(
        "run_budget_seconds", "From the run's event to its deadline.", lambda run: _seconds(run.deadline - run.created)
    )
    yield each(
        "run_projected_finish_timestamp_seconds",
        "When the run will be over, or was.",
        lambda run: _seconds(view.finishes.get(run.id)),
    )
    yield each("run_unbalanced", "Contacts without a fate, or with two.", _unbalanced)
    rows: Rows = {(run.export_name, run.connection_name, run.segment): 1.0 for run in runs}
    yield Gauge("run_info", "1: which connection and segment the run is of.", ("export", "connection", "segment"), rows)


def _of_connections(view: OverviewFigures) -> Iterator[Gauge]:
    chunks: Rows = defaultdict(float)
    leased: Rows = defaultdict(float)
    oldest: Rows = defaultdict(float)
    accounts: dict[tuple[str, ...], str] = {}
    for run in view.runs:
        one = run.connection_name
        chunks[one, "ready"] += run.ready_chunks
        chunks[one, "accepted"] += run.accepted_chunks
        accounts[one,] = view.account_of(run)
        waiting = view.pipes.runs.get(run.id)
        leased[one, "deliver"] += waiting.delivering if waiting else 0
        leased[one, "confirm"] += waiting.confirming if waiting else 0
        oldest[one,] = max(oldest[one,], waiting.oldest_due_ms / SECOND_MS if waiting else 0)
    limits = {each.account: each.imports_per_minute for each in view.census.accounts}
    gates = view.pipes.gates

    def each(name: str, says: str, value: Callable[[str], float]) -> Gauge:
        return Gauge(name, says, ("connection",), {one: value(account) for one, account in accounts.items()})

    yield Gauge("lane_chunks", "Chunks of a connection, to deliver or to confirm.", ("connection", "state"), chunks)
    yield Gauge("leased_chunks", "Chunks of a connection in workers' hands.", ("connection", "lane"), leased)
    yield Gauge("oldest_ready_chunk_age_seconds", "How long a chunk that may go has waited.", ("connection",), oldest)
    yield each(
        "allowance_used_ratio", "Share of the account's imports used in the last minute.", lambda a: view.used.get(a, 0)
    )
    yield each(
        "gate_closed_seconds",
        "How long nobody may send to the account yet; 0: the gate is open.",
        lambda a: gates[a].opens_in_ms / SECOND_MS if a in gates else 0,
    )
    yield each(
        "pace_ratio",
        "Share of the account's imports that is used at most; below 1 after a throttle.",
        lambda a: gates[a].share if a in gates else 1,
    )
    rows: Rows = {one: limits[account] / MINUTE_SECONDS for one, account in accounts.items() if account in limits}
    says = "Imports a second that the account allows."
    yield Gauge("allowance_imports_per_second", says, ("connection",), rows)


def _one_each(runs: tuple[Run, ...]) -> list[Run]:
    """One run an export, by its name: the one that works on the list, or the newest."""
    chosen: dict[str, Run] = {}
    for run in runs:
        known = chosen.get(run.export_name)
        if known is None or (run.begun is not None and not run.over):
            chosen[run.export_name] = run
    return list(chosen.values())


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / SECOND_MS


def _foreseen(run: Run, figure: str, seconds: float = 1) -> float | None:
    return run.forecast[figure] * seconds if run.forecast and figure in run.forecast else None


def _sending_seconds(run: Run) -> float | None:
    if run.first_import is None or run.last_import is None:
        return None
    return (run.last_import - run.first_import) / SECOND_MS


def _unbalanced(run: Run) -> int:
    """What the record found when the run ended, and before that what its books say already."""
    books = run.books
    told = books.invalid + books.duplicate + books.unchanged + books.held_back + books.selected
    unread = 0 if run.surveyed is None else abs(books.read - told)
    return abs(run.unbalanced) + unread + (0 if run.over else max(0, -books.pending))
