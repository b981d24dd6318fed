"""Chunks keep every contact, in order, within both limits, and leave no contact alone that need not be."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contacts.mapped_rows import MappedRows
from producer.pipeline.chunking import Chunk, Packing, pack
from wire.activecampaign.requests import CONTACT_BYTES_MAX, MAX_BODY_BYTES, MAX_CONTACTS, import_body

_SIZES = st.lists(
    st.one_of(
        st.integers(1, 2000), st.sampled_from([100_000, 190_000, 199_990, CONTACT_BYTES_MAX - 5, CONTACT_BYTES_MAX])
    ),
    max_size=40,
)
_ODD_ROWS = 2  # rows that were not selected lie between


def _contacts(sizes: list[int]) -> list[MappedRows]:
    return [
        MappedRows(_ODD_ROWS * at + 1, b"x" * size, phone_left_out=False, fingerprint=at.to_bytes(8))
        for at, size in enumerate(sizes)
    ]


def _packed(sizes: list[int]) -> list[Chunk]:
    return list(pack(_contacts(sizes)))


@given(_SIZES)
def test_nothing_is_lost_and_the_order_is_kept(sizes: list[int]) -> None:
    """Contacts, rows and fingerprints come out as they went in."""
    contacts = _contacts(sizes)
    chunks = list(pack(contacts))
    assert [json for chunk in chunks for json in chunk.contacts] == [contact.json for contact in contacts]
    assert [row for chunk in chunks for row in chunk.rows] == [contact.row for contact in contacts]
    assert b"".join(chunk.prints for chunk in chunks) == b"".join(contact.fingerprint for contact in contacts)


@given(_SIZES, st.booleans())
def test_every_request_is_within_both_limits(sizes: list[int], automations: bool) -> None:  # noqa: FBT001 - drawn
    """The limits are those of the whole body."""
    for chunk in _packed(sizes):
        assert 1 <= len(chunk.contacts) <= MAX_CONTACTS
        assert len(import_body(chunk.contacts, automations=automations)) <= MAX_BODY_BYTES


@given(st.one_of(_SIZES, st.lists(st.integers(1, 900), max_size=1200)), st.booleans())
def test_sizes_alone_tell_the_requests_and_their_weight(sizes: list[int], automations: bool) -> None:  # noqa: FBT001 - drawn
    """To the byte, so that a forecast needs no contacts."""
    packing, chunks = Packing(), _packed(sizes)
    begun = [packing.add(size) for size in sizes]
    assert packing.requests == sum(begun) == len(chunks)
    bodies = [import_body(chunk.contacts, automations=automations) for chunk in chunks]
    assert packing.weight(automations=automations) == sum(map(len, bodies))


@given(st.lists(st.integers(1, 900), min_size=2, max_size=1200))
def test_no_contact_of_common_size_is_alone(sizes: list[int]) -> None:
    """A single contact may be sent five times less often."""
    assert all(len(chunk.contacts) > 1 for chunk in _packed(sizes))


@given(_SIZES)
def test_a_contact_is_alone_only_where_no_neighbour_can_help(sizes: list[int]) -> None:
    """Too large for the next one, and for the one before or it would be alone then."""
    chunks = _packed(sizes)
    for before, chunk in pairwise(chunks):
        if len(before.contacts) == 1:
            assert len(before.contacts[0]) + 1 + len(chunk.contacts[0]) > CONTACT_BYTES_MAX
        if len(chunk.contacts) == 1 and len(before.contacts) > 2:
            assert len(before.contacts[-1]) + len(chunk.contacts[0]) + 1 > CONTACT_BYTES_MAX


@given(_SIZES)
def test_packing_goes_on_after_any_chunk_as_if_it_had_never_stopped(sizes: list[int]) -> None:
    """A producer that died begins after the last row of the last chunk that was appended."""
    contacts, chunks = _contacts(sizes), _packed(sizes)
    for at, chunk in enumerate(chunks, start=1):
        assert list(pack(contact for contact in contacts if contact.row > chunk.last_row)) == chunks[at:]


@pytest.mark.parametrize(
    ("contacts", "counts"),
    [(0, []), (1, [1]), (250, [250]), (251, [249, 2]), (252, [250, 2]), (501, [250, 249, 2]), (500, [250, 250])],
)
def test_how_many_contacts_come_in_a_chunk(contacts: int, counts: list[int]) -> None:
    """Chunks are full, and the last two share."""
    assert [len(chunk.contacts) for chunk in _packed([170] * contacts)] == counts


def test_the_limit_in_bytes_is_met_exactly() -> None:
    """The comma between two contacts counts."""
    half = CONTACT_BYTES_MAX // 2
    assert [len(chunk.contacts) for chunk in _packed([half, CONTACT_BYTES_MAX - half - 1])] == [2]
    assert [len(chunk.contacts) for chunk in _packed([half, CONTACT_BYTES_MAX - half])] == [1, 1]


def test_a_chunk_of_two_gives_none_away() -> None:
    """It would be left with a lone contact itself."""
    assert [len(chunk.contacts) for chunk in _packed([190_000, 190_000, 190_000])] == [2, 1]


def test_a_chunk_comes_out_as_soon_as_the_next_one_is_closed() -> None:
    """Sending must not wait for the end of the snapshot, nor memory grow with it."""
    asked: list[int] = []

    def watched() -> Iterator[MappedRows]:
        for contact in _contacts([170] * 2000):
            asked.append(contact.row)
            yield contact

    next(pack(watched()))
    assert len(asked) == 2 * MAX_CONTACTS + 1


def test_a_contact_that_fits_into_no_request_is_a_mistake_of_the_caller() -> None:
    """The mapper has made it an invalid row long before."""
    with pytest.raises(ValueError, match="row 1:"):
        _packed([CONTACT_BYTES_MAX + 1])
