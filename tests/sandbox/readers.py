"""Turning what a person typed, or a test posted as JSON, into the value of a switch; no switch is known here by name.

Every reader takes text or the JSON type that says the same, and raises `Unreadable` with a phrase that says what was expected.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)
Reader = Callable[[object], object]


class Unreadable(ValueError):
    """A value does not say what its switch needs; the message says what would."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` to `high` seconds, written `6:20`, or `6` where both are the same."""

    low: float
    high: float

    def draw(self, dice: random.Random) -> float:
        """A time inside the span, each as likely as any other."""
        return dice.uniform(self.low, self.high)

    def __str__(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g}:{self.high:g}"


def seconds(value: object) -> float:
    """A time that is not negative."""
    number = _number(value)
    if number < 0:
        raise Unreadable("expected seconds, 0 or more")
    return number


def allowance(value: object) -> float | None:
    """A positive rate; `none` (JSON null) lifts it."""
    if value is None or value == "none":
        return None
    number = _number(value)
    if number <= 0:
        raise Unreadable("expected a positive number, or none for no limit")
    return number


def count(value: object) -> int:
    """A whole number that is not negative."""
    number = _number(value)
    if number < 0 or number != int(number):
        raise Unreadable("expected a whole number, 0 or more")
    return int(number)


def flag(value: object) -> bool:
    """Yes or no."""
    match value:
        case bool():
            return value
        case "true":
            return True
        case "false":
            return False
        case _:
            raise Unreadable("expected true or false")


def span(value: object) -> Span:
    """`low:high` in seconds, or one number."""
    low, colon, high = str(value).partition(":")
    drawn = Span(seconds(low), seconds(high if colon else low))
    if drawn.low > drawn.high:
        raise Unreadable("expected low:high, the lower first")
    return drawn


def pattern(value: object) -> str:
    """A regular expression that is searched for in an address; empty matches nobody."""
    if not isinstance(value, str):
        raise Unreadable("expected a regular expression")
    try:
        re.compile(value)
    except re.error as problem:
        raise Unreadable(f"expected a regular expression: {problem}") from problem
    return value


def choice(kinds: type[E]) -> Callable[[object], E]:
    """A reader for one member of a closed set, by its value."""

    def read(value: object) -> E:
        try:
            return kinds(str(value))
        except ValueError:
            raise Unreadable("expected one of " + ", ".join(kinds)) from None

    return read


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unreadable("expected a number")
    try:
        number = float(value)
    except ValueError:
        raise Unreadable("expected a number") from None
    if not isfinite(number):
        raise Unreadable("expected a finite number")
    return number
