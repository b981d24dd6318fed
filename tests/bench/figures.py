"""What was measured, as values, with what must hold of it; it measures nothing and prints nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Unit(Enum):
    """How a figure is read; the value is how it is written."""

    SHARE = "{:.1%}"
    TIMES = "{:.2f} x"
    PER_SECOND = "{:,.0f} /s"
    PER_MINUTE = "{:,.0f} /min"
    SECONDS = "{:,.2f} s"
    MILLISECONDS = "{:,.2f} ms"
    MINUTES = "{:,.2f} min"
    MIB = "{:,.1f} MiB"
    BYTES = "{:,.1f} B"
    COUNT = "{:,.0f}"
    EACH = "{:,.2f}"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a figure must reach, or must not exceed; both ends belong to it."""

    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        """Tell whether a value is within it."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured. `must` is None where it is told for its own sake."""

    name: str
    value: float
    unit: Unit
    must: Bound | None = None

    @property
    def holds(self) -> bool:
        """Whether it is as it must be."""
        return self.must is None or self.must.holds(self.value)

    @property
    def text(self) -> str:
        """The figure as a person reads it."""
        return self.unit.value.format(self.value)

    @property
    def must_text(self) -> str:
        """What it must be, as a person reads it; empty where nothing is asked."""
        if self.must is None:
            return ""
        ends = ((">=", self.must.least), ("<=", self.must.most))
        return " ".join(f"{sign} {self.unit.value.format(end)}" for sign, end in ends if end is not None)

    def document(self) -> dict[str, Any]:
        """The figure as JSON."""
        bound = self.must and {"least": self.must.least, "most": self.must.most}
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit.name.lower(),
            "must": bound,
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table: its figures, the machine's load when it began, and how long measuring took."""

    number: int
    title: str
    figures: Sequence[Figure]
    load: float
    seconds: float

    def document(self) -> dict[str, Any]:
        """The row as JSON."""
        return {
            "row": self.number,
            "title": self.title,
            "load_before": self.load,
            "seconds": self.seconds,
            "figures": [figure.document() for figure in self.figures],
        }


def misses(rows: Sequence[Measured]) -> list[str]:
    """Say which figures are not as they must be, in a sentence each."""
    return [
        f"row {row.number}, {figure.name}: {figure.text}, and must be {figure.must_text}"
        for row in rows
        for figure in row.figures
        if not figure.holds
    ]


NONE: Final = Bound(most=0)
