"""Writes the demo's segment as a Parquet file and adds up what its run must end with; it runs nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from deploy.local.people import ExpectedFate, Profile

ROWS_PER_GROUP: Final = 10_000
CONTACTS_PER_CHUNK: Final = 250

SCHEMA: Final = pa.schema([(name, pa.string()) for name in ("Email", "FirstName", "LastName", "Phone")])
MAPPING: Final = {"email": "Email", "first_name": "FirstName", "last_name": "LastName", "phone": "Phone"}


@dataclass(frozen=True, slots=True)
class ExpectedOutcome:
    """What must come of a segment. Addresses are in lower case, as ActiveCampaign knows people."""

    counts: Counter[ExpectedFate]
    members: frozenset[str]
    opted_out: frozenset[str]
    excluded: frozenset[str]
    opted_out_elsewhere: frozenset[str]
    phones_left_out: int

    @property
    def invalid(self) -> int:
        """Rows that have no usable address."""
        return self.counts[ExpectedFate.INVALID]

    @property
    def duplicates(self) -> int:
        """Rows that repeat an address of an earlier row."""
        return self.counts[ExpectedFate.DUPLICATE]

    @property
    def refused(self) -> int:
        """Contacts that are sent and kept out by ActiveCampaign."""
        return self.counts[ExpectedFate.OPTED_OUT] + self.counts[ExpectedFate.EXCLUDED]

    @property
    def selected(self) -> int:
        """Contacts that are sent."""
        return self.counts[ExpectedFate.APPLIED] + self.refused

    @property
    def chunks(self) -> int:
        """Import requests that are needed: an ordinary contact is small, so the number of contacts binds."""
        return -(-self.selected // CONTACTS_PER_CHUNK)

    def books(self) -> dict[str, int]:
        """Return the books of the run, by the words of the API."""
        return {
            "read": self.counts.total(),
            "invalid": self.invalid,
            "duplicate": self.duplicates,
            "unchanged": 0,
            "held_back": 0,
            "selected": self.selected,
            "applied": self.counts[ExpectedFate.APPLIED],
            "refused": self.refused,
            "unconfirmed": 0,
            "unsent": 0,
            "pending": 0,
        }


def write_segment(people: Iterable[Profile], path: Path) -> None:
    """Write people as Parquet, an empty text as null."""
    rows = iter(people)
    with parquet.ParquetWriter(path, SCHEMA) as writer:
        while group := list(islice(rows, ROWS_PER_GROUP)):
            writer.write_table(pa.table([_column(texts) for texts in _texts(group)], schema=SCHEMA))


def expected_outcome(people: Iterable[Profile]) -> ExpectedOutcome:
    """Add up what must come of people."""
    counts: Counter[ExpectedFate] = Counter()
    addresses: dict[ExpectedFate, set[str]] = {fate: set() for fate in ExpectedFate}
    elsewhere: set[str] = set()
    phones_left_out = 0
    for person in people:
        counts[person.fate] += 1
        addresses[person.fate].add(person.address)
        phones_left_out += person.phone_left_out
        if person.opted_out_elsewhere:
            elsewhere.add(person.address)
    return ExpectedOutcome(
        counts=counts,
        members=frozenset(addresses[ExpectedFate.APPLIED]),
        opted_out=frozenset(addresses[ExpectedFate.OPTED_OUT]),
        excluded=frozenset(addresses[ExpectedFate.EXCLUDED]),
        opted_out_elsewhere=frozenset(elsewhere),
        phones_left_out=phones_left_out,
    )


def _texts(group: list[Profile]) -> Iterator[tuple[str, ...]]:
    yield tuple(person.email for person in group)
    yield tuple(person.first_name for person in group)
    yield tuple(person.last_name for person in group)
    yield tuple(person.phone for person in group)


def _column(texts: tuple[str, ...]) -> pa.Array:
    return pa.array([text or None for text in texts], pa.string())
