"""What a run is going to take follows from its figures and its account's allowance, and never runs ahead of either."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.accounts.contact_limit import ContactLimit
from producer.pipeline.forecast import (
    LARGEST,
    SETTLED_MS,
    TYPICAL_BATCH_MS,
    Allowance,
    Forecast,
    forecast,
    projected_finish,
    remaining_imports,
)
from producer.runs.throughput import Measured
from tests.unit.records import NOW, a_run
from wire.chunk_queue.run import Run
from wire.process.units import MINUTE_MS

PUBLISHED = Allowance(100)


def under_way(*, selected: int, applied: int = 0, requests: int | None = None, **fields: Any) -> Run:
    """A run that has been surveyed, with 250 contacts a request unless said otherwise."""
    foreseen = -(-selected // 250) if requests is None else requests
    return a_run(
        begun=NOW,
        surveyed=NOW,
        read=selected,
        selected=selected,
        applied=applied,
        forecast=f'{{"requests":{foreseen}}}',
        **fields,
    )


def finish(run: Run, *, now: int = NOW, allowance: Allowance = PUBLISHED) -> int:
    """When it will be over, which must be known."""
    found = projected_finish(run, now=now, allowance=allowance)
    assert found is not None
    return found


def found(**figures: Any) -> Forecast:
    """What a survey found: nothing but what is said."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("read", "adds", "changes", "again", "unchanged", "held_back", "leavers", "requests", "bytes"), 0
    )
    return Forecast(**nothing | {"invalid": {}} | figures)


def test_a_million_contacts_take_40_minutes_and_the_pacers_margin() -> None:
    """4,000 requests at 100 a minute are the floor; 0.8 % is left to the margin."""
    survey = found(read=1_000_000, adds=1_000_000, requests=4_000, bytes=173_000_000)
    said = forecast(survey, allowance=PUBLISHED, minutes_left=90)
    assert (said["adds"], said["requests"], said["bytes"], said["minutes"]) == (1_000_000, 4_000, 173_000_000, 40.32)
    assert (said["within_budget"], said["contract"], said["warnings"]) == (True, None, [])


@pytest.mark.parametrize(("minutes_left", "within"), [(40.4, False), (40.5, True), (-1, False)])
def test_the_budget_counts_the_last_batch_too(minutes_left: float, within: bool) -> None:  # noqa: FBT001  drawn
    """A run is over when its last batch is worked off."""
    said = forecast(found(requests=4_000), allowance=PUBLISHED, minutes_left=minutes_left)
    assert said["within_budget"] is within


def test_a_run_with_nothing_to_send_is_within_any_budget_that_is_left() -> None:
    """It takes no time."""
    assert forecast(found(), allowance=PUBLISHED, minutes_left=0)["within_budget"]


@pytest.mark.parametrize(("adds", "holds"), [(100, True), (101, False)])
def test_those_who_are_added_are_held_against_the_contract(adds: int, holds: bool) -> None:  # noqa: FBT001  drawn
    """Whoever is a member already counts as one."""
    said = forecast(
        found(adds=adds, changes=500),
        allowance=PUBLISHED,
        minutes_left=90,
        contract=ContactLimit(limit=1_000, total=900),
    )
    assert said["contract"] == {"limit": 1_000, "total": 900, "after": 900 + adds, "holds": holds}


@pytest.mark.parametrize(("read", "warned"), [(LARGEST, False), (LARGEST + 1, True)])
def test_more_rows_than_this_is_built_for_go_on_with_a_warning(read: int, warned: bool) -> None:  # noqa: FBT001  drawn
    """With the figure in it."""
    said = forecast(found(read=read), allowance=PUBLISHED, minutes_left=90)
    assert [str(read) in warning for warning in said["warnings"]] == [True] * warned


def test_a_changed_mapping_is_said_before_everybody_is_sent_again() -> None:
    """It is a change of every fingerprint."""
    said = forecast(found(mapping_changed=True, changes=7), allowance=PUBLISHED, minutes_left=90)
    assert said["mapping_changed"]
    assert "mapping" in said["warnings"][0]


@given(st.floats(0.1, 10_000), st.integers(0, 5), st.integers(0, 10_000))
def test_minutes_grow_with_requests_and_runs_and_shrink_with_the_allowance(
    limit: float, runs: int, requests: int
) -> None:
    """In proportion, and never faster than the limit itself."""
    alike = (10**6,) * runs
    minutes = Allowance(limit, alike).minutes(requests)
    assert minutes >= requests * (runs + 1) / limit
    assert minutes == pytest.approx((runs + 1) * Allowance(limit).minutes(requests))
    assert Allowance(limit, alike).minutes(2 * requests) == pytest.approx(2 * minutes)
    assert Allowance(2 * limit, alike).minutes(requests) == pytest.approx(minutes / 2)


