"""Those in the segment whose address has changed since they were sent: which rows they are, and what becomes of their contacts.

They are known by the platform's id (`mapping.id`). Their rows are sent apart from all others, in small chunks, since each of
them is looked up at ActiveCampaign first (`worker.verdict.address_changes`). Pure.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from producer.contacts.mapped_rows import MappedRows
from wire.activecampaign.requests import CONTACT_BYTES_MAX, How, former_of, moved
from wire.chunk_queue.rejects import PAGE_LINES, Reject, page
from wire.store import codec

MOST: Final = 10
"""Contacts of a chunk: they are looked up one after the other, in one worker's hands."""

NOTE_BYTES: Final = 1024
"""What a former address takes in a contact at the most."""

LOOKUPS: Final[Mapping[How, int]] = {"update": 3, "check": 2}
"""Requests for one of them before the import: find them, see that the new address is free and change it; or find them, and see
that they have not opted out."""

_SENTENCES: Final[Mapping[How, str]] = {
    "update": "Known by another address before: their contact is given this one.",
    "check": "Known by another address before: imported as a new contact, unless they have unsubscribed under that.",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row of somebody who was known by another address: by its place in what was known, and met if a row has that address."""

    row: int
    email: str = field(repr=False)
    person: bytes = field(repr=False)
    place: int
    is_met: bool = False


@dataclass(frozen=True, slots=True)
class AddressChange:
    """What is to become of the contact of somebody's `former` address."""

    row: int
    person: bytes = field(repr=False)
    how: How
    email: str = field(default="", repr=False)
    former: str = field(default="", repr=False)


def count(moves: Iterable[AddressChange], how: How) -> int:
    """How many are to be done so."""
    return sum(move.how == how for move in moves)


def fits(contact_bytes: int) -> bool:
    """Whether the former address has room in a contact of this size as well."""
    return contact_bytes + NOTE_BYTES <= CONTACT_BYTES_MAX


def lines(moves: Iterable[AddressChange]) -> Iterator[bytes]:
    """Write the report of them, in pages."""
    rejects = [
        Reject(one.row, one.email, "changed_address", one.how, _SENTENCES[one.how], one.former or None) for one in moves
    ]
    for first in range(0, len(rejects), PAGE_LINES):
        yield page(rejects[first : first + PAGE_LINES])


def to_bytes(moves: Iterable[AddressChange]) -> bytes:
    """Write which rows they are for the record; no address is in it."""
    return zlib.compress(codec.encode([[one.row, one.person.hex(), one.how] for one in moves]))


def from_bytes(kept: bytes) -> list[AddressChange]:
    """Read what `to_bytes` wrote."""
    found = codec.decode(zlib.decompress(kept)) if kept else []
    return [AddressChange(row, bytes.fromhex(person), how) for row, person, how in found]


def contacts(mapped: Iterable[MappedRows], moves: Mapping[int, AddressChange]) -> Iterator[MappedRows]:
    """Note in contacts which address they were known by; it is empty where that is not known any more (`is_stranded`)."""
    for one in mapped:
        move = moves[one.row]
        yield one._replace(json=moved(one.json, move.former, move.how))


def is_stranded(contact: bytes) -> bool:
    """Whether nobody knows any more which address such a contact had: whoever was there is erased, and is not sent."""
    former = former_of(contact)
    return former is not None and not former.email
