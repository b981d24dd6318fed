"""The first reading of a snapshot: every row is told apart, counted and weighed, and nothing is sent. It blocks.

A survey that is cut short is done again from the first row: only its whole result reaches the record.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from producer.changes import Seen, Selection
from producer.chunking import pack
from producer.mapping import Mapper
from producer.rows import Invalid, Mapped
from producer.snapshots import Snapshot
from wire.activecampaign.payloads import import_body
from wire.rejects import PAGE_LINES, Reject, page


class Abandoned(Exception):
    """The survey is not wanted any more: its run has ended, or the process is going down."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a snapshot holds for an export: counts in rows, weight in bytes of JSON, and how many requests."""

    read: int
    invalid: int
    duplicate: int
    selected: int
    phones_left_out: int
    weight: int
    requests: int
    selection: bytes
    rejects: tuple[bytes, ...]
    pin: str

    def figures(self) -> dict[str, int]:
        """The counts by the names of the record."""
        names = ("read", "invalid", "duplicate", "selected", "phones_left_out")
        return {name: getattr(self, name) for name in names}


def survey(snapshot: Snapshot, mapper: Mapper, *, automations: bool, wanted: Callable[[], bool]) -> Survey:
    """Read a snapshot once through.

    Raises SnapshotError if it cannot be read as mapped, Abandoned as soon as `wanted` says no.
    """
    surveyor = _Surveyor(mapper, wanted)
    pin = snapshot.pin()
    weight = requests = 0
    for chunk in pack(surveyor.contacts(snapshot)):
        weight += len(import_body(chunk.contacts, automations=automations))
        requests += 1
    snapshot.verify(pin)
    return Survey(
        read=surveyor.read,
        invalid=surveyor.invalid,
        duplicate=surveyor.duplicate,
        selected=surveyor.selection.count(),
        phones_left_out=surveyor.phones_left_out,
        weight=weight,
        requests=requests,
        selection=surveyor.selection.to_bytes(),
        rejects=surveyor.rejects(),
        pin=pin.text,
    )


class _Surveyor:
    """Counts while contacts pass through."""

    def __init__(self, mapper: Mapper, wanted: Callable[[], bool]) -> None:
        self.read = self.invalid = self.duplicate = self.phones_left_out = 0
        self.selection = Selection()
        self._mapper = mapper
        self._wanted = wanted
        self._seen = Seen()
        self._open_page: list[Reject] = []
        self._pages: list[bytes] = []

    def contacts(self, snapshot: Snapshot) -> Iterator[Mapped]:
        """Yield the contacts that are selected."""
        for batch in snapshot.read(self._mapper.columns):
            if not self._wanted():
                raise Abandoned
            keys = self._mapper.addresses(batch)
            first = self._seen.first(keys)
            # A row without an address is no duplicate of another one: it is checked, and found invalid.
            checked = [row for row, (key, new) in enumerate(zip(keys, first, strict=True)) if new or key is None]
            chosen = [False] * batch.num_rows
            for found in self._mapper.contacts(batch, checked, before=self.read):
                if isinstance(found, Invalid):
                    self._reject(found)
                    continue
                chosen[found.row - self.read - 1] = True
                self.phones_left_out += found.phone_left_out
                yield found
            self.duplicate += batch.num_rows - len(checked)
            self.read += batch.num_rows
            self.selection.append(chosen)

    def rejects(self) -> tuple[bytes, ...]:
        """All pages of rejects."""
        return (*self._pages, *filter(None, [page(self._open_page)]))

    def _reject(self, found: Invalid) -> None:
        self.invalid += 1
        self._open_page.append(Reject(found.row, found.email, "invalid", found.code, found.reason))
        if len(self._open_page) == PAGE_LINES:
            self._pages.append(page(self._open_page))
            self._open_page = []
