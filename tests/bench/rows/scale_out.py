"""Row 7: many accounts and more worker processes: contacts a second, and what each chunk costs the store.

The accounts have no limits, so the figures are of the machine: with few cores more processes cannot be faster. What one
store could carry is reckoned from its processor time a chunk, at the published limits of each account.
"""

import asyncio
from pathlib import Path
from time import monotonic
from typing import Final

from redis import Redis

from tests.bench.figures import Figure, Unit
from tests.bench.people import write_people
from tests.bench.place import PUBLISHED, UNLIMITED, place
from tests.bench.sizes import Sizes

SWITCHES: Final = UNLIMITED | {"batch_seconds": "0.1:0.3"}
CHUNKS_A_SECOND: Final = PUBLISHED["imports_per_minute"] / 60


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Export to all accounts at once with each number of workers."""
    snapshot = write_people(directory / "people.parquet", sizes.scale_each)
    rates, figures = [], []
    for workers in sizes.scale_workers:
        rate, found = await _with(workers, sizes.accounts, snapshot)
        rates.append(rate)
        figures += found
    speed_up = rates[-1] / rates[0]
    most, fewest = sizes.scale_workers[-1], sizes.scale_workers[0]
    return [Figure(f"{most} workers against {fewest}", speed_up, Unit.TIMES), *figures]


async def _with(workers: int, accounts: int, snapshot: Path) -> tuple[float, list[Figure]]:
    directory = snapshot.parent / f"workers-{workers}"
    async with place(directory, [SWITCHES] * accounts, workers=workers) as there:
        for number in range(accounts):
            await there.export(f"export-{number}", number)
        before = _spent(there.valkey)
        began = monotonic()
        runs = [await there.publish(f"export-{number}", snapshot) for number in range(accounts)]
        ended = await asyncio.gather(*(there.ended(run, every_seconds=0.5) for run in runs))
        seconds = monotonic() - began
        scripts, commands, processor = (after - at for after, at in zip(_spent(there.valkey), before, strict=True))
    chunks = sum(run["chunks"] for run in ended)
    contacts = sum(run["books"]["applied"] for run in ended)
    said = f"{workers} worker{'s' if workers > 1 else ''}"
    carried = chunks / processor
    return contacts / seconds, [
        Figure(f"{said}: contacts a second over {accounts} accounts", contacts / seconds, Unit.PER_SECOND),
        Figure(f"{said}: scripts a chunk", scripts / chunks, Unit.EACH),
        Figure(f"{said}: commands a chunk, those within scripts too", commands / chunks, Unit.EACH),
        Figure(f"{said}: store's processor time a chunk", processor / chunks * 1000, Unit.MILLISECONDS),
        Figure(f"{said}: accounts at full allowance that one core carries", carried / CHUNKS_A_SECOND, Unit.COUNT),
    ]


def _spent(valkey: Redis) -> tuple[float, float, float]:
    """So far: scripts that clients asked for, commands that ran in and outside of them, and processor seconds."""
    scripts = sum(
        valkey.info("commandstats").get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval")
    )
    processor = valkey.info("cpu")
    commands = valkey.info("stats")["total_commands_processed"]
    return scripts, commands, processor["used_cpu_user"] + processor["used_cpu_sys"]
