"""One address's standing with an export, as the few bytes that membership keeps of it; pure.

An entry is 16 bytes: state, reason, fingerprint, run and chunk; with 8 more for the person's id at the platform, where an
export has such. So an address of ordinary length and its entry take less than 64 bytes of the store in all
(`scripts/lib/membership.lua` says how they lie there).
"""

from enum import Enum
from functools import lru_cache
from hashlib import sha1
from typing import Final, NamedTuple

from wire.rejects import RejectCode

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


class Standing(Enum):
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


class Entry(NamedTuple):
    """What was last applied, or not: `run` counts the runs of the export into this list, `chunk` those of the run.

    `was_member`: they were a member before they were refused; the scripts that write an entry tell it. `person`: a keyed
    hash of their id at the platform; empty without such.
    """

    standing: Standing
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
    def from_bytes(cls, kept: bytes) -> "Entry":
        """Read what `to_bytes` wrote. ValueError for a standing that there is not."""
        run, chunk = 2 + FINGERPRINT_BYTES, 2 + FINGERPRINT_BYTES + _NUMBER_BYTES
        return cls(
            Standing(kept[0]),
            kept[2:run],
            int.from_bytes(kept[run:chunk], "little"),
            int.from_bytes(kept[chunk:ENTRY_BYTES], "little"),
            REASONS[reason - 1] if (reason := kept[1] & ~_WAS_MEMBER) else None,
            bool(kept[1] & _WAS_MEMBER),
            b"" if kept[ENTRY_BYTES:] == UNKNOWN else kept[ENTRY_BYTES:],
        )


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
