"""Compares the rows of a snapshot with what an export knows of their people: who is new, changed, known, or left alone. Pure.

Addresses are compared by 64-bit hashes, Python's own, seeded anew in every process. Entries take 24 bytes each, so a million
known people are 24 MB however long their addresses are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from wire.chunk_queue.membership_entry import MemberState
from wire.chunk_queue.run import Mode

Hashes = npt.NDArray[np.int64]
Fingerprints = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
RowKinds = npt.NDArray[np.uint8]

ENTRY: Final = np.dtype([("standing", "u1"), ("reason", "u1"), ("print", "<u8"), ("run", "u1", 3), ("chunk", "u1", 3)])
"""`wire.chunk_queue.membership_entry.Entry`, as it is kept: many are read at once."""

IDENTIFIED: Final = np.dtype([*ENTRY.descr, ("person", "<u8")])
"""The same where an export has ids; 0 is nobody."""

_NOBODY: Final = -1


class RowKind(IntEnum):
    """What a row is to the run, as far as what is known decides it.

    `NEW`: never sent. `CHANGED`: sent with other data. `AGAIN`: not changed, and sent all the same. `UNCHANGED`: applied as
    it is. `HELD_BACK`: refused as it is. `OUT`: unsubscribed by us when they left. `FORGOTTEN`: erased. `OPTED_OUT`:
    a new address of somebody who was refused or unsubscribed under another one. The first three are sent, if they are
    contacts.
    """

    NEW = 0
    CHANGED = 1
    AGAIN = 2
    UNCHANGED = 3
    HELD_BACK = 4
    OUT = 5
    FORGOTTEN = 6
    OPTED_OUT = 7


def hashes_of(addresses: Sequence[str | None]) -> Hashes:
    """Hash addresses; None, where there is none, like an empty one."""
    return np.fromiter((hash(address or "") for address in addresses), np.int64, len(addresses))


class Known:
    """What is known before a run, and who of it was met in the run's snapshot."""

    def __init__(self, pages: Iterable[tuple[Hashes, npt.NDArray[np.void]]] = ()) -> None:
        parts = list(pages)
        hashes = np.concatenate([part for part, _ in parts]) if parts else np.empty(0, np.int64)
        have_ids = any(part.dtype == IDENTIFIED for _, part in parts)
        kept = [_identified(part) if have_ids else part for _, part in parts]
        entries = np.concatenate(kept) if parts else np.empty(0, ENTRY)
        order = np.argsort(hashes)
        self._hashes: Hashes = hashes[order]
        self._entries = entries[order]
        self._met = np.zeros(len(hashes), np.bool_)

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, hashes: Hashes) -> Places:
        """Say where each hash is known, -1 where it is not."""
        if not len(self):
            return np.full(len(hashes), _NOBODY)
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self) - 1)
        return np.where(self._hashes[places] == hashes, places, _NOBODY)

    def meet(self, places: Places) -> npt.NDArray[np.bool_]:
        """Tell of each place that `find` told whether it is met for the first time; nobody's never is."""
        first = np.zeros(len(places), np.bool_)
        first[np.unique(places, return_index=True)[1]] = True
        first &= places != _NOBODY
        first[first] = ~self._met[places[first]]
        self._met[places[first]] = True
        return first

    def compare(self, places: Places, prints: Fingerprints, *, mode: Mode, include_refused: bool) -> RowKinds:
        """Say what rows are, by their places and fingerprints."""
        if not len(self):
            return np.full(len(places), RowKind.NEW, np.uint8)
        entries = self._entries[places]
        standing, same = entries["standing"], entries["print"] == prints
        kept = RowKind.AGAIN if mode is Mode.FULL else RowKind.UNCHANGED
        refused = RowKind.AGAIN if include_refused else RowKind.HELD_BACK
        return np.select(
            [
                places == _NOBODY,
                standing == MemberState.OUT.value,
                standing == MemberState.MAYBE.value,
                np.isin(standing, [MemberState.LEFT.value, MemberState.YIELDED.value]),
                ~same,
                standing == MemberState.MEMBER.value,
                standing == MemberState.REFUSED.value,
            ],
            [RowKind.NEW, RowKind.OUT, RowKind.AGAIN, RowKind.CHANGED, RowKind.CHANGED, kept, refused],
            RowKind.AGAIN,
        ).astype(np.uint8)

    def of_another_person(self, places: Places, persons: Fingerprints) -> npt.NDArray[np.bool_]:
        """Tell of each place that `find` told whether it is not known as this person's."""
        if not len(self) or self._entries.dtype != IDENTIFIED:
            return np.ones(len(places), np.bool_)
        others: npt.NDArray[np.bool_] = (places == _NOBODY) | (self._entries["person"][places] != persons)
        return others

    def leave(self, places: Places) -> None:
        """Count these places as met: whoever is there has another address by now, and has not left."""
        self._met[places] = True

    def is_met(self, place: int) -> bool:
        """Whether a row has met this place so far."""
        return bool(self._met[place])

    def persons(self) -> "Persons":
        """Who is behind the addresses, as far as it is known."""
        if self._entries.dtype != IDENTIFIED:
            return Persons(np.empty(0, np.uint64), np.empty(0, np.int64))
        theirs = np.flatnonzero(self._entries["person"])
        return Persons(self._entries["person"][theirs], theirs)

    def entry(self, place: int) -> bytes:
        """The entry at a place that `find` told, as it is kept."""
        return bytes(self._entries[place].tobytes())

    def gone(self) -> int:
        """Count members, and those who may be, whom no row has met so far."""
        return int(np.count_nonzero(self._listed() & ~self._met))

    def has_unidentified_gone(self) -> bool:
        """Whether one of those whom no row has met has no id on record."""
        gone = self._listed() & ~self._met
        return bool(gone.any()) and (
            self._entries.dtype != IDENTIFIED or bool((self._entries["person"][gone] == 0).any())
        )

    def yielded(self) -> int:
        """Count those left to another export whom no row has met so far."""
        return int(np.count_nonzero((self._entries["standing"] == MemberState.YIELDED.value) & ~self._met))

    def are_gone(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Tell of each hash whether it is such a member's."""
        places = self.find(hashes)
        gone = np.zeros(len(hashes), np.bool_)
        gone[places != _NOBODY] = (self._listed() & ~self._met)[places[places != _NOBODY]]
        return gone

    def members(self) -> int:
        """Count members, and those who may be."""
        return int(np.count_nonzero(self._listed()))

    def _listed(self) -> npt.NDArray[np.bool_]:
        return np.isin(self._entries["standing"], [MemberState.MEMBER.value, MemberState.MAYBE.value])


class Persons:
    """Who is known behind which addresses, and how many rows of a snapshot claim to be them."""

    def __init__(self, persons: Fingerprints, places: Places) -> None:
        order = np.argsort(persons, kind="stable")
        self._persons: Fingerprints = persons[order]
        self._places: Places = places[order]
        self._claims = np.zeros(len(persons), np.int32)
        self._stands = np.zeros(len(persons), np.bool_)

    def __len__(self) -> int:
        return len(self._persons)

    def find(self, persons: Fingerprints) -> Places:
        """Say which each of these is, -1 where they are not known; nobody (0) never is."""
        if not len(self):
            return np.full(len(persons), _NOBODY)
        found = np.minimum(np.searchsorted(self._persons, persons), len(self) - 1)
        return np.where((self._persons[found] == persons) & (persons != 0), found, _NOBODY)

    def claim(self, found: Places) -> None:
        """Count a row for each of these that `find` told."""
        np.add.at(self._claims, found[found != _NOBODY], 1)

    def stand(self, found: Places) -> None:
        """Note that the ids of these that `find` told stand in the snapshot, whatever becomes of their rows."""
        self._stands[found[found != _NOBODY]] = True

    def standing(self) -> Places:
        """At which places those are known whose ids stand in the snapshot."""
        firsts = np.searchsorted(self._persons, self._persons)
        return self._places[self._stands[firsts]]

    def claims(self, found: int) -> int:
        """How many rows are this one's."""
        return int(self._claims[found])

    def places(self, found: int) -> list[int]:
        """At which places they are known."""
        last = np.searchsorted(self._persons, self._persons[found], side="right")
        places: list[int] = self._places[found:last].tolist()
        return places


@dataclass(frozen=True, slots=True)
class ChangeLimit:
    """To whom a retry is limited: those whom a run left, by their hashes.

    `rest`: the run ended before it had packed everybody, so that whoever is not known to be applied is meant as well.
    """

    hashes: Hashes
    rest: bool = False

    def applied(self, kinds: RowKinds, hashes: Hashes) -> RowKinds:
        """Say what rows are within the limit: those held back are sent again, and outside of it everybody is left as is."""
        meant = np.isin(hashes, self.hashes)
        within = np.where(kinds == RowKind.HELD_BACK, np.uint8(RowKind.AGAIN), kinds)
        outside = kinds if self.rest else np.where(kinds <= RowKind.AGAIN, np.uint8(RowKind.UNCHANGED), kinds)
        return np.where(meant, within, outside)


def page_of(entries: Mapping[str, bytes]) -> tuple[Hashes, npt.NDArray[np.void]]:
    """Read entries by address as `Known` takes them."""
    kept, short = b"".join(entries.values()), len(entries) * ENTRY.itemsize
    if len(kept) > short:
        kept = b"".join(entry.ljust(IDENTIFIED.itemsize, b"\0") for entry in entries.values())
    return hashes_of(list(entries)), np.frombuffer(kept, IDENTIFIED if len(kept) > short else ENTRY)


def _identified(entries: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Widen entries that know nobody's id."""
    if entries.dtype == IDENTIFIED:
        return entries
    wide = np.zeros(len(entries), IDENTIFIED)
    for name in ENTRY.fields or ():
        wide[name] = entries[name]
    return wide


def fingerprints_of(digests: Sequence[bytes]) -> Fingerprints:
    """Read fingerprints as `compare` takes them."""
    return np.frombuffer(b"".join(digests), np.dtype("<u8"))
