"""Row 8: how soon the first request leaves after an event was accepted, and a killed worker's chunk is under way again."""

import time
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from tests.bench.figures import Bound, Figure, Unit
from tests.bench.people import write_people
from tests.bench.place import Place, paced, place
from tests.bench.sizes import Sizes

WORKERS: Final = 2
CONTACTS: Final = 250
PACE: Final = 20
RECOVERY: Final = Bound(most=30.0)
SLOW_ANSWER_SECONDS: Final = "15"
"""Long enough that the killed worker surely has a request under way."""


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Time small exports one after the other, and then kill a worker."""
    snapshots = [
        write_people(directory / f"{number}.parquet", CONTACTS, start=number * CONTACTS)
        for number in range(2 + sizes.starts)
    ]
    async with place(directory / "stack", [paced(PACE)], workers=WORKERS) as there:
        await there.export("vip")
        await there.timed("vip", snapshots[0])
        waits = [await _first_import(there, snapshot) for snapshot in snapshots[1:-1]]
        p99 = quantiles(waits, n=100, method="inclusive")[-1]
        recovered = await _recovery(there, snapshots[-1])
    return [
        Figure("event accepted to first request, p50", median(waits), Unit.SECONDS),
        Figure("event accepted to first request, p99", p99, Unit.SECONDS),
        Figure("p99 against p50", p99 / median(waits), Unit.TIMES),
        Figure("worker killed to its chunk under way again", recovered, Unit.SECONDS, RECOVERY),
    ]


async def _first_import(there: Place, snapshot: Path) -> float:
    run = await there.publish("vip", snapshot)
    accepted = time.time()
    await there.ended(run)
    return float((await there.accounts[0].totals())["last_import"]) - accepted


async def _recovery(there: Place, snapshot: Path) -> float:
    """Kill all workers while a request is under way, start one again, and wait for the chunk's second request."""
    (account,) = there.accounts
    sent = (await account.totals())["imports"]
    await account.tell("switches", {"latency_seconds": SLOW_ANSWER_SECONDS})
    run = await there.publish("vip", snapshot)
    await account.until(lambda totals: totals["imports"] > sent)
    for number in range(1, WORKERS + 1):
        there.stack.kill(f"worker-{number}")
    killed = time.time()
    await account.tell("switches", {"latency_seconds": "0"})
    there.stack.restart("worker-1")
    await there.ended(run)
    return float((await account.totals())["last_import"]) - killed
