"""Retry-After in every form, and in none."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.http.retry_after import retry_after_seconds

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        (" 30 ", 30.0),
        ("0", 0.0),
        ("0030", 30.0),
        ("300", 300.0),
        ("301", 300.0),
        ("9" * 5000, 300.0),
        ("Mon, 01 Jun 2026 12:00:45 GMT", 45.0),
        ("Monday, 01-Jun-26 12:00:45 GMT", 45.0),
        ("Mon Jun  1 12:00:45 2026", 45.0),
        ("Tue, 02 Jun 2026 12:00:00 GMT", 300.0),
    ],
)
def test_what_is_believed(header: str, seconds: float) -> None:
    """Whole seconds and the three forms of a date, up to five minutes."""
    assert retry_after_seconds(header, date=None, now=NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "-5",
        "soon",
        "1e3",
        "30.5",
        "٣٠",
        "0x1e",
        "30, 60",
        "Mon, 99 Jun 2026",
        "Mon, 01 Jun 2026 11:59:00 GMT",
    ],
)
def test_garbage_and_the_past_count_as_absent(header: str | None) -> None:
    """What says nothing must not open the gate."""
    assert retry_after_seconds(header, date=None, now=NOW) is None


@given(st.integers(-86_400, 86_400), st.integers(0, 300))
def test_a_date_is_measured_by_the_clock_that_wrote_it(skew_seconds: int, wait_seconds: int) -> None:
    """However far their clock is from ours."""
    theirs = NOW + timedelta(seconds=skew_seconds)
    header = http_date(theirs + timedelta(seconds=wait_seconds))
    assert retry_after_seconds(header, date=http_date(theirs), now=NOW) == wait_seconds


def test_our_clock_serves_where_theirs_cannot_be_read() -> None:
    """A broken Date header is no Date header."""
    assert retry_after_seconds(http_date(NOW + timedelta(seconds=9)), date="yesterday", now=NOW) == 9.0


@given(st.text(max_size=40), st.none() | st.text(max_size=40))
def test_no_text_is_too_strange_to_be_read(header: str, date: str | None) -> None:
    """The answer is always in bounds."""
    seconds = retry_after_seconds(header, date=date, now=NOW)
    assert seconds is None or 0 <= seconds <= 300