def test_a_run_behind_a_small_one_waits_for_the_small_one_only() -> None:
    """Runs take turns: whoever has less to send is out of the way sooner."""
    assert Allowance(100, (10, 5_000)).minutes(100) == pytest.approx(Allowance(100).minutes(100 + 10 + 100))


def test_what_a_run_has_still_to_send_is_what_it_has_not_had_accepted() -> None:
    """Nothing can be said of one that is not surveyed, and one that is over has nothing."""
    assert remaining_imports(under_way(selected=1_000, applied=250, accepted_chunks=1)) == 2
    assert remaining_imports(a_run(begun=NOW)) == 0
    assert remaining_imports(under_way(selected=1_000, finished=NOW)) == 0


def test_before_its_survey_nobody_can_say() -> None:
    """Neither while it is queued nor while it is surveyed."""
    assert projected_finish(a_run(), now=NOW, allowance=PUBLISHED) is None
    assert projected_finish(a_run(begun=NOW), now=NOW, allowance=PUBLISHED) is None


def test_a_run_that_is_over_finished_when_it_did() -> None:
    """Whatever was foreseen."""
    run = under_way(selected=1000, finished=NOW + 5)
    assert finish(run, now=NOW + 10**6) == NOW + 5


def test_a_run_with_nothing_pending_finishes_now() -> None:
    """It has only to be closed."""
    assert finish(under_way(selected=10, applied=10), now=NOW + 77) == NOW + 77
    assert finish(under_way(selected=0), now=NOW + 77) == NOW + 77


def test_a_run_that_begins_is_foreseen_at_the_accounts_allowance_and_a_batchs_time() -> None:
    """4,000 requests of which none is sent."""
    expected = NOW + 40.32 * MINUTE_MS + TYPICAL_BATCH_MS
    assert finish(under_way(selected=1_000_000)) == pytest.approx(expected, abs=1)


def test_what_is_accepted_is_not_sent_again() -> None:
    """Only its batches are waited for."""
    run = under_way(selected=1000, accepted_chunks=4)
    assert finish(run) == NOW + TYPICAL_BATCH_MS


@given(
    selected=st.integers(1, 2_000_000),
    share=st.floats(0, 1),
    accepted_chunks=st.integers(0, 10_000),
    runs=st.integers(0, 9),
    later=st.integers(0, 10**8),
    more=st.integers(0, 1000),
)
def test_a_finish_is_never_past_and_more_work_done_never_makes_it_later(
    selected: int, share: float, accepted_chunks: int, runs: int, later: int, more: int
) -> None:
    """With any figures."""
    applied = int(selected * share)
    now, allowance = NOW + later, Allowance(100, (selected,) * runs)

    def at(applied: int, chunks: int, allowance: Allowance) -> int:
        run = under_way(selected=selected, applied=applied, accepted_chunks=chunks)
        return finish(run, now=now, allowance=allowance)

    foreseen = at(applied, accepted_chunks, allowance)
    assert foreseen >= now
    assert at(min(selected, applied + more), accepted_chunks, allowance) <= foreseen
    assert at(applied, accepted_chunks + more, allowance) <= foreseen
    assert at(applied, accepted_chunks, Allowance(100, (selected,) * (runs + 1))) >= foreseen


def test_a_measured_pace_counts_where_it_is_slower() -> None:
    """An account that took 10 requests in a minute takes the other 90 in nine more."""
    run = under_way(selected=25_000, applied=2_500, accepted=2_500, first_import=NOW)
    expected = NOW + MINUTE_MS + 9 * MINUTE_MS + TYPICAL_BATCH_MS
    assert finish(run, now=NOW + MINUTE_MS) == pytest.approx(expected, abs=1)


def test_a_measured_pace_above_the_allowance_is_not_believed() -> None:
    """A burst does not last."""
    run = under_way(selected=250_000, applied=125_000, accepted=125_000, first_import=NOW)
    now = NOW + MINUTE_MS
    expected = now + PUBLISHED.minutes(500) * MINUTE_MS + TYPICAL_BATCH_MS
    assert finish(run, now=now) == pytest.approx(expected, abs=1)


def test_a_pace_is_measured_for_half_a_minute_before_it_is_believed() -> None:
    """One slow first request says nothing about an hour."""
    run = under_way(selected=25_000, accepted=250, first_import=NOW)
    planned = PUBLISHED.minutes(100) * MINUTE_MS + TYPICAL_BATCH_MS
    assert finish(run, now=NOW + SETTLED_MS) == pytest.approx(NOW + SETTLED_MS + planned, abs=1)
    assert finish(run, now=NOW + SETTLED_MS + 1) > NOW + SETTLED_MS + 50 * MINUTE_MS


def test_an_account_that_accepts_nothing_still_has_a_finish() -> None:
    """Nothing is divided by nothing."""
    run = under_way(selected=25_000, accepted=0, first_import=NOW)
    now = NOW + 2 * SETTLED_MS
    assert finish(run, now=now) == pytest.approx(now + PUBLISHED.minutes(100) * MINUTE_MS + TYPICAL_BATCH_MS, abs=1)


def test_after_a_throttle_the_pace_returns_and_so_the_finish_does() -> None:
    """From half of it back to all in ten minutes, in which three quarters of them are sent; and first the gate opens."""
    plain, halved = Allowance(100), Allowance(100, share=0.5, opens_in_ms=30_000)
    late = halved.minutes(4_000) - plain.minutes(4_000)
    assert late == pytest.approx(0.5 + 10 - 7.5)
    assert halved.minutes(0) == 0


@given(st.floats(0.1, 1), st.floats(0, 5_000), st.floats(0, 5_000))
def test_under_a_throttle_more_requests_take_longer_and_none_less_than_at_full_pace(
    share: float, requests: float, more: float
) -> None:
    """On both sides of the moment when the pace is back."""
    allowance = Allowance(100, share=share)
    assert allowance.minutes(requests) >= PUBLISHED.minutes(requests) - 1e-6
    assert allowance.minutes(requests) <= PUBLISHED.minutes(requests) / share + 1e-6
    assert allowance.minutes(requests + more) >= allowance.minutes(requests) - 1e-6


def test_a_measured_pace_is_that_of_the_last_minutes() -> None:
    """An account that is slow now, however fast it was."""
    run = under_way(selected=250_000, applied=125_000, accepted=125_000, first_import=NOW)
    now = NOW + 10 * MINUTE_MS
    found = projected_finish(run, now=now, allowance=PUBLISHED, measured=Measured(sent=5 / MINUTE_MS))
    assert found == pytest.approx(now + 100 * MINUTE_MS + TYPICAL_BATCH_MS, abs=1)


def test_an_importer_that_drains_slowly_makes_the_finish_late_though_all_is_sent() -> None:
    """What is accepted is not applied."""
    run = under_way(selected=250_000, applied=25_000, accepted=250_000, accepted_chunks=900, first_import=NOW)
    now = NOW + 10 * MINUTE_MS
    found = projected_finish(run, now=now, allowance=PUBLISHED, measured=Measured(done=10 / MINUTE_MS))
    assert found == pytest.approx(now + 90 * MINUTE_MS, abs=1)


def test_while_no_batch_has_ended_the_last_one_takes_at_least_as_long_as_was_waited_for() -> None:
    """Nobody knows how long one takes."""
    run = under_way(selected=25_000, accepted=25_000, accepted_chunks=100, first_import=NOW)
    now = NOW + 7 * MINUTE_MS
    assert projected_finish(run, now=now, allowance=PUBLISHED, measured=Measured()) == now + 7 * MINUTE_MS


def test_who_measures_and_knows_nothing_yet_believes_the_allowance() -> None:
    """One slow first request says nothing about an hour."""
    run = under_way(selected=25_000, accepted=250, first_import=NOW)
    now = NOW + 2 * SETTLED_MS
    found = projected_finish(run, now=now, allowance=PUBLISHED, measured=Measured())
    assert found == pytest.approx(now + PUBLISHED.minutes(100) * MINUTE_MS + TYPICAL_BATCH_MS, abs=1)


def test_the_time_in_which_a_run_stood_still_is_not_held_against_it() -> None:
    """Two hours of pause, and a minute of ten requests."""
    run = under_way(selected=25_000, applied=2_500, accepted=2_500, first_import=NOW, still=120 * MINUTE_MS)
    now = NOW + 121 * MINUTE_MS
    assert finish(run, now=now) == pytest.approx(now + 9 * MINUTE_MS + TYPICAL_BATCH_MS, abs=1)
