"""What a view shows: figures by name, and never more of them than is promised."""

from dataclasses import replace
from typing import Any

from producer.intake.stream_entry import EventCounts
from producer.monitoring.gauges import gauges
from producer.monitoring.overview_figures import OverviewFigures
from producer.monitoring.queue_figures import QueueStats, RateLimitPause, StoreMemory, WaitingChunks
from producer.registry.staleness import StalenessWarning, WarningCode
from tests.unit.records import NOW, a_run, block_record
from wire.chunk_queue.account_load import AccountLoad, Census
from wire.chunk_queue.run import Run


def an_export(number: int, connection: int, **fields: Any) -> Run:
    """A run that shows all that one can show."""
    said: dict[str, Any] = {
        "export": f"e{number}",
        "export_name": f"export{number}",
        "connection_name": f"connection{connection}",
        "account": f"account{connection}",
        "begun": NOW,
        "surveyed": NOW,
        "read": 10,
        "selected": 10,
        "forecast": '{"requests":4,"minutes":0.5}',
        "first_import": NOW,
        "last_import": NOW + 45_000,
    }
    return a_run(ready_chunks=1, accepted_chunks=2, blocks=[block_record()], **(said | fields))


def a_view(*runs: Run, segments: int = 1) -> OverviewFigures:
    """A view of these runs."""
    accounts = {run.account for run in runs}
    return OverviewFigures(
        runs=runs,
        finishes={run.id: NOW for run in runs},
        census=Census(NOW, 2, 64, tuple(AccountLoad(account, 100, 0, 8) for account in accounts), 3),
        used=dict.fromkeys(accounts, 0.5),
        events=EventCounts(1, 2),
        pipes=QueueStats(
            dict.fromkeys(accounts, RateLimitPause(30_000, 0.5)), {run.id: WaitingChunks(60_000, 1, 2) for run in runs}
        ),
        memory=StoreMemory(50, 100),
        refreshed={f"segment{number}": NOW for number in range(segments)},
    )


def figures(view: OverviewFigures) -> int:
    """How many series a view makes."""
    return sum(len(gauge.rows) for gauge in gauges(view))


def shown(view: OverviewFigures, name: str) -> dict[tuple[str, ...], float]:
    """The rows of one gauge."""
    (found,) = (gauge.rows for gauge in gauges(view) if gauge.name == name)
    return found


def test_there_are_no_more_figures_than_is_promised() -> None:
    """31 an export, 9 a connection, one a segment, and ten."""
    assert figures(a_view(segments=0)) == 10
    one = figures(a_view(an_export(1, 1)))
    assert one == 29 + 9 + 1 + 10
    assert figures(a_view(an_export(1, 1), an_export(2, 1))) == one + 29
    assert figures(a_view(an_export(1, 1), an_export(2, 2))) == one + 29 + 9
    assert figures(a_view(an_export(1, 1), segments=3)) == one + 2
    both = tuple(StalenessWarning(code, "a sentence", NOW) for code in WarningCode)[1:]
    assert figures(replace(a_view(an_export(1, 1)), warnings={"export1": both})) == one + 2


def test_runs_of_one_export_make_no_more_figures() -> None:
    """However many wait, and whatever it was called for before."""
    waits = an_export(1, 1, begun=None, surveyed=None)
    assert figures(a_view(an_export(1, 1), waits, waits)) == figures(a_view(an_export(1, 1)))


def test_connections_of_one_account_show_its_gate_alike() -> None:
    """It is the account that is shut."""
    view = a_view(an_export(1, 1), an_export(2, 2, account="account1"))
    assert shown(view, "gate_closed_seconds") == {("connection1",): 30, ("connection2",): 30}


def test_books_that_do_not_balance_show_while_the_run_goes_on() -> None:
    """Rows that nobody counted, or contacts with two fates."""
    assert shown(a_view(an_export(1, 1)), "run_unbalanced") == {("export1",): 0}
    assert shown(a_view(an_export(1, 1, read=13)), "run_unbalanced") == {("export1",): 3}
    assert shown(a_view(an_export(1, 1, applied=12)), "run_unbalanced") == {("export1",): 2}
    assert shown(a_view(an_export(1, 1, surveyed=None, read=0, selected=0)), "run_unbalanced") == {("export1",): 0}


def test_every_gauge_says_what_it_is_in_a_sentence_and_has_a_name_of_its_own() -> None:
    """Prometheus shows it to whoever types."""
    found = list(gauges(a_view(an_export(1, 1))))
    assert len({gauge.name for gauge in found}) == len(found)
    assert [gauge.name for gauge in found if not gauge.says[0].isupper() and not gauge.says[0].isdigit()] == []


def test_what_was_foreseen_stands_beside_what_it_took() -> None:
    """Imports, and how long they were sent."""
    view = a_view(an_export(1, 1, imports=5))
    assert shown(view, "run_forecast_imports") == {("export1",): 4}
    assert shown(view, "run_imports") == {("export1",): 5}
    assert shown(view, "run_forecast_sending_seconds") == {("export1",): 30}
    assert shown(view, "run_sending_seconds") == {("export1",): 45}
    unsurveyed = a_view(an_export(1, 1, forecast=None, first_import=None))
    assert shown(unsurveyed, "run_forecast_imports") == shown(unsurveyed, "run_sending_seconds") == {}


def test_leavers_are_shown_apart_by_what_became_of_them() -> None:
    """Those who are kept are reported on every run."""
    view = a_view(an_export(1, 1, leaving=7, leaving_applied=4, leaving_refused=1, kept=3, leaving_waiting=5))
    states = {labels[1]: value for labels, value in shown(view, "run_leavers").items()}
    fates = {"applied": 4, "refused": 1, "unconfirmed": 0, "unsent": 0, "pending": 2}
    assert states == fates | {"kept": 3, "waiting": 5}
