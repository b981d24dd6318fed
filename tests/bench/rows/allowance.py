"""Row 1: how much of an account's import allowance is used, in strict windows of three kinds, however many workers there are.

Every stack has an account for each kind of window, and they are used at the same time. The share is the sandbox's own figure:
imports a minute from the first to the last.
"""

import asyncio
from pathlib import Path
from typing import Final

from tests.bench.figures import NONE, Bound, Figure, Unit
from tests.bench.people import write_people
from tests.bench.place import paced, place
from tests.bench.sizes import Sizes

WINDOWS: Final = ("sliding", "fixed", "bucket")
LATENCY_SECONDS: Final = (0.05, 2.0)
LEAST: Final = Bound(least=0.98)


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Measure every kind of window with every number of workers."""
    snapshot = write_people(directory / "people.parquet", sizes.allowance)
    figures = []
    for workers in sizes.allowance_workers:
        figures += await _with(workers, sizes.allowance_pace, snapshot)
    return figures


async def _with(workers: int, pace: int, snapshot: Path) -> list[Figure]:
    low, high = (seconds / pace for seconds in LATENCY_SECONDS)
    switches = [paced(pace) | {"window": window, "latency_seconds": f"{low}:{high}"} for window in WINDOWS]
    async with place(snapshot.parent / f"workers-{workers}", switches, workers=workers) as there:
        for number, window in enumerate(WINDOWS):
            await there.export(window, number)
        runs = [await there.publish(window, snapshot) for window in WINDOWS]
        await asyncio.gather(*map(there.ended, runs))
        totals = [await account.totals() for account in there.accounts]
    said = f"{workers} worker{'s' if workers > 1 else ''}"
    shares = [
        Figure(f"{said}, {window} windows", seen["allowance_used"], Unit.SHARE, LEAST)
        for window, seen in zip(WINDOWS, totals, strict=True)
    ]
    throttles = sum(seen["violations"] for seen in totals)
    return [*shares, Figure(f"{said}, throttle answers", throttles, Unit.COUNT, NONE)]
