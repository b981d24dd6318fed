"""Every trouble with ActiveCampaign becomes a finding that names what to mend."""

from typing import get_args

import pytest

from producer.accounts.checker import judged
from producer.accounts.findings import Busy, Wrong
from wire.activecampaign.errors import (
    TROUBLES,
    Because,
    NoUsableAnswer,
    ObjectNotFound,
    Refused,
    Rejected,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
)


@pytest.mark.parametrize(
    ("trouble", "field"),
    [
        (NoUsableAnswer("ClientConnectorError", sent=False), "host"),
        (Refused(Because.CREDENTIALS, definite=True), "api_key"),
        (Refused(Because.PERMISSION, definite=False), "api_key"),
        (Refused(Because.PAYMENT, definite=True), "api_key"),
        (Refused(Because.CONTRACT, definite=True), "api_key"),
        (Refused(Because.NOT_ACTIVECAMPAIGN, definite=True), "host"),
        (Refused(Because.HOST_NOT_ALLOWED, definite=True), "host"),
        (ObjectNotFound(), "list_id"),
        (Rejected(), "host"),
        (TooLarge(), "host"),
    ],
)
def test_what_a_person_has_to_mend_is_named(trouble: Trouble, field: str) -> None:
    """With a sentence."""
    found = judged(trouble, "list_id")
    assert isinstance(found, Wrong)
    assert found.field == field
    assert " " in found.reason


def test_a_missing_page_where_no_list_was_asked_for_is_the_hosts_fault() -> None:
    """Some web server answers there, and it is not ActiveCampaign."""
    assert judged(ObjectNotFound(), "host") == Wrong("host", "this is no ActiveCampaign host")


@pytest.mark.parametrize(("seconds", "expected"), [(3.0, 3.0), (None, 10.0)])
def test_a_busy_account_is_nobodys_fault(seconds: float | None, expected: float) -> None:
    """It says when to come again, or we do."""
    for trouble in (Throttled(retry_after_seconds=seconds), Unavailable(retry_after_seconds=seconds)):
        assert judged(trouble, "host") == Busy(expected)


def test_no_trouble_is_forgotten() -> None:
    """The set is closed, and `match` is checked to be exhaustive."""
    assert set(get_args(Trouble)) == set(TROUBLES)
