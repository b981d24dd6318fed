"""What an import request looks like, byte for byte."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.activecampaign.requests import contact_json, contacts_of, email_of, emails_of, import_body, moved
from wire.store import codec

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CONTACTS = st.builds(
    contact_json,
    email=TEXTS,
    first_name=st.none() | TEXTS,
    last_name=st.none() | TEXTS,
    phone=st.none() | TEXTS,
    fields=st.lists(st.tuples(st.integers(1, 10**6), TEXTS), max_size=3),
    tags=st.lists(TEXTS, max_size=3),
    list_id=st.integers(1, 10**6).map(str),
    automations=st.booleans(),
    membership=st.sampled_from(["subscribe", "unsubscribe", None]),
)


def bare(
    *,
    list_id: str = "12",
    automations: bool = False,
    membership: Literal["subscribe", "unsubscribe"] | None = "subscribe",
) -> bytes:
    return contact_json(
        email="ann@example.org",
        first_name=None,
        last_name="",
        phone=None,
        fields=[(7, "")],
        tags=[""],
        list_id=list_id,
        automations=automations,
        membership=membership,
    )


def test_a_full_contact_is_written_as_the_importer_documents_it() -> None:
    """Keys in snake case, raw UTF-8, numeric ids."""
    written = contact_json(
        email="søren@example.org",
        first_name="Søren",
        last_name="李",
        phone="+442079460000",
        fields=[(7, "Gold"), (8, "||a||b||")],
        tags=["spring"],
        list_id="12",
        automations=False,
    )
    expected = (
        '{"email":"søren@example.org","first_name":"Søren","last_name":"李","phone":"+442079460000",'
        '"fields":[{"id":7,"value":"Gold"},{"id":8,"value":"||a||b||"}],"tags":["spring"],'
        '"subscribe":[{"listid":"12"}],"exclude_automations":true}'
    )
    assert written == expected.encode()


def test_what_is_empty_is_left_out() -> None:
    """A blank would erase what ActiveCampaign has."""
    assert codec.decode(bare(automations=True)) == {"email": "ann@example.org", "subscribe": [{"listid": "12"}]}


def test_a_leaver_is_taken_off_the_list_and_not_put_on_it() -> None:
    """The two never stand together."""
    left = codec.decode(bare(membership="unsubscribe", automations=True))
    assert left == {"email": "ann@example.org", "unsubscribe": [{"listid": "12"}]}
    assert codec.decode(bare(membership=None, automations=True)) == {"email": "ann@example.org"}


def test_automations_are_excluded_in_both_places_or_in_none() -> None:
    """The official example and the official prose disagree on the place."""
    excluded = codec.decode(import_body([bare()], automations=False))
    assert excluded["exclude_automations"] is True
    assert excluded["contacts"][0]["exclude_automations"] is True
    assert b"exclude" not in import_body([bare(automations=True)], automations=True)


def test_a_list_id_that_is_no_number_is_an_error() -> None:
    """It would be dropped silently by ActiveCampaign."""
    with pytest.raises(ValueError, match="twelve"):
        bare(list_id="twelve")


@given(contacts=st.lists(CONTACTS, max_size=5), automations=st.booleans())
def test_a_body_comes_apart_into_the_contacts_it_was_joined_from(*, contacts: list[bytes], automations: bool) -> None:
    """Byte for byte and in order, so that parts of a chunk are what they were in the whole."""
    body = import_body(contacts, automations=automations)
    assert contacts_of(body) == contacts
    assert emails_of(body) == [email_of(contact) for contact in contacts]


@given(contacts=st.lists(st.tuples(CONTACTS, TEXTS), max_size=5))
def test_a_former_address_that_is_noted_in_a_contact_is_not_taken_for_another_contact(
    contacts: list[tuple[bytes, str]],
) -> None:
    """Though it stands in an object of its own."""
    noted = [moved(contact, former, "update") for contact, former in contacts]
    assert emails_of(import_body(noted, automations=True)) == [email_of(contact) for contact, _ in contacts]


@given(contacts=st.lists(CONTACTS, min_size=1, max_size=5), automations=st.booleans())
def test_an_empty_body_is_what_a_body_costs_besides_its_contacts(*, contacts: list[bytes], automations: bool) -> None:
    """Packing counts bytes with it."""
    envelope = len(import_body([], automations=automations))
    body = import_body(contacts, automations=automations)
    assert len(body) == envelope + sum(map(len, contacts)) + len(contacts) - 1
