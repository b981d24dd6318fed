"""Writes moments as people and programs read them: RFC 3339, in UTC, to the millisecond. Pure."""

from datetime import UTC, datetime


def moment(milliseconds: int) -> str:
    """Write a time as RFC 3339 in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_or_none(milliseconds: int | None) -> str | None:
    """Write a time, if there is one."""
    return None if milliseconds is None else moment(milliseconds)


def milliseconds(text: str) -> int:
    """Read a time of RFC 3339 as milliseconds since 1970; ValueError, TypeError or OverflowError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or "T" not in text.upper():
        raise ValueError(text)
    return int((moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
