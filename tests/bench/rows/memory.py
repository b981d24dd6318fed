"""Row 5: the most memory that producer and worker take at growing sizes, and what the store holds of a run and of a member.

The account has no limits, so that the look-ahead is as full as it gets. The largest size is only surveyed, by a dry run,
since it would be the simulated account that filled the machine.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from redis import Redis

from tests.bench.figures import Bound, Figure, Unit
from tests.bench.people import write_people
from tests.bench.place import UNLIMITED, place
from tests.bench.sizes import MILLION, Sizes
from tests.bench.weighing import MIB
from wire.store.keys import key

PRODUCER_MIB: Final = 300.0
RUN_MIB: Final = 32.0
MEMBER_BYTES: Final = 64.0
JUDGED_FROM: Final = 100_000
"""Below that a member's bytes are mostly what a new store takes for itself."""

SAMPLE_SECONDS: Final = 0.1


class Sample(NamedTuple):
    """What the store holds at a moment: bytes in use, and members that an export knows."""

    used: int
    members: int


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Export each size with a stack of its own."""
    found = [await _export(count, directory) for count in sizes.memory]
    figures = [figure for each in found for figure in each]
    figures.append(Figure("producer, largest against smallest", found[-1][0].value / found[0][0].value, Unit.TIMES))
    if sizes.memory_once is not None:
        figures.append(await _survey(sizes.memory_once, directory))
    return figures


async def _export(count: int, directory: Path) -> list[Figure]:
    snapshot = write_people(directory / f"{count}.parquet", count)
    async with place(directory / f"stack-{count}", [UNLIMITED | {"batch_seconds": "0.1:0.3"}]) as there:
        await there.export("vip")
        async with _sampled(there.valkey) as samples:
            await there.ended(await there.publish("vip", snapshot), every_seconds=0.5)
        samples.append(_sample(there.valkey))
        weights = there.weights()
    empty, ended = samples[0].used, samples[-1]
    each = (ended.used - empty) / ended.members
    beyond = max(sample.used - empty - sample.members * each for sample in samples)
    of_producer = Bound(most=PRODUCER_MIB) if count <= MILLION else None
    of_member = Bound(most=MEMBER_BYTES) if count >= JUDGED_FROM else None
    return [
        Figure(f"producer, {count:,}", weights["producer"].peak_mib, Unit.MIB, of_producer),
        Figure(f"worker, {count:,}", weights["worker-1"].peak_mib, Unit.MIB),
        Figure(f"store beyond membership at its peak, {count:,}", beyond / MIB, Unit.MIB, Bound(most=RUN_MIB)),
        Figure(f"store for each member, {count:,}", each, Unit.BYTES, of_member),
    ]


async def _survey(count: int, directory: Path) -> Figure:
    snapshot = write_people(directory / f"{count}.parquet", count)
    async with place(directory / f"stack-{count}", [UNLIMITED]) as there:
        await there.export("vip")
        await there.dry_run("vip", snapshot)
        peak = there.weights()["producer"].peak_mib
    snapshot.unlink()
    return Figure(f"producer, {count:,} surveyed", peak, Unit.MIB)


@asynccontextmanager
async def _sampled(valkey: Redis) -> AsyncIterator[list[Sample]]:
    samples = [_sample(valkey)]

    async def watch() -> None:
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            samples.append(_sample(valkey))

    watching = asyncio.create_task(watch())
    try:
        yield samples
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _sample(valkey: Redis) -> Sample:
    known = valkey.scan_iter(key("membership", "*", "*", "*"), count=1000, _type="hash")
    members = sum(int(valkey.hget(name, "members") or 0) for name in known if not name.endswith(b":unfolded"))
    return Sample(int(valkey.info("memory")["used_memory"]), members)
