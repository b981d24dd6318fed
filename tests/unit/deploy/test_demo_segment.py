"""The demo's made-up people, held against the very code that will judge them."""

import unicodedata
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from deploy.local.people import PROFILES_MIN, ExpectedFate, profiles
from deploy.local.segment import expected_outcome, write_segment
from producer.contacts.email_addresses import Address, UnusableAddress, address_key, read_address
from producer.contacts.phone_numbers import to_e164

PEOPLE = tuple(profiles(25_000))
counts = st.integers(PROFILES_MIN, 3_000)


def test_the_same_number_of_people_is_always_the_same_people() -> None:
    """Two demos can be compared."""
    assert tuple(profiles(len(PEOPLE))) == PEOPLE


@given(counts, counts)
def test_a_smaller_segment_is_the_beginning_of_a_larger_one(one: int, other: int) -> None:
    """Nothing depends on how many there are."""
    fewer, more = sorted((one, other))
    assert tuple(profiles(fewer)) == tuple(profiles(more))[:fewer]


@given(counts)
def test_every_kind_is_there_in_the_smallest_demo(count: int) -> None:
    """A demo that shows no refusal would prove nothing about refusals."""
    assert set(ExpectedFate) == {person.fate for person in profiles(count)}


def test_one_row_in_a_hundred_is_invalid_or_a_duplicate() -> None:
    """The demo is to look like an ordinary export of an ordinary platform."""
    fates = Counter(person.fate for person in PEOPLE)
    assert fates[ExpectedFate.INVALID] + fates[ExpectedFate.DUPLICATE] == len(PEOPLE) // 100


def test_only_invalid_rows_have_no_usable_address() -> None:
    """What the demo expects to be invalid is what the producer finds so, and nothing else."""
    for person in PEOPLE:
        expected = UnusableAddress if person.fate is ExpectedFate.INVALID else Address
        assert isinstance(read_address(person.email), expected), person


def test_an_address_appears_twice_only_where_a_duplicate_is_meant() -> None:
    """The first one wins, so the duplicate is always the later row."""
    seen: set[str] = set()
    for person in PEOPLE:
        key = address_key(person.email)
        assert (key in seen) == (person.fate is ExpectedFate.DUPLICATE), person
        seen |= {key} if key else set()


def test_exactly_the_phones_without_a_country_are_left_out() -> None:
    """The export of the demo has no default region."""
    for person in PEOPLE:
        is_left_out = bool(person.phone) and to_e164(person.phone, None) is None
        assert is_left_out == person.phone_left_out, person


def test_names_are_written_in_many_scripts() -> None:
    """From left to right and from right to left, and emoji, which take two code units."""
    outbox = {letter for person in PEOPLE for letter in person.first_name + person.last_name}
    scripts = {unicodedata.name(letter).split()[0] for letter in outbox}
    assert scripts >= {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HANGUL", "THAI"}
    assert any(ord(letter) > 0xFFFF for letter in outbox)


@given(counts)
def test_the_expected_books_close(count: int) -> None:
    """As the books of every run do."""
    books = expected_outcome(profiles(count)).books()
    assert books["read"] == books["invalid"] + books["duplicate"] + books["selected"] == count
    assert books["selected"] == books["applied"] + books["refused"]


def test_whoever_opted_out_of_another_list_is_expected_on_ours() -> None:
    """An opt-out is one of one list."""
    outcome = expected_outcome(PEOPLE)
    assert outcome.opted_out_elsewhere
    assert outcome.opted_out_elsewhere <= outcome.members


def test_the_file_holds_every_row_and_null_for_nothing(tmp_path: Path) -> None:
    """Whoever has no phone has none, not an empty one."""
    people = PEOPLE[:12_345]
    write_segment(people, tmp_path / "segment.parquet")
    rows = parquet.read_table(tmp_path / "segment.parquet").to_pylist()
    assert [row["Email"] or "" for row in rows] == [person.email for person in people]
    assert [row["FirstName"] or "" for row in rows] == [person.first_name for person in people]
    assert [row["Phone"] for row in rows] == [person.phone or None for person in people]
