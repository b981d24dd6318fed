"""Row 3: contacts a second to an account without limits, against the bare parts of the same work in the same run.

The bare parts are what anybody would have to do: read the Parquet file, encode the JSON, ring a bell for each request through
Dramatiq, post every body and ask once after each batch. Each is timed alone, one after the other, with as many processes as
the export has workers where there is something to share, against the same kind of account.

That ratio of times is what must hold, and the median of some rounds is taken, each with a stack of its own: what others do on the
machine meets the two sides at different moments. On a machine that does other work it says little, as the export has four programs that
wait for each other and a part has two; so the ratio of the work is told as well: of the processor's seconds of everybody who
has a part in it, the account's and the store's among them, on both sides.
"""

from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Final

from tests.bench.bare import Parts, bare_parts
from tests.bench.figures import Bound, Figure, Unit
from tests.bench.people import write_people
from tests.bench.place import ACCOUNTS, UNLIMITED, place
from tests.bench.sizes import Sizes
from tests.bench.weighing import Weight

SWITCHES: Final = UNLIMITED | {"batch_seconds": "0", "false_seconds": "0"}
LEAST: Final = Bound(least=0.5)
VALKEY: Final = "valkey"


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Export with each number of workers, and do the bare parts after each."""
    snapshot = write_people(directory / "people.parquet", sizes.unlimited)
    figures = []
    for workers in sizes.unlimited_workers:
        rounds = [await _with(workers, sizes.unlimited, snapshot, number) for number in range(sizes.unlimited_times)]
        rounds.sort(key=lambda found: found[0].value)
        lowest, highest = (
            Figure(f"{_said(workers)}: {end} of {len(rounds)} rounds", found[0].value, Unit.SHARE)
            for end, found in (("lowest", rounds[0]), ("highest", rounds[-1]))
        )
        figures += [*rounds[len(rounds) // 2], lowest, highest]
    return figures


async def _with(workers: int, count: int, snapshot: Path, number: int) -> list[Figure]:
    """Do one round; the first figure is what the rounds are ordered by."""
    directory = snapshot.parent / f"workers-{workers}-{number}"
    async with place(directory, [SWITCHES, SWITCHES], workers=workers) as there:
        await there.export("vip")
        before, began = there.weights(), monotonic()
        run = await there.publish("vip", snapshot)
        await there.until(run, "delivering")
        surveyed = monotonic() - began
        await there.ended(run, every_seconds=0.2)
        ours = monotonic() - began
        after = there.weights()
        parts = await bare_parts(there, there.accounts[1], snapshot, processes=workers)
        last = there.weights()
    work = _work(before, after)
    others = _work(after, last)
    bare = parts.processor + others[ACCOUNTS] + others[VALKEY]
    said = _said(workers)
    return [
        Figure(f"{said}: against the bare parts", parts.seconds / ours, Unit.SHARE, LEAST),
        Figure(f"{said}: work of the bare parts against ours", bare / sum(work.values()), Unit.SHARE),
        Figure(f"{said}: end to end", count / ours, Unit.PER_SECOND),
        Figure(f"{said}: of that surveying", surveyed / ours, Unit.SHARE),
        *_of(parts, said, count),
        Figure(f"{said}: processor time, bare parts", parts.processor, Unit.SECONDS),
        *(
            Figure(f"{said}: processor time, {name} for them", others[name], Unit.SECONDS)
            for name in (ACCOUNTS, VALKEY)
        ),
        *(Figure(f"{said}: processor time, {name}", seconds, Unit.SECONDS) for name, seconds in work.items()),
    ]


def _said(workers: int) -> str:
    return f"{workers} worker{'s' if workers > 1 else ''}"


def _work(before: Mapping[str, Weight], after: Mapping[str, Weight]) -> dict[str, float]:
    """The processor's seconds of each program between two moments."""
    return {name: after[name].processor_seconds - before[name].processor_seconds for name in after}


def _of(parts: Parts, said: str, count: int) -> list[Figure]:
    return [
        Figure(f"{said}: bare parts one after the other", count / parts.seconds, Unit.PER_SECOND),
        *(Figure(f"{said}: bare {name}", seconds, Unit.SECONDS) for name, seconds in parts.document().items()),
    ]
