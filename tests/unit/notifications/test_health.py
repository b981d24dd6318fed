"""How an export is doing: every change of state once, and nothing that only flickers."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.notifications.export_health import ExportHealth, ReportedHealth
from producer.notifications.health import (
    IN_TIME_MS_MAX,
    LATE_MS_MAX,
    UNBLOCKED_MS,
    Judgement,
    ObservedExport,
    at_rest,
    ended,
    judge,
    under_way,
)
from tests.unit.records import NOW, a_run, block_record
from wire.chunk_queue.run import Run

BUDGET_MS = 5_400_000
DEADLINE = NOW + BUDGET_MS
MINUTE_MS = 60_000


def over(**fields: Any) -> Run:
    """A run that is over, and well unless it is said otherwise."""
    said = {"begun": NOW, "surveyed": NOW, "reading_ended": NOW, "finished": NOW + 1, "selected": 10, "applied": 10}
    return a_run(**(said | fields))


def delivering(**fields: Any) -> Run:
    """A run that is under way."""
    return a_run(begun=NOW, surveyed=NOW, ready_chunks=2, **fields)


PARTIAL = {"applied": 9, "refused": 1}
FAILED = {"ending": "failed", "error": "the snapshot is gone"}
CANCELLED = {"ending": "cancelled"}
SUPERSEDED = {"ending": "superseded"}


@pytest.mark.parametrize("before", ExportHealth)
def test_a_run_that_ends_decides(before: ExportHealth) -> None:
    """Whatever was told before."""
    assert ended(over(), before, is_stale=False) == ObservedExport(ExportHealth.WELL)
    assert ended(over(**PARTIAL), before, is_stale=False) == ObservedExport(ExportHealth.PARTIAL)
    assert ended(over(**FAILED), before, is_stale=True) == ObservedExport(ExportHealth.FAILED)
    assert ended(over(**SUPERSEDED), before, is_stale=False) == ObservedExport(before)


def test_a_run_over_old_data_ends_no_staleness() -> None:
    """A daily schedule over a snapshot of last month would be stale and recovered every day."""
    assert ended(over(), ExportHealth.STALE, is_stale=True) == ObservedExport(ExportHealth.STALE)
    assert ended(over(), ExportHealth.FAILED, is_stale=True) == ObservedExport(ExportHealth.STALE)


@pytest.mark.parametrize("before", ExportHealth)
def test_whoever_cancels_a_run_that_stood_still_knows_it(before: ExportHealth) -> None:
    """So nobody is told, and the next block is news again; what an earlier run left stands."""
    seen = ended(over(**CANCELLED), before, is_stale=False)
    stood = before in {ExportHealth.BLOCKED, ExportHealth.LATE}
    assert seen == (ObservedExport(ExportHealth.WELL, quiet=True) if stood else ObservedExport(before))


@pytest.mark.parametrize("before", ExportHealth)
def test_a_block_is_told_at_once(before: ExportHealth) -> None:
    """Also when it is the connection's, and the run has not begun."""
    run = a_run(blocks=[block_record()])
    assert under_way([run], {}, before, NOW) == (ObservedExport(ExportHealth.BLOCKED), run)


def test_a_block_that_is_lifted_has_to_stay_away() -> None:
    """Unless the run ends before."""
    seen, _ = under_way([delivering()], {}, ExportHealth.BLOCKED, NOW)
    assert seen == ObservedExport(ExportHealth.WELL, UNBLOCKED_MS)
    blocked = ReportedHealth(ExportHealth.BLOCKED)
    assert judge(blocked, seen, NOW) == Judgement(ExportHealth.BLOCKED, candidate=ExportHealth.WELL)
    waiting = ReportedHealth(ExportHealth.BLOCKED, candidate=ExportHealth.WELL, candidate_since=NOW)
    assert judge(waiting, seen, NOW + UNBLOCKED_MS - 1) is None
    assert judge(waiting, seen, NOW + UNBLOCKED_MS) == Judgement(ExportHealth.WELL)
    assert judge(waiting, ObservedExport(ExportHealth.BLOCKED), NOW + 1) == Judgement(ExportHealth.BLOCKED)
    assert judge(waiting, ended(over(), ExportHealth.BLOCKED, is_stale=False), NOW + 1) == Judgement(ExportHealth.WELL)


