"""What the bench says of a figure, and that its rows, sizes and plots are whole; what it measures is run by `make bench`."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from producer.snapshots import open_snapshot
from tests.bench.figures import Bound, Figure, Measured, Unit, misses
from tests.bench.people import COLUMNS, FORMATS, people, write_people
from tests.bench.rows import ROWS
from tests.bench.table import plot

ROW = Measured(
    1,
    "Speed & <more>",
    (
        Figure("fast", 0.99, Unit.SHARE, Bound(least=0.98)),
        Figure("slow", 0.5, Unit.SHARE, Bound(least=0.98)),
        Figure("told", 0.0, Unit.COUNT),
    ),
    load=0.5,
    seconds=1.0,
)


@pytest.mark.parametrize(
    ("bound", "value", "holds"),
    [(Bound(least=1), 1, True), (Bound(least=1), 0.9, False), (Bound(most=0), 0, True), (Bound(most=0), 1, False)],
)
def test_both_ends_of_a_bound_belong_to_it(bound: Bound, value: float, holds: bool) -> None:  # noqa: FBT001  drawn
    """At least and at most."""
    assert bound.holds(value) is holds


def test_what_does_not_hold_is_said_with_what_must() -> None:
    """And nothing else is."""
    assert misses([ROW]) == ["row 1, slow: 50.0%, and must be >= 98.0%"]


def test_a_plot_is_whole_whatever_a_figure_is_called() -> None:
    """With a bar for each figure, and a mark for each bound."""
    drawn = ET.fromstring(plot(ROW))
    kinds = [element.tag.rpartition("}")[2] for element in drawn]
    assert (kinds.count("rect"), kinds.count("path")) == (1 + 3, 2)


def test_every_row_has_its_number() -> None:
    """Those of the table."""
    assert list(ROWS) == list(range(1, 10))


@pytest.mark.parametrize("kind", FORMATS)
def test_people_are_the_same_in_every_format(tmp_path: Path, kind: str) -> None:
    """Or formats could not be compared; a changed one differs in the first name."""
    write_people(tmp_path / f"people.{kind}", 120)
    write_people(tmp_path / f"changed.{kind}", 120, changed_every=50)
    same, changed = (
        [
            tuple(row.values())
            for batch in open_snapshot(str(tmp_path / f"{name}.{kind}"), (tmp_path,)).read(COLUMNS)
            for row in batch.to_pylist()
        ]
        for name in ("people", "changed")
    )
    assert same == people(120)
    assert [at for at, (one, other) in enumerate(zip(same, changed, strict=True)) if one != other] == [0, 50, 100]
