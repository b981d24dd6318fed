"""Writes moments as people and programs read them: RFC 3339, in UTC, to the millisecond. Pure."""

from datetime import UTC, datetime


def moment(milliseconds: int) -> str:
    """Write a time as RFC 3339 in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_or_none(milliseconds: int | None) -> str | None:
    """Write a time, if there is one."""
    return None if milliseconds is None else moment(milliseconds)
