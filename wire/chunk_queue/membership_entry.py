"""One address's standing with an export, as the few bytes that membership keeps of it; pure.

An entry is 16 bytes: state, reason, fingerprint, run and chunk; with 8 more for the person's id at the platform, where an
export has such. So an address of ordinary length and its entry take less than 64 bytes of the store in all
(`scripts/lib/membership.lua` says how they lie there).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from hashlib import sha1
from typing import Final, NamedTuple

from wire.chunk_queue.rejects import RejectCode

FINGERPRINT_BYTES: Final = 8
PERSON_BYTES: Final = 8

UNKNOWN: Final = bytes(PERSON_BYTES)
"""Who is behind an address, where their row does not say: what was known of that stays."""

_NUMBER_BYTES: Final = 3
_LARGEST: Final = (1 << 8 * _NUMBER_BYTES) - 1

_WAS_MEMBER: Final = 0x80

ENTRY_BYTES: Final = 2 + FINGERPRINT_BYTES + 2 * _NUMBER_BYTES

REASONS: Final = tuple(RejectCode)
"""Kept by their place: add new ones at the end."""


class MemberState(Enum):
    """What is known of an address at an account and its list; the values are kept.

    `MEMBER`: applied. `REFUSED`: not applied, for a reason. `MAYBE`: sent, and not known to be either. `LEFT`: gone from
    the segment, and marked so. `OUT`: gone from the segment, and unsubscribed by us, which is for ever. `YIELDED`: gone
    from the segment, and left as they are, since another export has them on the same list. Without an entry: never sent.
    """

    MEMBER = ord("m")
    REFUSED = ord("r")
    MAYBE = ord("?")
    LEFT = ord("l")
    OUT = ord("o")
    YIELDED = ord("y")


class MembershipEntry(NamedTuple):
    """What was last applied, or not: `run` counts the runs of the export into this list, `chunk` those of the run.

    `was_member`: they were a member before they were refused; the scripts that write an entry tell it. `person`: a keyed
    hash of their id at the platform; empty without such.
    """

    standing: MemberState
    fingerprint: bytes = bytes(FINGERPRINT_BYTES)
    run: int = 0
    chunk: int = 0
    reason: RejectCode | None = None
    was_member: bool = False
    person: bytes = b""

    def to_bytes(self) -> bytes:
        """Write the entry as it is kept."""
        reason = (REASONS.index(self.reason) + 1 if self.reason else 0) | (_WAS_MEMBER if self.was_member else 0)
        return bytes((self.standing.value, reason)) + self.fingerprint + _numbers(self.run, self.chunk) + self.person

    @classmethod
    def from_bytes(cls, kept: bytes) -> "MembershipEntry":
        """Read what `to_bytes` wrote. ValueError for a standing that there is not."""
        run, chunk = 2 + FINGERPRINT_BYTES, 2 + FINGERPRINT_BYTES + _NUMBER_BYTES
        return cls(
            MemberState(kept[0]),
            kept[2:run],
            int.from_bytes(kept[run:chunk], "little"),
            int.from_bytes(kept[chunk:ENTRY_BYTES], "little"),
            REASONS[reason - 1] if (reason := kept[1] & ~_WAS_MEMBER) else None,
            bool(kept[1] & _WAS_MEMBER),
            b"" if kept[ENTRY_BYTES:] == UNKNOWN else kept[ENTRY_BYTES:],
        )


@dataclass(frozen=True, slots=True)
class MembershipEntries:
    """What membership is to know of many at once: their addresses, and of each what `MembershipEntry.to_bytes`, `gone` or `past` wrote."""

    addresses: tuple[str, ...] = ()
    kept: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, MembershipEntry | bytes]]) -> "MembershipEntries":
        """Make them of addresses and the entry of each, or what became of it."""
        by_address = tuple(pairs)
        kept = (known if isinstance(known, bytes) else known.to_bytes() for _, known in by_address)
        return cls(tuple(address for address, _ in by_address), tuple(kept))

    @classmethod
    def alike(
        cls, addresses: Sequence[str], prints: bytes, like: MembershipEntry, others: Mapping[int, MembershipEntry]
    ) -> "MembershipEntries":
        """Make them all like one, each with its own of the prints: fingerprint, and person where there are such.

        `others`, by their place, are as they are.
        """
        first, end, width = like.to_bytes(), 2 + FINGERPRINT_BYTES, len(prints) // len(addresses)
        begins, goes_on = first[:2], first[end:ENTRY_BYTES]
        own = [prints[at : at + width] for at in range(0, len(prints), width)]
        kept = [begins + each[:FINGERPRINT_BYTES] + goes_on + each[FINGERPRINT_BYTES:] for each in own]
        for place, entry in others.items():
            kept[place] = entry.to_bytes()
        return cls(tuple(addresses), tuple(kept))

    def __add__(self, others: "MembershipEntries") -> "MembershipEntries":
        return MembershipEntries(self.addresses + others.addresses, self.kept + others.kept)

    def words(self) -> tuple[str, bytes]:
        """Write them as scripts take them: addresses between line breaks, and each entry behind a byte that is its length.

        ValueError where these are not those addresses' entries.
        """
        together = "\n".join(self.addresses)
        told = [address for address in together.split("\n") if address]
        if told != [*self.addresses] or len(self.kept) != len(told):
            raise ValueError(f"these are not the entries of {len(told)} addresses")
        return together, b"".join([bytes((len(each),)) + each for each in self.kept])


NO_ENTRIES: Final = MembershipEntries()


def order_of(address: str) -> int:
    """Where an address stands among those who leave: by the first 8 bytes of its hash, the same in every process."""
    return int.from_bytes(sha1(address.encode(), usedforsecurity=False).digest()[:8])


@lru_cache
def _numbers(*numbers: int) -> bytes:
    """The same for everybody in a chunk."""
    return b"".join(min(number, _LARGEST).to_bytes(_NUMBER_BYTES, "little") for number in numbers)


def gone(person: bytes) -> bytes:
    """Instead of an entry: this person's contact has another address by now. What is known of somebody else there stays."""
    return b"x" + person


def past(person: bytes) -> bytes:
    """Instead of an entry: this person has another address by now, and this one's contact is theirs no more.

    They stand in its entry inverted (`past_of`), so that whoever forgets them finds it.
    """
    return b"-" + person


def past_of(person: bytes) -> bytes:
    """How a person stands in the entry of an address that they have no more."""
    return bytes(255 - byte for byte in person)


def address_of(email: str) -> str:
    """What tells the person behind a contact from others: the address as it was sent, without letter case."""
    return email.lower()


def chunk_number(chunk: str) -> int:
    """The number of the chunk that this one is, or was split from."""
    return int(chunk.partition(".")[0])
