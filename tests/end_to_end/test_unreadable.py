"""Accounts whose answers can never be read, and an account with byte order marks, served by one stack side by side."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest

from deploy.local.stack import Plan, Stack
from tests.end_to_end import storms
from tests.end_to_end.accounts import Account, opened
from tests.end_to_end.conftest import Platform
from tests.end_to_end.storms import CALM, csv_file

QUICK: Final = (*CALM, "--batch-seconds", "0.2:0.6")
FAULTS: Final = ("cut", "empty_body", "utf16")
ACCOUNTS: Final = (Account("marks", *QUICK, "--byte-order-marks", "2"), *(Account(fault, *QUICK) for fault in FAULTS))
PEOPLE: Final = 500
"""Two chunks, which were sent eight times in two minutes."""

MOST_IMPORTS: Final = 6
"""Three times each; on a quick machine three until it is blocked."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One stack and all accounts, the runs begun with automations."""
    directory = tmp_path_factory.mktemp("unreadable")
    trusted = ",".join(account.host for account in ACCOUNTS)
    plan = Plan(directory / "stack", directory, sandbox=None, settings={"TRUSTED_HOSTS": trusted})
    with ExitStack() as stack:
        stack.enter_context(opened(directory / "stack", ACCOUNTS))
        found = Platform(stack.enter_context(Stack(plan)))
        for account in ACCOUNTS:
            made = found.connect(account.name.replace("_", "-"), host=account.host, api_key=account.key)
            assert made[0] == 201, made
        yield found


def begun(platform: Platform, account: Account) -> str:
    """Publish the segment of an account whose faults have begun; return the run's id."""
    name = account.name.replace("_", "-")
    made = platform.export(name, connection=name, mapping=storms.MAPPING, automations=True)
    assert made[0] == 201, made
    if account.name in FAULTS:
        account.ask("switches", {"faults": [f"{account.name}@import"]})
    return platform.publish(csv_file(platform.snapshots / f"{name}.csv", storms.good_people(PEOPLE)), name)


def sendings(account: Account) -> dict[int, int]:
    """How many contacts the importer accepted how often."""
    return {int(times): count for times, count in account.ask("acceptances").items()}


def test_byte_order_marks_before_every_answer_are_passed_over(platform: Platform) -> None:
    """Of the producer's questions, of imports and of polls; nobody is sent twice."""
    account = ACCOUNTS[0]
    done = platform.wait(begun(platform, account))
    assert (done["state"], done["books"]["applied"]) == ("succeeded", PEOPLE)
    assert sendings(account) == {1: PEOPLE}


def test_imports_that_are_never_answered_in_words_block_after_three(platform: Platform) -> None:
    """With what came as the reason; after a mend everybody is applied, and was sent three times at most."""
    runs = {account: begun(platform, account) for account in ACCOUNTS[1:]}
    for account, run in runs.items():
        found = platform.wait(run, lambda run: run["state"] == "blocked")
        assert found["blocked"]["code"] == "unreadable_answers"
        assert "HTTP 200" in found["blocked"]["reason"]
        assert account.ask("totals")["imports"] <= MOST_IMPORTS
    for account, run in runs.items():
        account.ask("switches", {"faults": []})
        assert platform.call("POST", f"/v1/runs/{run}/resume")[0] == 202
    for account, run in runs.items():
        done: dict[str, Any] = platform.wait(run)
        assert (done["state"], done["books"]["applied"]) == ("succeeded", PEOPLE)
        assert max(sendings(account)) <= 3
        assert account.ask("totals")["imports"] <= MOST_IMPORTS
