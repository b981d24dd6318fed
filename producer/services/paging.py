"""Cuts a list into pages."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")

ITEMS: Final = 50
ITEMS_MAX: Final = 200


class Window(NamedTuple):
    """Which part of a list is wanted: `most` items of those that come after the one called `after`."""

    after: str
    most: int


def cut(items: Sequence[T], name: Callable[[T], str], wanted: Window) -> tuple[list[T], str | None]:
    """Cut the wanted part out of a whole list that is sorted by name."""
    rest = [item for item in items if name(item) > wanted.after]
    part = rest[: wanted.most]
    return part, name(part[-1]) if len(rest) > len(part) else None
