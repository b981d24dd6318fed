"""The demo's verdict: right only when everything is, and it says what is not."""

from typing import Any

import pytest

from deploy.local.people import profiles
from deploy.local.reckoning import SandboxTotals, pace, reckon, wrong
from deploy.local.segment import expected_outcome

OUTCOME = expected_outcome(profiles(1_000))
REJECTS: list[dict[str, Any]] = [{}] * (OUTCOME.invalid + OUTCOME.refused)


def _run(**changes: Any) -> dict[str, Any]:
    told = {"state": "partial", "books": OUTCOME.books(), "phones_left_out": 10, "chunks": 4}
    return told | {"throttles": 0, "requests": 11} | changes


def _seen(**changes: Any) -> SandboxTotals:
    totals = {"imports": 4, "violations": 0, "resubscribed": 0, "automations_fired": 0, "allowance_used": 0.993}
    times = {"first_import": 100.0, "last_import": 101.8}
    return SandboxTotals(totals | times | changes, OUTCOME.members, OUTCOME.opted_out)


def test_nothing_is_wrong_when_everything_is_as_it_was_made() -> None:
    """The green case."""
    assert wrong(reckon(OUTCOME, _run(), REJECTS, _seen())) == []


@pytest.mark.parametrize("word", OUTCOME.books())
def test_every_figure_of_the_books_counts(word: str) -> None:
    """One contact too many in any of them, and the demo fails naming it."""
    books = OUTCOME.books() | {word: OUTCOME.books()[word] + 1}
    (sentence,) = wrong(reckon(OUTCOME, _run(books=books), REJECTS, _seen()))
    assert sentence.startswith(f"{word}: ")


@pytest.mark.parametrize(("name", "value"), [("state", "succeeded"), ("chunks", 5), ("throttles", 1)])
def test_every_figure_of_the_run_counts(name: str, value: object) -> None:
    """Its state, its requests and its throttles too."""
    assert len(wrong(reckon(OUTCOME, _run(**{name: value}), REJECTS, _seen()))) == 1


@pytest.mark.parametrize("name", ["imports", "violations", "resubscribed", "automations_fired"])
def test_every_figure_of_the_sandbox_counts(name: str) -> None:
    """What the run says of itself is not believed alone."""
    assert len(wrong(reckon(OUTCOME, _run(), REJECTS, _seen(**{name: 77})))) == 1


def test_a_stranger_on_the_list_is_found_though_the_number_is_right() -> None:
    """Somebody is missing and somebody else is there instead."""
    members = OUTCOME.members - {min(OUTCOME.members)} | {"stranger@example.com"}
    seen = SandboxTotals(_seen().totals, members, OUTCOME.opted_out)
    assert wrong(reckon(OUTCOME, _run(), REJECTS, seen)) == ["strangers among them: 1 instead of 0"]


def test_whoever_opted_out_must_still_be_off_the_list() -> None:
    """The sandbox says who left it."""
    seen = SandboxTotals(_seen().totals, OUTCOME.members, OUTCOME.opted_out - {min(OUTCOME.opted_out)})
    assert wrong(reckon(OUTCOME, _run(), REJECTS, seen)) == ["opted out and still off: 3 instead of 4"]


def test_a_reject_that_is_not_listed_is_missed() -> None:
    """Every invalid and every refused contact has its line."""
    assert wrong(reckon(OUTCOME, _run(), REJECTS[1:], _seen())) == ["rejects listed: 10 instead of 11"]


def test_the_pace_is_told_by_the_sandboxs_own_times() -> None:
    """Minutes from the first import to the last, and the share of the allowance."""
    told = pace(_run(), _seen(imports=99, last_import=159.0))
    assert told.startswith("99 imports in 0.98 minutes, 99.3% of the account's allowance; 11 requests")


def test_a_few_imports_have_no_share_of_an_allowance_of_minutes() -> None:
    """Two imports half a second apart are no 120 a minute."""
    assert pace(_run(), _seen()).startswith("4 imports in 0.03 minutes; 11 requests")
