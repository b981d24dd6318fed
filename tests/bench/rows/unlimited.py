"""Row 3: contacts a second to an account without limits, against the bare parts of the same work in the same run.

The bare parts are what anybody would have to do: read the Parquet file, encode the JSON, ring a bell for each request through
Dramatiq, post every body and ask once after each batch. Each is timed alone, one after the other, with as many processes as
the export has workers where there is something to share, against the same kind of account.
"""

from pathlib import Path
from time import monotonic
from typing import Final

from tests.bench.bare import Parts, bare_parts
from tests.bench.figures import Bound, Figure, Unit
from tests.bench.people import write_people
from tests.bench.place import UNLIMITED, place
from tests.bench.sizes import Sizes

SWITCHES: Final = UNLIMITED | {"batch_seconds": "0", "false_seconds": "0"}
LEAST: Final = Bound(least=0.5)


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Export with each number of workers, and do the bare parts after each."""
    snapshot = write_people(directory / "people.parquet", sizes.unlimited)
    figures = []
    for workers in sizes.unlimited_workers:
        figures += await _with(workers, sizes.unlimited, snapshot)
    return figures


async def _with(workers: int, count: int, snapshot: Path) -> list[Figure]:
    directory = snapshot.parent / f"workers-{workers}"
    async with place(directory, [SWITCHES, SWITCHES], workers=workers) as there:
        await there.export("vip")
        began = monotonic()
        run = await there.publish("vip", snapshot)
        await there.until(run, "delivering")
        surveyed = monotonic() - began
        await there.ended(run, every_seconds=0.2)
        ours = monotonic() - began
        weights = there.weights()
        parts = await bare_parts(there, there.accounts[1], snapshot, processes=workers)
    said = f"{workers} worker{'s' if workers > 1 else ''}"
    return [
        Figure(f"{said}: against the bare parts", parts.seconds / ours, Unit.SHARE, LEAST),
        Figure(f"{said}: end to end", count / ours, Unit.PER_SECOND),
        Figure(f"{said}: of that surveying", surveyed / ours, Unit.SHARE),
        *_of(parts, said, count),
        *(Figure(f"{said}: processor time, {name}", w.processor_seconds, Unit.SECONDS) for name, w in weights.items()),
    ]


def _of(parts: Parts, said: str, count: int) -> list[Figure]:
    return [
        Figure(f"{said}: bare parts one after the other", count / parts.seconds, Unit.PER_SECOND),
        *(Figure(f"{said}: bare {name}", seconds, Unit.SECONDS) for name, seconds in parts.document().items()),
    ]
