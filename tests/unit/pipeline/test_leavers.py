"""Leavers go in an order of their own, so that reading goes on behind any of them, and what is sent says only that they left."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.pipeline import leavers
from producer.pipeline.chunking import pack
from tests.unit.records import SPEC, a_run
from wire.chunk_queue.membership_entry import MembershipEntry, MemberState, order_of
from wire.chunk_queue.run import Run
from wire.store import codec

FIELD: dict[str, Any] = {"leavers": "field", "leavers_field": {"id": "7", "left": "left", "present": "present"}}
OUT: dict[str, Any] = {"leavers": "unsubscribe", "leavers_field": None}
ENTRY = MembershipEntry(MemberState.MEMBER, b"8 bytes.")


def a_leaving_run(options: dict[str, Any], **spec: Any) -> Run:
    return a_run(spec=codec.text({**SPEC, **options, **spec}))


def people(count: int) -> list[tuple[str, MembershipEntry]]:
    return [(f"person{number}@example.org", ENTRY) for number in range(count)]


@given(st.sets(st.emails(), max_size=20))
def test_who_leaves_is_kept_without_an_address(addresses: set[str]) -> None:
    """As places in an order that every process knows."""
    assert leavers.from_bytes(leavers.to_bytes(addresses)) == {order_of(address) for address in addresses}


def test_nobody_leaves_where_nothing_is_kept() -> None:
    """A run that was surveyed before there were leavers."""
    assert leavers.from_bytes(b"") == set()


@pytest.mark.parametrize("count", [1, 3, 600])
def test_behind_any_chunk_the_rest_is_the_same_when_read_anew(count: int) -> None:
    """Though those sent before are members no more by then."""
    run = a_leaving_run(OUT)
    everybody = people(count)
    packed = list(pack(leavers.contacts(everybody, run)))
    assert sum(len(chunk.rows) for chunk in packed) == count
    for at, chunk in enumerate(packed):
        assert list(pack(leavers.contacts(everybody, run, after=chunk.last_row))) == packed[at + 1 :]
        still_known = [one for one in everybody if order_of(one[0]) > chunk.last_row]
        assert list(pack(leavers.contacts(still_known, run, after=chunk.last_row))) == packed[at + 1 :]


def test_a_leaver_who_is_marked_stays_on_the_list_and_keeps_their_data() -> None:
    """Only the field is said; the importer is told nothing of lists."""
    (found,) = leavers.contacts(people(1), a_leaving_run(FIELD))
    assert codec.decode(found.json) == {
        "email": "person0@example.org",
        "fields": [{"id": 7, "value": "left"}],
        "exclude_automations": True,
    }
    assert found.fingerprint == b"8 bytes."


def test_a_leaver_who_is_unsubscribed_is_taken_off_this_list() -> None:
    """And no other; automations run only if the export says so."""
    (found,) = leavers.contacts(people(1), a_leaving_run(OUT, automations=True))
    assert codec.decode(found.json) == {"email": "person0@example.org", "unsubscribe": [{"listid": "12"}]}
