"""Decides which absent members have left: an unsubscribe is a proposal until a second snapshot agrees. Pure.

Of each member whom the last surveyed snapshot did not have, 8 bytes are kept: a keyed hash of the address. A survey compares
these with the members that its own snapshot does not have. A survey in which a member is present again takes the hash away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

AddressHashes = npt.NDArray[np.uint64]
AddressFlags = npt.NDArray[np.bool_]
Absence = Literal["present", "absent", "doubtful"]

HANDFUL: Final = 5
"""Rows without a readable address by which a snapshot may exceed the one before, and its absent members still be believed."""

PINS_KEPT: Final = 32
"""Snapshots that are known again; an older one is no second opinion."""

NOBODY: Final[AddressHashes] = np.empty(0, np.uint64)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a survey knows of its snapshot: its pin, its origin (segment and columns of the address), and unreadable rows.

    `number` counts the surveys of the membership that came before.
    """

    pin: str
    origin: str
    number: int
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Absences:
    """What the last survey left for the next one.

    `once`: absent from the last snapshot. `agreed`: absent from the last one and from a different one right before.
    `doubtful`: absent since a snapshot in which unreadable rows had become more; while there are more than `tolerated`, an
    unreadable row may be theirs. `unreadable` is None where no survey has counted them yet. `pins` has the last one at its end.
    """

    origin: str = ""
    number: int = 0
    pins: tuple[str, ...] = ()
    unreadable: int | None = None
    tolerated: int | None = None
    once: AddressHashes = field(default_factory=lambda: NOBODY)
    agreed: AddressHashes = field(default_factory=lambda: NOBODY)
    doubtful: AddressHashes = field(default_factory=lambda: NOBODY)

    def fields(self) -> dict[str, str | int | bytes]:
        """Write it as fields of the record; no address is in it."""
        told: dict[str, str | int | bytes] = {
            "origin": self.origin,
            "pins": " ".join(self.pins),
            **{name: np.sort(getattr(self, name)).tobytes() for name in ("once", "agreed", "doubtful")},
        }
        figures = {"unreadable": self.unreadable, "tolerated": self.tolerated}
        return told | {name: figure for name, figure in figures.items() if figure is not None}

    @classmethod
    def from_fields(cls, kept: Mapping[str, bytes]) -> "Absences":
        """Read what `fields` wrote, with the `number` that the record adds."""

        def hashes(name: str) -> AddressHashes:
            return np.frombuffer(kept.get(name, b""), np.dtype("<u8"))

        return cls(
            origin=kept.get("origin", b"").decode(),
            number=int(kept.get("number", 0)),
            pins=tuple(kept.get("pins", b"").decode().split()),
            unreadable=int(kept["unreadable"]) if "unreadable" in kept else None,
            tolerated=int(kept["tolerated"]) if "tolerated" in kept else None,
            once=hashes("once"),
            agreed=hashes("agreed"),
            doubtful=hashes("doubtful"),
        )

    def of(self, address: str, key: bytes) -> Absence:
        """Whether an address was absent from the last surveyed snapshot, or may have been."""
        hashed = hashes_of([address], key)[0]
        if hashed in self.doubtful:
            return "doubtful"
        return "absent" if hashed in self.once or hashed in self.agreed else "present"


@dataclass(frozen=True, slots=True)
class Judged:
    """What follows of each absent member, by their place: `agreed` that they have left, or `doubtful`.

    `is_blind`: the snapshot has so many unreadable rows that nobody is known to be absent. `after` is for the next survey.
    """

    agreed: AddressFlags
    doubtful: AddressFlags
    is_blind: bool
    after: Absences


def hashes_of(addresses: Sequence[str], key: bytes) -> AddressHashes:
    """Hash addresses with a key, the same in every process; no address can be told from it without the key."""
    digests = [blake2b(address.encode(), digest_size=8, key=key).digest() for address in addresses]
    return np.frombuffer(b"".join(digests), np.dtype("<u8"))


def pin_digest(pin: str) -> str:
    """Shorten a pin, so that some can be kept."""
    return blake2b(pin.encode(), digest_size=8).hexdigest()


def origin_of(segment: str, mapping: Mapping[str, object]) -> str:
    """Name what a snapshot is of: absences of another segment, or of another column of addresses, prove nothing here."""
    said = "\0".join([segment, str(mapping.get("email")), str(mapping.get("id"))])
    return blake2b(said.encode(), digest_size=8).hexdigest()


def judge(before: Absences, absent: AddressHashes, now: Sighting) -> Judged:
    """Say which absent members have left for good, as far as this snapshot and the one before agree."""
    known = _known(before, now)
    rises = known.unreadable is not None and now.unreadable > known.unreadable + HANDFUL
    is_blind = rises or (known.unreadable is None and now.unreadable > HANDFUL)
    is_later = now.pin not in known.pins
    after = replace(known, origin=now.origin, number=now.number)
    if is_later:
        after = replace(after, pins=(*known.pins, now.pin)[-PINS_KEPT:], unreadable=now.unreadable)
    elif known.unreadable is not None:
        after = replace(after, unreadable=min(known.unreadable, now.unreadable))
    if is_blind:
        # rule: a snapshot that cannot be read well enough is no evidence, neither now nor for the next one
        tolerated = known.unreadable if known.tolerated is None else known.tolerated
        after = replace(after, tolerated=tolerated, once=NOBODY, agreed=NOBODY, doubtful=absent)
        return Judged(np.zeros(len(absent), np.bool_), np.ones(len(absent), np.bool_), True, after)
    still = known.tolerated is not None and now.unreadable > known.tolerated + HANDFUL
    # rule: an unreadable row may be theirs for as long as it is there
    doubts = np.isin(absent, known.doubtful) if still else np.zeros(len(absent), np.bool_)
    had_agreed, were_once = np.isin(absent, known.agreed) & ~doubts, np.isin(absent, known.once) & ~doubts
    # rule: a snapshot that was read before is no second opinion, nor a first one
    agreed = had_agreed | (were_once & is_later)
    once = ~doubts & ~agreed & (were_once | is_later)
    after = replace(
        after,
        tolerated=known.tolerated if still else None,
        once=absent[once],  # rule: who is present again is absent no more
        agreed=absent[agreed],
        doubtful=absent[doubts],
    )
    return Judged(agreed, doubts, False, after)


def _known(before: Absences, now: Sighting) -> Absences:
    """What of an earlier survey still counts."""
    if before.origin != now.origin:
        return Absences()  # rule: what another segment lacked proves nothing
    if before.number != now.number:
        # rule: a survey in between that noted no absences, by an earlier version, breaks the row
        return Absences(origin=before.origin, pins=before.pins, unreadable=before.unreadable)
    return before
