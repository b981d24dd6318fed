"""A row is new, changed, unchanged, held back or sent again by what is known of its address: every case, and any mixture."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.pipeline.comparison import ChangeLimit, Known, RowKind, fingerprints_of, hashes_of, page_of
from wire.chunk_queue.membership_entry import UNKNOWN, MembershipEntry, MemberState
from wire.chunk_queue.run import Mode

ONE, TWO = b"print 01", b"print 02"


class Case(NamedTuple):
    """What is known, what the row says, and what that makes of it in each way of running."""

    standing: MemberState | None
    same: bool
    changes: RowKind
    full: RowKind
    include_refused: RowKind


CASES = (
    Case(None, False, RowKind.NEW, RowKind.NEW, RowKind.NEW),
    Case(MemberState.MEMBER, True, RowKind.UNCHANGED, RowKind.AGAIN, RowKind.UNCHANGED),
    Case(MemberState.MEMBER, False, RowKind.CHANGED, RowKind.CHANGED, RowKind.CHANGED),
    Case(MemberState.REFUSED, True, RowKind.HELD_BACK, RowKind.HELD_BACK, RowKind.AGAIN),
    Case(MemberState.REFUSED, False, RowKind.CHANGED, RowKind.CHANGED, RowKind.CHANGED),
    Case(MemberState.MAYBE, True, RowKind.AGAIN, RowKind.AGAIN, RowKind.AGAIN),
    Case(MemberState.MAYBE, False, RowKind.AGAIN, RowKind.AGAIN, RowKind.AGAIN),
    Case(MemberState.LEFT, True, RowKind.CHANGED, RowKind.CHANGED, RowKind.CHANGED),
    Case(MemberState.LEFT, False, RowKind.CHANGED, RowKind.CHANGED, RowKind.CHANGED),
    Case(MemberState.YIELDED, True, RowKind.CHANGED, RowKind.CHANGED, RowKind.CHANGED),
    Case(MemberState.YIELDED, False, RowKind.CHANGED, RowKind.CHANGED, RowKind.CHANGED),
    Case(MemberState.OUT, True, RowKind.OUT, RowKind.OUT, RowKind.OUT),
    Case(MemberState.OUT, False, RowKind.OUT, RowKind.OUT, RowKind.OUT),
)


def knowing(entries: dict[str, MembershipEntry]) -> Known:
    return Known([page_of({address: entry.to_bytes() for address, entry in entries.items()})])


def kind_of(known: Known, address: str, print_: bytes, mode: Mode, *, include_refused: bool = False) -> RowKind:
    places = known.find(hashes_of([address]))
    kinds = known.compare(places, fingerprints_of([print_]), mode=mode, include_refused=include_refused)
    return RowKind(int(kinds[0]))


def test_every_standing_is_tried() -> None:
    """A new one has to come to this page."""
    assert {case.standing for case in CASES} == {None, *MemberState}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_known_of_an_address_decides_what_its_row_is(case: Case) -> None:
    """In a run of changes, a full one, and one that includes the refused."""
    entries = {"other@example.org": MembershipEntry(MemberState.MEMBER, ONE)}
    if case.standing is not None:
        entries["ann@example.org"] = MembershipEntry(case.standing, ONE)
    known, print_ = knowing(entries), ONE if case.same else TWO
    assert kind_of(known, "ann@example.org", print_, Mode.CHANGES) is case.changes
    assert kind_of(known, "ann@example.org", print_, Mode.FULL) is case.full
    assert kind_of(known, "ann@example.org", print_, Mode.CHANGES, include_refused=True) is case.include_refused


def test_where_nothing_is_known_everybody_is_new() -> None:
    """Then no fingerprint need be made."""
    places = Known().find(hashes_of(["a@x.org", None]))
    kinds = Known().compare(places, fingerprints_of([]), mode=Mode.CHANGES, include_refused=False)
    assert kinds.tolist() == [RowKind.NEW] * 2
    assert places.tolist() == [-1, -1]
    assert Known().meet(places).tolist() == [False, False]
    assert Known().gone() == 0


ADDRESSES = st.sampled_from([f"p{number}@example.org" for number in range(9)])
STANDINGS = st.sampled_from(MemberState)
PRINTS = st.sampled_from([ONE, TWO])
PERSONS = st.sampled_from([b"", b"person 1", b"person 2"])


@given(
    st.dictionaries(
        ADDRESSES, st.builds(MembershipEntry, STANDINGS, PRINTS, st.just(1), st.just(2), st.none(), person=PERSONS)
    ),
    st.lists(st.tuples(ADDRESSES, PRINTS)),
)
def test_a_mixture_is_compared_row_by_row(entries: dict[str, MembershipEntry], rows: list[tuple[str, bytes]]) -> None:
    """Each against its own entry, wherever it lies, and whoever was not met is gone."""
    known = knowing(entries)
    addresses = [address for address, _ in rows]
    places = known.find(hashes_of(addresses))
    kinds = known.compare(
        places, fingerprints_of([print_ for _, print_ in rows]), mode=Mode.CHANGES, include_refused=False
    )
    halves = [places[: len(rows) // 2], places[len(rows) // 2 :]]
    met = [bool(first) for half in halves for first in known.meet(half)]
    assert met == [address in entries and address not in addresses[:at] for at, address in enumerate(addresses)]
    for (address, print_), kind, place in zip(rows, kinds.tolist(), places.tolist(), strict=True):
        entry = entries.get(address)
        assert (place == -1) is (entry is None)
        if entry is not None:
            assert MembershipEntry.from_bytes(known.entry(place)) == entry
        standing = entry and entry.standing
        (case,) = [
            case
            for case in CASES
            if case.standing is standing and (entry is None or case.same is (print_ == entry.fingerprint))
        ]
        assert kind == case.changes
    listed = {name for name, entry in entries.items() if entry.standing in {MemberState.MEMBER, MemberState.MAYBE}}
    lent = {name for name, entry in entries.items() if entry.standing is MemberState.YIELDED}
    assert known.yielded() == len(lent - set(addresses))
    assert (known.members(), known.gone()) == (len(listed), len(listed - set(addresses)))
    everybody = [*entries, "nobody@example.org"]
    gone = known.are_gone(hashes_of(everybody)).tolist()
    assert gone == [name in listed - set(addresses) for name in everybody]


@pytest.mark.parametrize(
    ("kind", "meant", "outside", "rest"),
    [
        (RowKind.NEW, RowKind.NEW, RowKind.UNCHANGED, RowKind.NEW),
        (RowKind.CHANGED, RowKind.CHANGED, RowKind.UNCHANGED, RowKind.CHANGED),
        (RowKind.AGAIN, RowKind.AGAIN, RowKind.UNCHANGED, RowKind.AGAIN),
        (RowKind.UNCHANGED, RowKind.UNCHANGED, RowKind.UNCHANGED, RowKind.UNCHANGED),
        (RowKind.HELD_BACK, RowKind.AGAIN, RowKind.HELD_BACK, RowKind.HELD_BACK),
        (RowKind.OUT, RowKind.OUT, RowKind.OUT, RowKind.OUT),
    ],
)
def test_a_retry_sends_those_meant_and_leaves_the_others(
    kind: RowKind, meant: RowKind, outside: RowKind, rest: RowKind
) -> None:
    """Whoever was applied meanwhile stays; the rest of a run that was cut short is meant as far as it is not known."""
    hashes, kinds = hashes_of(["left@x.org", "other@x.org"]), np.full(2, kind, np.uint8)
    assert ChangeLimit(hashes[:1]).applied(kinds, hashes).tolist() == [meant, outside]
    assert ChangeLimit(hashes[:1], rest=True).applied(kinds, hashes).tolist() == [meant, rest]


@given(
    st.dictionaries(
        ADDRESSES, st.builds(MembershipEntry, STANDINGS, PRINTS, st.just(1), st.just(2), st.none(), person=PERSONS)
    ),
    st.lists(PERSONS),
)
def test_a_person_is_found_at_every_address_that_is_known_as_theirs(
    entries: dict[str, MembershipEntry], rows: list[bytes]
) -> None:
    """And nobody is found for whom no id is known; rows that claim to be them are counted."""
    known = knowing(entries)
    persons = known.persons()
    found = persons.find(fingerprints_of([person or UNKNOWN for person in rows]))
    persons.claim(found)
    for person, of in zip(rows, found.tolist(), strict=True):
        theirs = {name for name, entry in entries.items() if person and entry.person == person}
        assert (of == -1) is (not theirs)
        if theirs:
            places = persons.places(of)
            assert set(known.find(hashes_of(sorted(theirs))).tolist()) == set(places)
            assert persons.claims(of) == rows.count(person)


def test_an_address_is_told_to_be_another_persons() -> None:
    """Also where it is nobody's, as far as is known."""
    known = knowing(
        {
            "ann@x.org": MembershipEntry(MemberState.MEMBER, ONE, person=b"person 1"),
            "bob@x.org": MembershipEntry(MemberState.MEMBER),
        }
    )
    places = known.find(hashes_of(["ann@x.org", "ann@x.org", "bob@x.org", "new@x.org"]))
    persons = fingerprints_of([b"person 1", b"person 2", b"person 2", b"person 2"])
    assert known.of_another_person(places, persons).tolist() == [False, True, True, True]
    nobody = Known()
    assert nobody.of_another_person(nobody.find(hashes_of(["ann@x.org"])), fingerprints_of([b"person 1"])).tolist() == [
        True
    ]


def test_whoever_has_another_address_has_not_left() -> None:
    """Their old one is counted as met."""
    known = knowing({"ann@x.org": MembershipEntry(MemberState.MEMBER, ONE)})
    (place,) = known.find(hashes_of(["ann@x.org"])).tolist()
    assert (known.gone(), known.is_met(place)) == (1, False)
    known.leave(known.find(hashes_of(["ann@x.org"])))
    assert (known.gone(), known.is_met(place)) == (0, True)
