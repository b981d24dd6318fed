"""The first reading of a snapshot: every row is told apart, compared, counted and weighed, and nothing is sent. It blocks.

It compares before it checks: to check a million addresses takes ten times as long as to compare them with what is known.
A survey that is cut short is done again from the first row: only its whole result reaches the record.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from producer.contacts.mapped_rows import UNREADABLE, InvalidRow, RowFault
from producer.contacts.mapper import Mapper
from producer.people.suppression import SuppressionList
from producer.pipeline.address_changes import Candidate, fits
from producer.pipeline.chunking import Packing
from producer.pipeline.comparison import ChangeLimit, Known, RowKind, RowKinds, fingerprints_of, hashes_of
from producer.pipeline.row_selection import SeenAddresses, Selection
from producer.pipeline.unreadable_rows import UnreadableRows
from producer.snapshots import Snapshot
from wire.chunk_queue.membership_entry import UNKNOWN, MembershipEntry, MemberState
from wire.chunk_queue.rejects import PAGE_LINES, Reject, RejectCode, page
from wire.chunk_queue.run import Mode

_HELD_BACK: Final[Mapping[RejectCode | None, str]] = {
    None: "for a reason that is not known",
    RejectCode.OPTED_OUT_OR_EXCLUDED: "unsubscribed from the list, excluded, bounced, or not valid",
    RejectCode.REFUSED_BY_ACTIVECAMPAIGN: "ActiveCampaign's rules refuse it",
    RejectCode.TOO_LARGE: "it is too large",
}


_AMBIGUOUS: Final = "Their id is that of several addresses, so that nobody can tell whose address has changed."
_TOO_LARGE: Final = "The contact is too large to be given another address."
_KEPT_OUT: Final = "Unsubscribed, excluded or bounced under another address: under no other one are they sent again."


class Abandoned(Exception):
    """The survey is not wanted any more: its run has ended, or the process is going down."""


@dataclass(frozen=True, slots=True)
class KnownBefore:
    """What is known when a survey begins.

    `runs` are ids of earlier runs by their number. Whoever is `forgotten` is held back. `limit` is for a retry, and None in other runs.
    """

    known: Known = field(default_factory=Known)
    mode: Mode = Mode.CHANGES
    include_refused: bool = False
    runs: Mapping[int, str] = field(default_factory=dict)
    limit: ChangeLimit | None = None
    forgotten: SuppressionList = field(default_factory=SuppressionList)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a snapshot holds for an export: counts in rows, weight in bytes of JSON, and how many requests.

    Selected are `adds`, `changes`, `again` and `moves`: people whose address has changed. `moves_held_back` more of those are
    held back, and of `moves_met` somebody else has the address that they had. `gone` are members that the snapshot has no more:
    neither their address stands in it nor, where there are such, their id. `unreadable` rows could be theirs all the same.
    `reasons` counts the invalid by their code, `nulls` rows without a value by mapped column. `rejects` are pages of lines of
    the invalid, `held` of those held back.
    """

    read: int
    invalid: int
    duplicate: int
    unchanged: int
    held_back: int
    selected: int
    gone: int
    unreadable: int
    phones_left_out: int
    adds: int
    changes: int
    again: int
    moves: tuple[Candidate, ...]
    moves_held_back: int
    moves_met: int
    reasons: Mapping[str, int]
    nulls: Mapping[str, int]
    weight: int
    requests: int
    selection: bytes
    rejects: tuple[bytes, ...]
    held: tuple[bytes, ...]
    pin: str

    def figures(self) -> dict[str, int]:
        """The counts by the names of the record."""
        return {name: getattr(self, name) for name in _FIGURES}


_FIGURES: Final = ("read", "invalid", "duplicate", "unchanged", "held_back", "selected", "phones_left_out")


def run_survey(
    snapshot: Snapshot, mapper: Mapper, before: KnownBefore, *, automations: bool, wanted: Callable[[], bool]
) -> Survey:
    """Read a snapshot once through.

    Raises SnapshotError if it cannot be read as mapped, Abandoned as soon as `wanted` says no.
    """
    surveyor = _Surveyor(mapper, before, wanted)
    pin = snapshot.pin()
    surveyor.read_through(snapshot)
    snapshot.verify(pin)
    moves = surveyor.moves()
    before.known.leave(surveyor.standing())  # rule: an id that stands in the snapshot is no leaver's
    return Survey(
        read=surveyor.read,
        invalid=sum(surveyor.reasons.values()),
        duplicate=surveyor.duplicate,
        unchanged=surveyor.kinds[RowKind.UNCHANGED],
        held_back=sum(surveyor.kinds[kind] for kind in RowKind if kind >= RowKind.HELD_BACK),
        selected=surveyor.selection.count() + len(moves),
        gone=before.known.gone(),
        unreadable=surveyor.unreadable(),
        phones_left_out=surveyor.phones_left_out,
        adds=surveyor.kinds[RowKind.NEW],
        changes=surveyor.kinds[RowKind.CHANGED],
        again=surveyor.kinds[RowKind.AGAIN],
        moves=moves,
        moves_met=sum(one.is_met for one in moves),
        moves_held_back=surveyor.kinds[RowKind.OPTED_OUT],
        reasons=dict(surveyor.reasons),
        nulls=dict(surveyor.nulls),
        weight=surveyor.packing.weight(automations=automations),
        requests=surveyor.packing.requests,
        selection=surveyor.selection.to_bytes(),
        rejects=surveyor.rejects.all(),
        held=surveyor.held.all(),
        pin=pin.text,
    )


