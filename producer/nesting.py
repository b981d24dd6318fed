"""Tells how deep JSON is nested; it reads none."""

from typing import Any, Final

DEPTH_MAX: Final = 16
"""Levels; nothing that we read has more than five."""


def is_too_deep(value: Any) -> bool:
    """Whether arrays and objects stand more than `DEPTH_MAX` deep in each other."""
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return False
    return True


def _parts(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []
