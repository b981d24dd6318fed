"""
Packs contacts into chunks, one import request each; pure.

ActiveCampaign takes at most 250 contacts and 399,999 bytes a request, and lets a request with a single contact pass
five times less often. So chunks are filled to the limits, and one that would hold a lone contact gets the last one of
the chunk before it. A contact stays alone only if it is the only one, or too large to share a request.

Pure.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from producer.contacts.mapped_rows import MappedRows
from wire.activecampaign.requests import CONTACT_BYTES_MAX, MAX_CONTACTS, import_body

_FEWEST_TO_GIVE_ONE = 3
"""A chunk of two would itself be left with a lone contact."""


class Chunk(NamedTuple):
    """The contacts of one request, their rows in the snapshot (from 1) and their fingerprints, all in order."""

    contacts: tuple[bytes, ...]
    rows: tuple[int, ...]
    prints: bytes

    @property
    def last_row(self) -> int:
        """Where reading goes on after this chunk: its rows and all before it are dealt with."""
        return self.rows[-1]


def pack(contacts: Iterable[MappedRows], *, most: int = MAX_CONTACTS) -> Iterator[Chunk]:
    """
    Yield chunks of at most so many contacts, in their order.

    Packing depends only on what follows: begun anew after the last row of any chunk that came out, it gives the same
    chunks again. For that, a chunk comes out only when the next one is closed and has taken what it needs of it.
    Raises ValueError for a contact above CONTACT_BYTES_MAX.
    """
    held: list[MappedRows] = []
    for following in _fill(contacts, most):
        if len(following) == 1 and len(held) >= _FEWEST_TO_GIVE_ONE and _fit_together(held[-1], *following):
            following.insert(0, held.pop())
        if held:
            yield _chunk(held)
        held = following
    if held:
        yield _chunk(held)


class Packing:
    """Counts what `pack` makes of contacts, by their sizes in bytes alone."""

    def __init__(self, most: int = MAX_CONTACTS) -> None:
        self.requests = 0
        self._most = most
        self._contacts = 0
        self._bytes = 0
        self._of_last = 0
        self._bytes_of_last = 0

    def add(self, size: int) -> bool:
        """Take one more contact; return whether it begins a request, as the one before would not have held it, too."""
        self._contacts += 1
        self._bytes += size
        if self.requests and self._of_last < self._most and self._bytes_of_last + 1 + size <= CONTACT_BYTES_MAX:
            self._of_last += 1
            self._bytes_of_last += 1 + size
            return False
        self.requests += 1
        self._of_last, self._bytes_of_last = 1, size
        return True

    def add_all(self, sizes: Iterable[int]) -> None:
        """Take more contacts, in their order."""
        for size in sizes:
            self.add(size)

    def weight(self, *, automations: bool) -> int:
        """Return how many bytes the bodies of all requests have."""
        commas = self._contacts - self.requests
        return self._bytes + commas + self.requests * len(import_body((), automations=automations))


def _fill(contacts: Iterable[MappedRows], most: int) -> Iterator[list[MappedRows]]:
    """Yield full groups: the next contact would not have fitted."""
    group: list[MappedRows] = []
    packing = Packing(most)
    for contact in contacts:
        size = len(contact.json)
        if size > CONTACT_BYTES_MAX:
            raise ValueError(f"row {contact.row}: {size} bytes fit into no request")
        if packing.add(size) and group:
            yield group
            group = []
        group.append(contact)
    if group:
        yield group


def _fit_together(one: MappedRows, other: MappedRows) -> bool:
    return len(one.json) + 1 + len(other.json) <= CONTACT_BYTES_MAX


def _chunk(group: list[MappedRows]) -> Chunk:
    return Chunk(
        tuple(contact.json for contact in group),
        tuple(contact.row for contact in group),
        b"".join(contact.fingerprint for contact in group),
    )
