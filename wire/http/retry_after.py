"""Reads the header Retry-After in every form it is known to come in; decides nothing about who waits."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

BELIEVED_SECONDS: Final = 300.0
"""A longer wait is cut to this: then it is asked again, and one wrong header cannot stop an account for a day."""

_WHOLE_SECONDS: Final = re.compile(r"[0-9]+")


def retry_after_seconds(header: str | None, *, date: str | None, now: datetime) -> float | None:
    """Return how long to wait, 0 to 300 seconds, or None where the header is absent or garbage.

    A date is measured from the answer's own `date` header, so that our clock and theirs need not agree, and from `now`
    where there is none. What lies in the past says nothing. Source: RFC 9110, section 10.2.3.
    """
    if header is None:
        return None
    text = header.strip()
    if _WHOLE_SECONDS.fullmatch(text):
        # Measured as text first: Python refuses to read a number of thousands of digits.
        digits = text.lstrip("0")
        return BELIEVED_SECONDS if len(digits) > len("300") else min(float(digits or 0), BELIEVED_SECONDS)
    until = _moment(text)
    if until is None:
        return None
    seconds = (until - (_moment(date or "") or now)).total_seconds()
    return min(seconds, BELIEVED_SECONDS) if seconds >= 0 else None


def _moment(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
