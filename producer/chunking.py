"""
Packs contacts into chunks, one import request each; pure.

ActiveCampaign takes at most 250 contacts and 399,999 bytes a request, and lets a request with a single contact pass
five times less often. So chunks are filled to the limits, and one that would hold a lone contact gets the last one of
the chunk before it. A contact stays alone only if it is the only one, or too large to share a request.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from producer.rows import Mapped
from wire.activecampaign.payloads import MAX_BODY_BYTES, MAX_CONTACTS, import_body

_ENVELOPE_BYTES = max(len(import_body((), automations=automations)) for automations in (False, True))

CONTACT_BYTES_MAX: int = MAX_BODY_BYTES - _ENVELOPE_BYTES
"""A larger contact fits into no request; `Mapper` makes it an invalid row, so that it is never selected."""

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


def pack(contacts: Iterable[Mapped], *, most: int = MAX_CONTACTS) -> Iterator[Chunk]:
    """
    Yield chunks of at most so many contacts, in their order.

    Packing depends only on what follows: begun anew after the last row of any chunk that came out, it gives the same
    chunks again. For that, a chunk comes out only when the next one is closed and has taken what it needs of it.
    Raises ValueError for a contact above CONTACT_BYTES_MAX.
    """
    held: list[Mapped] = []
    for following in _fill(contacts, most):
        if len(following) == 1 and len(held) >= _FEWEST_TO_GIVE_ONE and _fit_together(held[-1], *following):
            following.insert(0, held.pop())
        if held:
            yield _chunk(held)
        held = following
    if held:
        yield _chunk(held)


def _fill(contacts: Iterable[Mapped], most: int) -> Iterator[list[Mapped]]:
    """Yield full groups: the next contact would not have fitted."""
    group: list[Mapped] = []
    taken_bytes = 0
    for contact in contacts:
        size = len(contact.json)
        if size > CONTACT_BYTES_MAX:
            raise ValueError(f"row {contact.row}: {size} bytes fit into no request")
        if group and (len(group) == most or taken_bytes + 1 + size > CONTACT_BYTES_MAX):
            yield group
            group, taken_bytes = [], 0
        taken_bytes += size + (1 if group else 0)
        group.append(contact)
    if group:
        yield group


def _fit_together(one: Mapped, other: Mapped) -> bool:
    return len(one.json) + 1 + len(other.json) <= CONTACT_BYTES_MAX


def _chunk(group: list[Mapped]) -> Chunk:
    return Chunk(
        tuple(contact.json for contact in group),
        tuple(contact.row for contact in group),
        b"".join(contact.fingerprint for contact in group),
    )
