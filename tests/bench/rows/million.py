"""Row 2: a million contacts at scaled limits against the floor that those limits set, with everything on."""

from datetime import datetime
from pathlib import Path
from typing import Final

from tests.bench.figures import NONE, Bound, Figure, Unit
from tests.bench.people import write_people
from tests.bench.place import PUBLISHED, paced, place
from tests.bench.sizes import Sizes
from wire.activecampaign.requests import MAX_CONTACTS

WORKERS: Final = 2
BATCH_SECONDS: Final = (1.0, 3.0)
MINUTE_SECONDS: Final = 60.0
LEAST: Final = Bound(least=0.95)


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Export once, to an account at so many times the published limits."""
    pace = sizes.million_pace
    snapshot = write_people(directory / "people.parquet", sizes.million)
    low, high = (seconds / pace for seconds in BATCH_SECONDS)
    async with place(directory / "stack", [paced(pace) | {"batch_seconds": f"{low}:{high}"}], workers=WORKERS) as there:
        await there.export("vip")
        run = await there.ended(await there.publish("vip", snapshot), every_seconds=0.5)
        seen = await there.accounts[0].totals()
        weights = there.weights()
    imports = seen["imports"]
    per_second = PUBLISHED["imports_per_minute"] * pace / MINUTE_SECONDS
    floor = imports / per_second
    handing_over = seen["last_import"] - seen["first_import"] + 1 / per_second
    survey = seen["first_import"] - _unix(run["created"])
    confirmed = _unix(run["finished"]) - seen["last_import"]
    return [
        Figure("floor against the time to hand over", floor / handing_over, Unit.SHARE, LEAST),
        Figure("floor against the time from the event to the last import", floor / (handing_over + survey), Unit.SHARE),
        Figure("imports", imports, Unit.COUNT, Bound(most=-(-sizes.million // MAX_CONTACTS))),
        Figure("event to first import", survey, Unit.SECONDS),
        Figure("first import to last", handing_over, Unit.SECONDS),
        Figure("last import to all confirmed", confirmed, Unit.SECONDS),
        Figure("polls an import", (seen["requests"] - imports) / imports, Unit.EACH),
        Figure("throttle answers", seen["violations"], Unit.COUNT, NONE),
        *(Figure(f"processor time, {name}", each.processor_seconds, Unit.SECONDS) for name, each in weights.items()),
    ]


def _unix(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
