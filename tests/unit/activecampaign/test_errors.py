"""The tree of errors: complete, and silent about people and keys."""

from typing import get_args

import pytest

from wire.activecampaign.errors import (
    TROUBLES,
    ActiveCampaignError,
    Because,
    Heard,
    NoUsableAnswer,
    ObjectNotFound,
    Reason,
    Refused,
    Rejected,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
    Unreadable,
)

HEARD = Heard(400, "abc-1")
EVERY_ERROR = [
    NoUsableAnswer("TimeoutError", HEARD),
    Unreadable("HTTP 400, 7 bytes, text/html", HEARD),
    Unavailable(HEARD),
    Throttled(HEARD),
    Refused(Because.PERMISSION, HEARD, definite=False),
    ObjectNotFound(HEARD),
    Rejected([Reason(3, "ann@example.org is not valid")], HEARD),
    TooLarge(HEARD),
]


def test_the_closed_set_is_the_whole_tree() -> None:
    """A new error cannot be left out of `match` and `except`."""
    assert set(TROUBLES) == set(get_args(Trouble)) == set(ActiveCampaignError.__subclasses__())
    assert {type(error) for error in EVERY_ERROR} == set(TROUBLES)


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_every_error_says_what_support_asks_for_and_nothing_personal(error: ActiveCampaignError) -> None:
    """Status and request id, but not what ActiveCampaign said of a contact."""
    assert (error.status, error.request_id) == HEARD
    assert "HTTP 400" in str(error)
    assert "abc-1" in repr(error)
    assert "ann" not in str(error) + repr(error) + repr(getattr(error, "reasons", ""))


def test_an_error_without_an_answer_has_no_marks() -> None:
    """There is nothing to put between the brackets."""
    assert str(NoUsableAnswer("TimeoutError")) == "No usable answer: TimeoutError"
    assert NoUsableAnswer("TimeoutError").status is None