def test_a_projection_has_to_lie_behind_the_deadline_by_a_margin_and_for_a_while() -> None:
    """It wavers by minutes."""
    run = delivering()
    behind, slightly = {run.id: DEADLINE + 3 * MINUTE_MS}, {run.id: DEADLINE + MINUTE_MS}
    assert under_way([run], behind, ExportHealth.WELL, NOW)[0] == ObservedExport(ExportHealth.LATE, LATE_MS_MAX)
    assert under_way([run], slightly, ExportHealth.WELL, NOW)[0] == ObservedExport(ExportHealth.WELL)
    assert under_way([run], {}, ExportHealth.WELL, NOW)[0] == ObservedExport(ExportHealth.WELL)


def test_once_told_it_has_to_lie_before_the_deadline_by_a_margin_and_for_longer() -> None:
    """In between it stays as it was told."""
    run = delivering()
    ahead, slightly = {run.id: DEADLINE - 3 * MINUTE_MS}, {run.id: DEADLINE - MINUTE_MS}
    assert under_way([run], slightly, ExportHealth.LATE, NOW)[0].health is ExportHealth.LATE
    assert under_way([run], ahead, ExportHealth.LATE, NOW)[0] == ObservedExport(ExportHealth.WELL, IN_TIME_MS_MAX)


def test_a_deadline_that_is_past_is_missed_for_certain() -> None:
    """Nothing need last any more; before that a paused run's projection says nothing."""
    assert under_way([delivering()], {}, ExportHealth.WELL, DEADLINE + 1)[0] == ObservedExport(ExportHealth.LATE)
    paused = delivering(paused="1")
    assert under_way([paused], {paused.id: DEADLINE * 2}, ExportHealth.WELL, NOW)[0] == ObservedExport(
        ExportHealth.WELL
    )


@pytest.mark.parametrize("before", [ExportHealth.FAILED, ExportHealth.PARTIAL, ExportHealth.STALE, ExportHealth.WELL])
def test_while_a_run_goes_well_what_the_last_one_left_stands(before: ExportHealth) -> None:
    """It is not better before it has ended well."""
    assert under_way([delivering()], {}, before, NOW)[0] == ObservedExport(before)


def test_at_rest_data_grow_old_and_fresh_again() -> None:
    """A failure is told already, and somebody who disables an old export knows."""
    assert at_rest(ExportHealth.WELL, is_stale=True, is_on=True) == ObservedExport(ExportHealth.STALE)
    assert at_rest(ExportHealth.STALE, is_stale=False, is_on=True) == ObservedExport(ExportHealth.WELL)
    assert at_rest(ExportHealth.STALE, is_stale=False, is_on=False) == ObservedExport(ExportHealth.WELL, quiet=True)
    assert at_rest(ExportHealth.FAILED, is_stale=True, is_on=True) == ObservedExport(ExportHealth.FAILED)
    assert at_rest(ExportHealth.WELL, is_stale=False, is_on=True) == ObservedExport(ExportHealth.WELL)


def test_a_block_of_a_run_that_is_gone_is_gone() -> None:
    """Deleted with its connection, or long ago."""
    assert at_rest(ExportHealth.BLOCKED, is_stale=False, is_on=True) == ObservedExport(ExportHealth.WELL, quiet=True)


LIVE = st.sampled_from(["blocked", "behind", "ahead", "about"])


@given(looks=st.lists(st.tuples(LIVE, st.integers(1, 10 * MINUTE_MS)), min_size=1, max_size=60))
def test_no_message_is_like_the_one_before_it_and_none_flickers(looks: list[tuple[str, int]]) -> None:
    """Over any row of looks: neighbours differ, and what must last has lasted since the first look that saw it."""
    told, now, messages = ReportedHealth(), NOW, list[tuple[int, ExportHealth]]()
    for look, passes in looks:
        now = min(now + passes, DEADLINE)
        run = delivering(blocks=[block_record()] if look == "blocked" else [])
        finishes = {run.id: DEADLINE + {"behind": 5, "ahead": -5}.get(look, 0) * MINUTE_MS}
        seen, _ = under_way([run], finishes, told.health, now)
        judgement = judge(told, seen, now)
        if judgement is None:
            continue
        if judgement.health is not told.health:
            messages.append((now, judgement.health))
        since = told.candidate_since if judgement.candidate is told.candidate else now
        told = ReportedHealth(judgement.health, candidate=judgement.candidate, candidate_since=since)
    for (earlier, before), (later, after) in pairwise([(NOW, ExportHealth.WELL), *messages]):
        assert before is not after
        assert after is ExportHealth.BLOCKED or later - earlier >= LATE_MS_MAX
