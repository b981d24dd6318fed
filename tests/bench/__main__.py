"""`python -m tests.bench`: measures the rows one after the other and shows them as one table; `make bench` calls it.

In full, a figure that is not as it must be makes the exit code 1. In the short form only what goes wrong does: nothing is
judged by a busy machine, but every row has to be measured.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final

import click
from rich.console import Console

from deploy.local.stack import ROOT
from producer.cli.printing import results
from tests.bench.figures import Measured, misses
from tests.bench.machine import machine
from tests.bench.rows import ROWS
from tests.bench.sizes import FULL, SHORT, Sizes
from tests.bench.table import table, write

OUT: Final = ROOT / ".bench"


@click.command()
@click.option(
    "--short", is_flag=True, help="Measure little and judge nothing: only to see that every row can be measured."
)
@click.option("--rows", help="Only these rows, by their numbers: 1,4,6.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=OUT, help="Where JSON and plots go; .bench if not said."
)
def bench(*, short: bool, rows: str | None, out: Path) -> None:
    """Measure how fast it is, on this machine."""
    console = results()
    measured = [_measured(number, SHORT if short else FULL, console) for number in _numbers(rows)]
    here = machine()
    console.print(table(measured, here))
    write(out, measured, here)
    console.print(f"As JSON and as plots: {out}")
    missed = misses(measured)
    if missed and not short:
        console.print("Not as it must be:", *missed, sep="\n  ", style="red")
        click.get_current_context().exit(1)


def _numbers(rows: str | None) -> Sequence[int]:
    if rows is None:
        return sorted(ROWS)
    numbers = [int(word) if word.strip().isdecimal() else 0 for word in rows.split(",")]
    if unknown := [number for number in numbers if number not in ROWS]:
        raise click.UsageError(f"--rows: {len(unknown)} of these are no rows; there are 1 to {max(ROWS)}.")
    return numbers


def _measured(number: int, sizes: Sizes, console: Console) -> Measured:
    """Measure a row. What its programs left is kept where it went wrong."""
    row = ROWS[number]
    console.print(f"{number}. {row.title}")
    directory = Path(tempfile.mkdtemp(prefix=f"segment-export-bench-{number}-"))
    load, began = os.getloadavg()[0], monotonic()
    try:
        figures = asyncio.run(row.measure(sizes, directory))
    except Exception:
        console.print(f"Row {number} went wrong; the programs' logs are in {directory}", style="red")
        raise
    shutil.rmtree(directory)
    return Measured(number, row.title, figures, load, monotonic() - began)


if __name__ == "__main__":
    bench(prog_name="python -m tests.bench")
