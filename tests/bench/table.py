"""Lays rows out as one table, as JSON and as plots; it measures nothing."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import orjson
from rich import box
from rich.table import Table

from tests.bench.figures import Figure, Measured, Unit
from tests.bench.machine import sentence

WIDTH, LABEL, BAR, LINE, TOP = 900, 420, 340, 26, 46
COLORS: Final = {True: "#2f6f9f", False: "#b3372f"}


def table(rows: Sequence[Measured], machine: Mapping[str, Any]) -> Table:
    """One table of everything, what does not hold marked."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=sentence(machine))
    made.add_column("")
    made.add_column("measured")
    for name in ("found", "must be"):
        made.add_column(name, justify="right")
    for row in rows:
        made.add_row(str(row.number), f"{row.title} (load before: {row.load:.1f})", "", "", style="bold")
        for figure in row.figures:
            style = "" if figure.holds else "bold red"
            made.add_row("", f"  {figure.name}", figure.text, figure.must_text, style=style)
        made.add_section()
    return made


def write(directory: Path, rows: Sequence[Measured], machine: Mapping[str, Any]) -> None:
    """Write `bench.json`, and a plot for every row."""
    directory.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "rows": [row.document() for row in rows]}
    (directory / "bench.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    for row in rows:
        (directory / f"row-{row.number}.svg").write_text(plot(row), encoding="utf-8")


def plot(row: Measured) -> str:
    """Draw a row: a bar for each figure, as long as its share of the largest of its unit, with a line where it must be."""
    height = TOP + LINE * len(row.figures) + 10
    longest = {unit: _longest(row.figures, unit) for unit in Unit}
    bars = "".join(_bar(figure, TOP + LINE * at, longest[figure.unit]) for at, figure in enumerate(row.figures))
    title = escape(f"{row.number}. {row.title}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        f'<text x="12" y="28" font-size="17" font-weight="bold">{title}</text>{bars}</svg>\n'
    )


def _longest(figures: Sequence[Figure], unit: Unit) -> float:
    ends = [end for figure in figures if figure.unit is unit for end in _ends(figure)]
    return max(ends, default=0.0) or 1.0


def _ends(figure: Figure) -> list[float]:
    bounds = () if figure.must is None else (figure.must.least, figure.must.most)
    return [figure.value, *(end for end in bounds if end is not None)]


def _bar(figure: Figure, top: int, longest: float) -> str:
    length, *marks = (BAR * end / longest for end in _ends(figure))
    lines = "".join(
        f'<path d="M{LABEL + mark:.1f} {top}v18" stroke="#222" stroke-width="2" stroke-dasharray="3 2"/>'
        for mark in marks
    )
    must = f" ({figure.must_text})" if figure.must else ""
    return (
        f'<text x="{LABEL - 10}" y="{top + 14}" text-anchor="end">{escape(figure.name)}</text>'
        f'<rect x="{LABEL}" y="{top}" width="{max(length, 1):.1f}" height="18" fill="{COLORS[figure.holds]}"/>{lines}'
        f'<text x="{LABEL + max(length, *marks, 0) + 8:.1f}" y="{top + 14}">{escape(figure.text + must)}</text>'
    )
