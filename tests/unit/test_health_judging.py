"""How an export is doing: every change of state once, and nothing that only flickers."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.notifications.health import (
    IN_TIME_MS_MAX,
    LATE_MS_MAX,
    UNBLOCKED_MS,
    Judgement,
    Seen,
    at_rest,
    ended,
    judge,
    under_way,
)
from producer.notifications.health_store import Health, Told
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


@pytest.mark.parametrize("before", Health)
def test_a_run_that_ends_decides(before: Health) -> None:
    """Whatever was told before."""
    assert ended(over(), before, is_stale=False) == Seen(Health.WELL)
    assert ended(over(**PARTIAL), before, is_stale=False) == Seen(Health.PARTIAL)
    assert ended(over(**FAILED), before, is_stale=True) == Seen(Health.FAILED)
    assert ended(over(**SUPERSEDED), before, is_stale=False) == Seen(before)


def test_a_run_over_old_data_ends_no_staleness() -> None:
    """A daily schedule over a snapshot of last month would be stale and recovered every day."""
    assert ended(over(), Health.STALE, is_stale=True) == Seen(Health.STALE)
    assert ended(over(), Health.FAILED, is_stale=True) == Seen(Health.STALE)


@pytest.mark.parametrize("before", Health)
def test_whoever_cancels_a_run_that_stood_still_knows_it(before: Health) -> None:
    """So nobody is told, and the next block is news again; what an earlier run left stands."""
    seen = ended(over(**CANCELLED), before, is_stale=False)
    stood = before in {Health.BLOCKED, Health.LATE}
    assert seen == (Seen(Health.WELL, quiet=True) if stood else Seen(before))


@pytest.mark.parametrize("before", Health)
def test_a_block_is_told_at_once(before: Health) -> None:
    """Also when it is the connection's, and the run has not begun."""
    run = a_run(blocks=[block_record()])
    assert under_way([run], {}, before, NOW) == (Seen(Health.BLOCKED), run)


def test_a_block_that_is_lifted_has_to_stay_away() -> None:
    """Unless the run ends before."""
    seen, _ = under_way([delivering()], {}, Health.BLOCKED, NOW)
    assert seen == Seen(Health.WELL, UNBLOCKED_MS)
    blocked = Told(Health.BLOCKED)
    assert judge(blocked, seen, NOW) == Judgement(Health.BLOCKED, candidate=Health.WELL)
    waiting = Told(Health.BLOCKED, candidate=Health.WELL, candidate_since=NOW)
    assert judge(waiting, seen, NOW + UNBLOCKED_MS - 1) is None
    assert judge(waiting, seen, NOW + UNBLOCKED_MS) == Judgement(Health.WELL)
    assert judge(waiting, Seen(Health.BLOCKED), NOW + 1) == Judgement(Health.BLOCKED)
    assert judge(waiting, ended(over(), Health.BLOCKED, is_stale=False), NOW + 1) == Judgement(Health.WELL)


def test_a_projection_has_to_lie_behind_the_deadline_by_a_margin_and_for_a_while() -> None:
    """It wavers by minutes."""
    run = delivering()
    behind, slightly = {run.id: DEADLINE + 3 * MINUTE_MS}, {run.id: DEADLINE + MINUTE_MS}
    assert under_way([run], behind, Health.WELL, NOW)[0] == Seen(Health.LATE, LATE_MS_MAX)
    assert under_way([run], slightly, Health.WELL, NOW)[0] == Seen(Health.WELL)
    assert under_way([run], {}, Health.WELL, NOW)[0] == Seen(Health.WELL)


def test_once_told_it_has_to_lie_before_the_deadline_by_a_margin_and_for_longer() -> None:
    """In between it stays as it was told."""
    run = delivering()
    ahead, slightly = {run.id: DEADLINE - 3 * MINUTE_MS}, {run.id: DEADLINE - MINUTE_MS}
    assert under_way([run], slightly, Health.LATE, NOW)[0].health is Health.LATE
    assert under_way([run], ahead, Health.LATE, NOW)[0] == Seen(Health.WELL, IN_TIME_MS_MAX)


def test_a_deadline_that_is_past_is_missed_for_certain() -> None:
    """Nothing need last any more; before that a paused run's projection says nothing."""
    assert under_way([delivering()], {}, Health.WELL, DEADLINE + 1)[0] == Seen(Health.LATE)
    paused = delivering(paused="1")
    assert under_way([paused], {paused.id: DEADLINE * 2}, Health.WELL, NOW)[0] == Seen(Health.WELL)


@pytest.mark.parametrize("before", [Health.FAILED, Health.PARTIAL, Health.STALE, Health.WELL])
def test_while_a_run_goes_well_what_the_last_one_left_stands(before: Health) -> None:
    """It is not better before it has ended well."""
    assert under_way([delivering()], {}, before, NOW)[0] == Seen(before)


def test_at_rest_data_grow_old_and_fresh_again() -> None:
    """A failure is told already, and somebody who disables an old export knows."""
    assert at_rest(Health.WELL, is_stale=True, is_on=True) == Seen(Health.STALE)
    assert at_rest(Health.STALE, is_stale=False, is_on=True) == Seen(Health.WELL)
    assert at_rest(Health.STALE, is_stale=False, is_on=False) == Seen(Health.WELL, quiet=True)
    assert at_rest(Health.FAILED, is_stale=True, is_on=True) == Seen(Health.FAILED)
    assert at_rest(Health.WELL, is_stale=False, is_on=True) == Seen(Health.WELL)


def test_a_block_of_a_run_that_is_gone_is_gone() -> None:
    """Deleted with its connection, or long ago."""
    assert at_rest(Health.BLOCKED, is_stale=False, is_on=True) == Seen(Health.WELL, quiet=True)


LIVE = st.sampled_from(["blocked", "behind", "ahead", "about"])


@given(looks=st.lists(st.tuples(LIVE, st.integers(1, 10 * MINUTE_MS)), min_size=1, max_size=60))
def test_no_message_is_like_the_one_before_it_and_none_flickers(looks: list[tuple[str, int]]) -> None:
    """Over any row of looks: neighbours differ, and what must last has lasted since the first look that saw it."""
    told, now, messages = Told(), NOW, list[tuple[int, Health]]()
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
        told = Told(judgement.health, candidate=judgement.candidate, candidate_since=since)
    for (earlier, before), (later, after) in pairwise([(NOW, Health.WELL), *messages]):
        assert before is not after
        assert after is Health.BLOCKED or later - earlier >= LATE_MS_MAX
