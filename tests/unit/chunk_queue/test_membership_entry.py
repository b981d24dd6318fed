"""What membership keeps of an address is 16 bytes, 24 with their person, and comes back as it went in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.pipeline.comparison import ENTRY, IDENTIFIED, Known, hashes_of, page_of
from wire.chunk_queue.membership_entry import (
    FINGERPRINT_BYTES,
    PERSON_BYTES,
    UNKNOWN,
    MembershipEntries,
    MembershipEntry,
    MemberState,
    address_of,
    chunk_number,
    past_of,
)
from wire.chunk_queue.rejects import RejectCode

ENTRIES = st.builds(
    MembershipEntry,
    st.sampled_from(MemberState),
    st.binary(min_size=FINGERPRINT_BYTES, max_size=FINGERPRINT_BYTES),
    st.integers(0, 2**24 - 1),
    st.integers(0, 2**24 - 1),
    st.none() | st.sampled_from(RejectCode),
    person=st.just(b"")
    | st.binary(min_size=PERSON_BYTES, max_size=PERSON_BYTES).filter(lambda person: person != UNKNOWN),
)


@given(ENTRIES)
def test_an_entry_comes_back_as_it_went_in(entry: MembershipEntry) -> None:
    """Every standing, reason and number."""
    kept = entry.to_bytes()
    assert len(kept) == (24 if entry.person else 16)
    assert MembershipEntry.from_bytes(kept) == entry


@given(st.lists(ENTRIES, max_size=5))
def test_many_entries_are_read_at_once_as_one_by_one(entries: list[MembershipEntry]) -> None:
    """The survey's view of the bytes is that of this module, whether some have a person, all, or nobody."""
    _, read = page_of({str(at): entry.to_bytes() for at, entry in enumerate(entries)})
    assert read.dtype == (IDENTIFIED if any(entry.person for entry in entries) else ENTRY)
    known = Known([page_of({str(at): entry.to_bytes()}) for at, entry in enumerate(entries)])
    places = known.find(hashes_of([str(at) for at in range(len(entries))])).tolist()
    assert [MembershipEntry.from_bytes(known.entry(place)) for place in places] == entries
    assert [MemberState(int(standing)) for standing in read["standing"]] == [entry.standing for entry in entries]
    assert [int(value).to_bytes(8, "little") for value in read["print"]] == [entry.fingerprint for entry in entries]


@pytest.mark.parametrize("identified", [False, True])
@given(st.lists(ENTRIES, min_size=1, max_size=5), st.data())
def test_entries_that_are_alike_are_written_as_one_by_one(
    identified: bool,  # noqa: FBT001  drawn
    entries: list[MembershipEntry],
    data: st.DataObject,
) -> None:
    """But for their fingerprints and persons, and for those that are not."""
    others = data.draw(st.dictionaries(st.integers(0, len(entries) - 1), ENTRIES))
    addresses = [f"person{number}@example.org" for number in range(len(entries))]
    persons = [(each.person or UNKNOWN) if identified else b"" for each in entries]
    own = [
        entries[0]._replace(fingerprint=each.fingerprint, person=person)
        for each, person in zip(entries, persons, strict=True)
    ]
    prints = b"".join(each.fingerprint + each.person for each in own)
    written = MembershipEntries.alike(addresses, prints, own[0], others)
    expected = MembershipEntries.of((one, others.get(at, own[at])) for at, one in enumerate(addresses))
    assert written.words() == expected.words()
    assert (written + expected).kept == expected.kept * 2


@pytest.mark.parametrize(
    "entries",
    [
        MembershipEntries(("ann@example.org",)),
        MembershipEntries((), (bytes(16),)),
        MembershipEntries(("ann@example.org\nbob@example.org",), (bytes(16),)),
        MembershipEntries(("ann@example.org", ""), (bytes(16), bytes(16))),
    ],
)
def test_entries_are_never_written_to_other_addresses(entries: MembershipEntries) -> None:
    """A script takes them apart by line breaks, one after the other."""
    with pytest.raises(ValueError, match="are not the entries of"):
        entries.words()


def test_who_is_behind_an_address_may_be_unknown() -> None:
    """Which is not that they are nobody: the scripts keep what they knew."""
    kept = MembershipEntry(MemberState.MEMBER, b"8 bytes.", person=UNKNOWN).to_bytes()
    assert len(kept) == 24
    assert not MembershipEntry.from_bytes(kept).person


def test_a_person_of_the_past_is_told_from_one_of_today() -> None:
    """And back again."""
    assert past_of(b"a person") != b"a person"
    assert past_of(past_of(b"a person")) == b"a person"


def test_numbers_beyond_what_is_kept_stay_at_the_largest() -> None:
    """After sixteen million runs the number tells less; nothing else is touched."""
    read = MembershipEntry.from_bytes(MembershipEntry(MemberState.MEMBER, b"8 bytes.", 2**30, 2**30).to_bytes())
    assert read == MembershipEntry(MemberState.MEMBER, b"8 bytes.", 2**24 - 1, 2**24 - 1)


def test_a_standing_that_there_is_not_is_refused() -> None:
    """It was written by something newer, or damaged."""
    with pytest.raises(ValueError, match="MemberState"):
        MembershipEntry.from_bytes(b"x" + bytes(15))


@pytest.mark.parametrize(("chunk", "number"), [("0", 0), ("12", 12), ("12.1", 12), ("12.1.0", 12)])
def test_a_piece_has_the_number_of_its_chunk(chunk: str, number: int) -> None:
    """So an entry leads to the chunk and all its batches."""
    assert chunk_number(chunk) == number


def test_a_person_is_known_without_letter_case() -> None:
    """As `producer.contacts.email_addresses` tells people apart."""
    assert address_of("Ann@Example.ORG") == "ann@example.org"