class _Pages:
    """Lines of rejects as they come, in pages."""

    def __init__(self) -> None:
        self._open: list[Reject] = []
        self._full: list[bytes] = []

    def add(self, reject: Reject) -> None:
        self._open.append(reject)
        if len(self._open) == PAGE_LINES:
            self._full.append(page(self._open))
            self._open = []

    def all(self) -> tuple[bytes, ...]:
        return (*self._full, *filter(None, [page(self._open)]))


class _Surveyor:
    """Counts: `kinds` of rows that have an address for the first time, and are no fault."""

    def __init__(self, mapper: Mapper, before: KnownBefore, wanted: Callable[[], bool]) -> None:
        self.read = self.duplicate = self.phones_left_out = 0
        self.reasons: Counter[str] = Counter()
        self.nulls: Counter[str] = Counter()
        self.kinds: Counter[RowKind] = Counter()
        self.selection = Selection()
        self.packing = Packing()
        self.rejects, self.held = _Pages(), _Pages()
        self._mapper = mapper
        self._before = before
        self._wanted = wanted
        self._seen = SeenAddresses()
        self._persons = before.known.persons()
        self._candidates: list[Candidate] = []
        self._unreadable = UnreadableRows()

    def standing(self) -> npt.NDArray[np.int64]:
        """Where those are known whose ids stand in the snapshot."""
        return self._persons.standing()

    def unreadable(self) -> int:
        """Count rows without a readable address that may be those of members whom no row has met."""
        return self._unreadable.count(with_ids=self._before.known.has_unidentified_gone())

    def moves(self) -> tuple[Candidate, ...]:
        """Those whose address has changed, when all rows are read: whoever else claims to be them makes that doubtful."""
        known, found = self._before.known, []
        for one in self._candidates:
            (of,) = self._persons.find(fingerprints_of([one.person])).tolist()
            if self._persons.claims(of) > 1:
                self.kinds[RowKind.OPTED_OUT] += 1
                self.held.add(Reject(one.row, one.email, "held_back", "ambiguous_id", _AMBIGUOUS))
            else:
                found.append(replace(one, is_met=known.is_met(one.place)))
        known.leave(np.array([one.place for one in found], np.int64))
        return tuple(found)

    def read_through(self, snapshot: Snapshot) -> None:
        """Read all rows, and weigh the contacts that are selected."""
        known, mode = self._before.known, self._before.mode
        for batch in snapshot.read(self._mapper.columns):
            if not self._wanted():
                raise Abandoned
            self.nulls.update({name: batch.column(name).null_count for name in self._mapper.columns})
            keys = self._mapper.addresses(batch)
            hashes = hashes_of(keys)
            missing = np.fromiter((key is None for key in keys), np.bool_, len(keys))
            places = known.find(hashes)
            first, unknown = known.meet(places), places < 0
            first[unknown] = self._seen.first(hashes[unknown], missing[unknown])
            prints = fingerprints_of(self._mapper.fingerprints(batch, keys) if len(known) else [])
            kinds = known.compare(places, prints, mode=mode, include_refused=self._before.include_refused)
            if self._before.limit is not None:
                kinds = self._before.limit.applied(kinds, hashes)
            persons = self._mapper.persons(batch) if self._mapper.has_ids else []
            if self._before.forgotten:
                theirs = [key is not None and key in self._before.forgotten for key in keys]
                if persons:
                    theirs = [
                        by_key or self._before.forgotten.has(of) for by_key, of in zip(theirs, persons, strict=True)
                    ]
                kinds[theirs] = RowKind.FORGOTTEN
            of_known = self._persons.find(fingerprints_of(persons)) if persons else np.full(batch.num_rows, -1)
            self._persons.stand(of_known)
            moving = self._moving(keys, persons, places, first, kinds)
            # A row without an address is no duplicate of another one: it is checked, and found invalid.
            sent = (first & (kinds <= RowKind.AGAIN)) | missing
            weighed = self._mapper.weigh(batch, np.flatnonzero(sent).tolist(), before=self.read)
            sizes = np.zeros(batch.num_rows, np.int64)
            sizes[sent] = weighed.sizes
            too_large = self._move(moving, keys, persons, sizes)
            self._reject([*weighed.invalid, *too_large])
            wrong = np.array([one.row - self.read - 1 for one in weighed.invalid if one.code in UNREADABLE], np.int64)
            named = np.array([person != UNKNOWN for person in persons], np.bool_) if persons else np.zeros_like(missing)
            self._unreadable.add(hashes, wrong, again=~first & ~missing & unknown, named=named, known=of_known >= 0)
            self.phones_left_out += int(np.count_nonzero(weighed.phones_left_out))
            chosen = sizes > 0
            self.packing.add_all(sizes[chosen].tolist())
            self._hold_back(keys, np.flatnonzero(first & (kinds >= RowKind.HELD_BACK)), places, kinds)
            self._count(kinds[chosen | (first & (kinds > RowKind.AGAIN))])
            self.duplicate += int(np.count_nonzero(~first & ~missing))
            self.read += batch.num_rows
            self.selection.append(chosen)

    def _moving(
        self,
        keys: Sequence[str | None],
        persons: Sequence[bytes],
        places: npt.NDArray[np.int64],
        first: npt.NDArray[np.bool_],
        kinds: RowKinds,
    ) -> dict[int, int]:
        """Return those rows that are of people known at another place, and which; who is not to be sent is told so in `kinds`."""
        if not persons or not len(self._persons):
            return {}
        known, of = self._before.known, fingerprints_of(persons)
        found = self._persons.find(of)
        self._persons.claim(found[first])
        moving = {}
        elsewhere = first & (kinds <= RowKind.AGAIN) & (found >= 0) & known.of_another_person(places, of)
        for row in np.flatnonzero(elsewhere).tolist():
            former = self._persons.places(found[row])
            entries = [MembershipEntry.from_bytes(known.entry(place)) for place in former]
            if any(map(_is_kept_out, entries)):
                kinds[row] = RowKind.OPTED_OUT
                code, reason = "opted_out_under_another_address", _KEPT_OUT
            elif len(former) > 1:
                kinds[row] = RowKind.OPTED_OUT
                code, reason = "ambiguous_id", _AMBIGUOUS
            else:
                moving[row] = former[0]
                continue
            self.held.add(Reject(self.read + row + 1, keys[row] or "", "held_back", code, reason))
        return moving

    def _move(
        self,
        moving: Mapping[int, int],
        keys: Sequence[str | None],
        persons: Sequence[bytes],
        sizes: npt.NDArray[np.int64],
    ) -> list[InvalidRow]:
        """Keep those of a batch who move for `moves`, and take them out of its sizes; return who cannot move."""
        too_large = []
        for at, place in moving.items():
            row, email = self.read + at + 1, keys[at] or ""
            if not fits(int(sizes[at])):
                too_large.append(InvalidRow(row, email, RowFault.TOO_LARGE, _TOO_LARGE))
            elif sizes[at]:
                self._candidates.append(Candidate(row, email, persons[at], place))
            sizes[at] = 0
        return too_large

    def _count(self, kinds: RowKinds) -> None:
        for kind, rows in zip(*np.unique(kinds, return_counts=True), strict=True):
            self.kinds[RowKind(kind)] += int(rows)

    def _reject(self, invalid: Iterable[InvalidRow]) -> None:
        for found in sorted(invalid):
            self.reasons[found.code.value] += 1
            self.rejects.add(Reject(found.row, found.email, "invalid", found.code, found.reason))

    def _hold_back(
        self, keys: Sequence[str | None], rows: npt.NDArray[np.int64], places: npt.NDArray[np.int64], kinds: RowKinds
    ) -> None:
        for row in rows.tolist():
            if kinds[row] == RowKind.OPTED_OUT:
                continue  # that is told already
            if kinds[row] == RowKind.FORGOTTEN:
                self.held.add(
                    Reject(self.read + row + 1, "", "held_back", "forgotten", "Forgotten, and never sent again.")
                )
                continue
            entry = MembershipEntry.from_bytes(self._before.known.entry(places[row]))
            run = self._before.runs.get(entry.run, "an earlier run")
            if entry.standing is MemberState.OUT:
                code, reason = (
                    "left_and_unsubscribed",
                    f"Unsubscribed by us in {run}, when they left the segment: for ever.",
                )
            else:
                code = entry.reason or ""
                reason = f"Refused in {run}, {_HELD_BACK[entry.reason]}; left alone until the data change."
            self.held.add(Reject(self.read + row + 1, keys[row] or "", "held_back", code, reason))


def _is_kept_out(entry: MembershipEntry) -> bool:
    opted_out = entry.standing is MemberState.REFUSED and entry.reason is RejectCode.OPTED_OUT_OR_EXCLUDED
    return opted_out or entry.standing is MemberState.OUT
