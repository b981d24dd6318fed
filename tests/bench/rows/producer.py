"""Row 4: how many profiles a second the producer reads, compares, maps and packs, in this process, on one core.

A survey is read, compared, and where somebody is to be sent mapped, checked and packed. What is known of people is made from
the fingerprints of the same rows. Peak memory is another row's.
"""

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final, TypeVar

import numpy as np

from producer.contacts.mapper import Mapper, MappingSpec
from producer.pipeline.comparison import ENTRY, Known, fingerprints_of, hashes_of
from producer.pipeline.enqueue import chunks
from producer.pipeline.row_selection import Selection
from producer.pipeline.survey import KnownBefore, Survey, run_survey
from producer.snapshots import Snapshot, open_snapshot
from tests.bench.figures import Bound, Figure, Unit
from tests.bench.people import FORMATS, MAPPING, Format, write_people
from tests.bench.sizes import MILLION, Sizes
from wire.chunk_queue.membership_entry import MemberState

CHANGED_EVERY: Final = 50
"""Two in a hundred."""

SURVEY_SECONDS: Final = 20.0
"""For a million of whom two in a hundred changed."""

T = TypeVar("T")


async def measure(sizes: Sizes, directory: Path) -> list[Figure]:
    """Measure every format; it blocks, and nothing else runs here."""
    return [figure for format_ in FORMATS for figure in _measure(format_, sizes.producer, directory)]


def _measure(format_: Format, count: int, directory: Path) -> list[Figure]:
    snapshot = open_snapshot(str(write_people(directory / f"as.{format_}", count)), (directory,))
    changed = write_people(directory / f"changed.{format_}", count, changed_every=CHANGED_EVERY)
    mapper = _mapper()
    pages = []

    def read() -> None:
        for _ in snapshot.read(mapper.columns):
            pass

    def know() -> None:
        for batch in snapshot.read(mapper.columns):
            keys = mapper.addresses(batch)
            entries = np.zeros(batch.num_rows, ENTRY)
            entries["standing"] = MemberState.MEMBER.value
            entries["print"] = fingerprints_of(mapper.fingerprints(batch, keys))
            pages.append((hashes_of(keys), entries))

    know()
    reading, _ = _timed(read)
    first_run, first = _timed(lambda: _survey(snapshot, mapper, Known()))
    unchanged, none = _timed(lambda: _survey(snapshot, mapper, Known(pages)))
    refresh, some = _timed(lambda: _survey(open_snapshot(str(changed), (directory,)), mapper, Known(pages)))
    packing, _ = _timed(lambda: _pack(snapshot, mapper, first))
    if (first.selected, none.selected, some.selected) != (count, 0, -(-count // CHANGED_EVERY)):
        raise RuntimeError(f"surveys that selected {first.selected}, {none.selected}, {some.selected} are wrong")
    most = Bound(most=SURVEY_SECONDS * count / MILLION)
    return [
        Figure(f"{format_}: read", count / reading, Unit.PER_SECOND),
        Figure(f"{format_}: survey of a first run", count / first_run, Unit.PER_SECOND),
        Figure(f"{format_}: survey, nothing changed", count / unchanged, Unit.PER_SECOND),
        Figure(f"{format_}: survey, 2 % changed", count / refresh, Unit.PER_SECOND),
        Figure(f"{format_}: read again, map and pack", count / packing, Unit.PER_SECOND),
        Figure(f"{format_}: time of a survey with 2 % changed", refresh, Unit.SECONDS, most),
        Figure(f"{format_}: that survey against only reading", refresh / reading, Unit.TIMES),
    ]


def _mapper() -> Mapper:
    spec = MappingSpec(
        email=MAPPING["email"],
        first_name=MAPPING["first_name"],
        last_name=MAPPING["last_name"],
        phone=MAPPING["phone"],
    )
    return Mapper(spec, 12, automations=False)


def _survey(snapshot: Snapshot, mapper: Mapper, known: Known) -> Survey:
    return run_survey(snapshot, mapper, KnownBefore(known), automations=False, wanted=lambda: True)


def _pack(snapshot: Snapshot, mapper: Mapper, found: Survey) -> int:
    return sum(1 for _ in chunks(snapshot, mapper, Selection.from_bytes(found.selection), 0))


def _timed(step: Callable[[], T]) -> tuple[float, T]:
    began = monotonic()
    made = step()
    return monotonic() - began, made
