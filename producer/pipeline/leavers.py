"""Those who left the segment: what is sent of them, in an order of their own, and who they are in the record. Pure.

They are in no row of the snapshot, so they are put in the order of their hashes: whoever reads on after a chunk goes on behind
the hash of its last contact, whatever has become of the others meanwhile.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from producer.contacts.mapped_rows import MappedRows
from wire.activecampaign.requests import contact_json
from wire.chunk_queue.membership_entry import UNKNOWN, MembershipEntry, order_of
from wire.chunk_queue.run import Run

_ORDERS: Final = np.dtype("<u8")


def to_bytes(addresses: Iterable[str]) -> bytes:
    """Write who leaves for the record; no address is in it."""
    orders = np.sort(np.fromiter(map(order_of, addresses), _ORDERS))
    return zlib.compress(orders.tobytes())


def from_bytes(kept: bytes) -> set[int]:
    """Read whose places `to_bytes` wrote."""
    return set(np.frombuffer(zlib.decompress(kept), _ORDERS).tolist()) if kept else set()


def contacts(leavers: Iterable[tuple[str, MembershipEntry]], run: Run, *, after: int = 0) -> Iterator[MappedRows]:
    """Yield what is sent of leavers behind this place, in their order; a contact's row is its place."""
    has_ids = run.spec["mapping"].get("id") is not None
    ordered = sorted((order_of(address), address, entry) for address, entry in leavers)
    for order, address, entry in ordered:
        if order > after:
            print_ = entry.fingerprint + (entry.person or UNKNOWN if has_ids else b"")
            yield MappedRows(order, _json(address, run), phone_left_out=False, fingerprint=print_)


def _json(address: str, run: Run) -> bytes:
    """A leaver is taken off the list, or marked in a field and left where they are."""
    marked = run.spec["leavers"] == "field"
    mark = run.spec["leavers_field"] if marked else {}
    return contact_json(
        email=address,
        first_name=None,
        last_name=None,
        phone=None,
        fields=[(int(mark["id"]), mark["left"])] if marked else [],
        tags=(),
        list_id=run.list_id,
        automations=bool(run.spec["automations"]),
        membership=None if marked else "unsubscribe",
    )
