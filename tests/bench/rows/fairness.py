"""Row 6: how much longer a small export takes while a large one is sent, to another account and to the same one.

Both are timed alone and beside the large export in turn, and medians are compared. Limits are scaled, and kept.
"""

from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.figures import Bound, Figure, Unit
from tests.bench.people import write_people
from tests.bench.place import Place, paced, place
from tests.bench.sizes import Sizes

WORKERS: Final = 2
PACE: Final = 1
OTHER_LIST: Final = "3"
OTHER_ACCOUNT: Final = Bound(most=1.2)
SAME_ACCOUNT: Final = Bound(most=2.0)


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Time small exports alone, then while the large one is sent."""
    large = write_people(directory / "large.parquet", sizes.fairness_large)
    smalls = [
        write_people(directory / f"small-{number}.parquet", sizes.fairness_small, start=number * sizes.fairness_small)
        for number in range(2 + 2 * sizes.fairness_times)
    ]
    async with place(directory / "stack", [paced(PACE), paced(PACE)], workers=WORKERS) as there:
        await there.export("large", 0)
        await there.export("same", 0, OTHER_LIST)
        await there.export("other", 1, OTHER_LIST)
        for name in ("same", "other"):  # the first import of a stack also loads scripts and learns when batches end
            await there.timed(name, smalls[0])
        half = 1 + sizes.fairness_times
        alone = {name: await _times(there, name, smalls[1:half]) for name in ("same", "other")}
        run = await there.publish("large", large)
        await there.until(run, "delivering")
        beside = {name: await _times(there, name, smalls[half:-1]) for name in ("same", "other")}
        if (await there.run(run))["state"] != "delivering":
            raise RuntimeError("the large export was over before the small ones were")
    bounds = {"other": OTHER_ACCOUNT, "same": SAME_ACCOUNT}
    return [
        *(
            Figure(f"{name} account: time against being alone", beside[name] / alone[name], Unit.TIMES, bounds[name])
            for name in ("other", "same")
        ),
        *(Figure(f"{name} account: alone", alone[name], Unit.SECONDS) for name in ("other", "same")),
        *(Figure(f"{name} account: beside the large export", beside[name], Unit.SECONDS) for name in ("other", "same")),
    ]


async def _times(there: Place, name: str, snapshots: list[Path]) -> float:
    return median([await there.timed(name, snapshot) for snapshot in snapshots])
