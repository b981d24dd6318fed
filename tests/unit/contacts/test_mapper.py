"""Rows become contacts as the mapping says, and nothing hostile gets through."""

from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contacts.mapped_rows import InvalidRow, MappedRows, RowFault
from producer.contacts.mapper import Mapper, MappingSpec
from wire.activecampaign.requests import CONTACT_BYTES_MAX, email_of
from wire.chunk_queue.membership_entry import address_of

_SPEC = MappingSpec(
    email="Email",
    first_name="First",
    last_name="Last",
    phone="Phone",
    fields={"7": "Tier", "8": "Since"},
    tags=("vip", " vip ", ""),
    tags_column="Tags",
    default_region="GB",
)
_COLUMNS = ("Email", "First", "Last", "Phone", "Tier", "Since", "Tags")


def _batch(*rows: dict[str, str | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [{column: row.get(column) for column in _COLUMNS} for row in rows],
        schema=pa.schema([(column, pa.string()) for column in _COLUMNS]),
    )


def _mapped(*rows: dict[str, str | None], spec: MappingSpec = _SPEC) -> list[MappedRows | InvalidRow]:
    mapper = Mapper(spec, 12, automations=False)
    return list(mapper.contacts(_batch(*rows), range(len(rows)), before=0))


def _contact(row: dict[str, str | None], spec: MappingSpec = _SPEC) -> dict[str, Any]:
    (mapped,) = _mapped(row, spec=spec)
    assert isinstance(mapped, MappedRows)
    contact: dict[str, Any] = orjson.loads(mapped.json)
    return contact


def test_a_full_row_becomes_a_full_contact() -> None:
    """Every mapped column arrives, cleaned, under ActiveCampaign's names."""
    contact = _contact(
        {
            "Email": " Ann@Example.org ",
            "First": " Zoë\0 ",
            "Last": "李  小龍",
            "Phone": "020 7946 0000",
            "Tier": "||Gold||Silver||",
            "Since": "2026-01-02",
            "Tags": "||spring||vip||",
        }
    )
    assert contact["email"] == "Ann@Example.org"
    assert (contact["first_name"], contact["last_name"]) == ("Zoë", "李 小龍")
    assert contact["phone"] == "+442079460000"
    assert contact["fields"] == [{"id": 7, "value": "||Gold||Silver||"}, {"id": 8, "value": "2026-01-02"}]
    assert contact["tags"] == ["vip", "spring"]
    assert contact["subscribe"] == [{"listid": "12"}]


def test_empty_values_are_left_out() -> None:
    """A blank would wipe what ActiveCampaign has."""
    spec = MappingSpec("Email", "First", "Last", "Phone", {"7": "Tier"}, tags_column="Tags")
    blank = {"Email": "ann@example.org", "First": " \0", "Last": None, "Phone": " ", "Tier": " \x07", "Tags": ", "}
    contact = _contact(blank, spec)
    assert contact.keys().isdisjoint({"first_name", "last_name", "phone", "fields", "tags"})


def test_a_phone_that_is_none_is_left_out_and_counted() -> None:
    """The person is worth more than the number."""
    rows: list[dict[str, str | None]] = [
        {"Email": "a@example.org", "Phone": phone} for phone in ("n/a", "+442079460000", None, " ")
    ]
    found = _mapped(*rows)
    assert [mapped.phone_left_out for mapped in found if isinstance(mapped, MappedRows)] == [True, False, False, False]
    assert all(b"n/a" not in mapped.json for mapped in found if isinstance(mapped, MappedRows))


def test_an_invalid_row_says_which_and_why() -> None:
    """Rows count from 1 over the whole snapshot, and the address stands as it was read."""
    mapper = Mapper(_SPEC, 12, automations=False)
    batch = _batch({"Email": "ann@example.org"}, {"Email": " Not One "}, {"Email": None})
    one, other = mapper.contacts(batch, [1, 2], before=5000)
    assert isinstance(one, InvalidRow)
    assert one[:3] == (5002, " Not One ", RowFault.EMAIL_INVALID)
    assert isinstance(other, InvalidRow)
    assert other[:3] == (5003, "", RowFault.EMAIL_MISSING)


def test_a_contact_that_fits_into_no_request_is_invalid() -> None:
    """It is found by the survey, so that it is never selected."""
    (found,) = _mapped({"Email": "ann@example.org", "First": "x" * CONTACT_BYTES_MAX})
    assert isinstance(found, InvalidRow)
    assert found.code is RowFault.TOO_LARGE


def test_tags_of_a_column_may_stand_between_commas() -> None:
    """As people write them in a CSV."""
    assert _contact({"Email": "a@example.org", "Tags": "spring, summer,,vip"})["tags"] == ["vip", "spring", "summer"]


def test_a_mapper_reads_each_column_once() -> None:
    """Two fields may come from one column."""
    spec = MappingSpec("Email", first_name="Name", fields={"7": "Name", "8": "Tier"})
    assert Mapper(spec, 12, automations=False).columns == ("Email", "Name", "Tier")


def test_only_the_rows_asked_for_are_mapped() -> None:
    """In their order, with the row numbers of the snapshot."""
    mapper = Mapper(_SPEC, 12, automations=False)
    rows: list[dict[str, str | None]] = [{"Email": f"{at}@example.org"} for at in range(5)]
    batch = _batch(*rows)
    assert [mapped.row for mapped in mapper.contacts(batch, [0, 3, 4], before=10)] == [11, 14, 15]
    assert list(mapper.contacts(batch, [], before=10)) == []


@given(
    st.lists(
        st.one_of(
            st.emails(),
            st.text(max_size=20),
            st.text("abÀİß@.\x1c\x85\u00a0 \u200b", max_size=12).map(lambda text: f"{text}@example.org"),
            st.sampled_from(["Ann@MÜNCHEN.de", "İ@example.org", "\x1cann@example.org\x1f", "ǅ@example.org", ""]),
        ),
        min_size=1,
    )
)
def test_the_key_of_a_batch_is_the_key_of_the_contact(emails: list[str]) -> None:
    """Duplicates, membership and answers are matched by it, and it is computed in two places."""
    mapper = Mapper(MappingSpec("Email"), 12, automations=False)
    batch = pa.RecordBatch.from_pydict({"Email": pa.array(emails, pa.string())})
    keys = mapper.addresses(batch)
    for key, found in zip(keys, mapper.contacts(batch, range(len(emails)), before=0), strict=True):
        match found:
            case MappedRows():
                assert address_of(email_of(found.json)) == key
            case InvalidRow(code=RowFault.EMAIL_MISSING):
                assert key is None
            case InvalidRow():
                assert key is not None


@given(st.fixed_dictionaries({column: st.text() | st.none() for column in _COLUMNS[1:]}))
def test_whatever_stands_in_the_other_columns_the_contact_is_json_without_controls(row: dict[str, str | None]) -> None:
    """Hostile values end up as clean text or not at all."""
    contact = _contact(row | {"Email": "ann@example.org"})
    texts = [contact.get("first_name", "x"), contact.get("last_name", "x"), *contact.get("tags", ())]
    texts += [field["value"] for field in contact.get("fields", ())]
    assert all(text and not any(ord(each) < 32 and each not in "\n\t" for each in text) for text in texts)


@pytest.mark.parametrize("automations", [False, True])
def test_automations_are_excluded_unless_the_export_says_so(automations: bool) -> None:  # noqa: FBT001 - a parameter
    """ActiveCampaign runs them by default: welcome mails to everyone."""
    mapper = Mapper(_SPEC, 12, automations=automations)
    (found,) = mapper.contacts(_batch({"Email": "ann@example.org"}), [0], before=0)
    assert isinstance(found, MappedRows)
    assert orjson.loads(found.json).get("exclude_automations", False) is not automations
