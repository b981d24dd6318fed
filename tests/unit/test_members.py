"""What membership keeps of an address is 16 bytes, and comes back as it went in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.comparing import ENTRY
from wire.members import FINGERPRINT_BYTES, Entries, Entry, Standing, address_of, chunk_number
from wire.rejects import RejectCode

ENTRIES = st.builds(
    Entry,
    st.sampled_from(Standing),
    st.binary(min_size=FINGERPRINT_BYTES, max_size=FINGERPRINT_BYTES),
    st.integers(0, 2**24 - 1),
    st.integers(0, 2**24 - 1),
    st.none() | st.sampled_from(RejectCode),
)


@given(ENTRIES)
def test_an_entry_comes_back_as_it_went_in(entry: Entry) -> None:
    """Every standing, reason and number."""
    kept = entry.to_bytes()
    assert len(kept) == 16
    assert Entry.from_bytes(kept) == entry


@given(st.lists(ENTRIES, max_size=5))
def test_many_entries_are_read_at_once_as_one_by_one(entries: list[Entry]) -> None:
    """The survey's view of the bytes is that of this module."""
    read = np.frombuffer(b"".join(entry.to_bytes() for entry in entries), ENTRY)
    assert [Standing(int(standing)) for standing in read["standing"]] == [entry.standing for entry in entries]
    assert [int(value).to_bytes(8, "little") for value in read["print"]] == [entry.fingerprint for entry in entries]


@given(st.lists(ENTRIES, min_size=1, max_size=5), st.data())
def test_entries_that_are_alike_are_written_as_one_by_one(entries: list[Entry], data: st.DataObject) -> None:
    """But for their fingerprints, and for those that are not."""
    others = data.draw(st.dictionaries(st.integers(0, len(entries) - 1), ENTRIES))
    addresses = [f"person{number}@example.org" for number in range(len(entries))]
    alike = [others.get(at) or entries[0]._replace(fingerprint=each.fingerprint) for at, each in enumerate(entries)]
    written = Entries.alike(addresses, b"".join(each.fingerprint for each in entries), entries[0], others)
    assert written.words() == Entries.of(zip(addresses, alike, strict=True)).words()


@pytest.mark.parametrize(
    "entries",
    [
        Entries(("ann@example.org",)),
        Entries((), bytes(16)),
        Entries(("ann@example.org\nbob@example.org",), bytes(16)),
        Entries(("ann@example.org", ""), bytes(32)),
    ],
)
def test_entries_are_never_written_to_other_addresses(entries: Entries) -> None:
    """A script takes them apart by line breaks, one after the other."""
    with pytest.raises(ValueError, match="are not the entries of"):
        entries.words()


def test_numbers_beyond_what_is_kept_stay_at_the_largest() -> None:
    """After sixteen million runs the number tells less; nothing else is touched."""
    read = Entry.from_bytes(Entry(Standing.MEMBER, b"8 bytes.", 2**30, 2**30).to_bytes())
    assert read == Entry(Standing.MEMBER, b"8 bytes.", 2**24 - 1, 2**24 - 1)


def test_a_standing_that_there_is_not_is_refused() -> None:
    """It was written by something newer, or damaged."""
    with pytest.raises(ValueError, match="Standing"):
        Entry.from_bytes(b"x" + bytes(15))


@pytest.mark.parametrize(("chunk", "number"), [("0", 0), ("12", 12), ("12.1", 12), ("12.1.0", 12)])
def test_a_piece_has_the_number_of_its_chunk(chunk: str, number: int) -> None:
    """So an entry leads to the chunk and all its batches."""
    assert chunk_number(chunk) == number


def test_a_person_is_known_without_letter_case() -> None:
    """As `producer.addresses` tells people apart."""
    assert address_of("Ann@Example.ORG") == "ann@example.org"
