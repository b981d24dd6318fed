"""A fingerprint tells a person's data from other data, and nothing else: not how a snapshot is written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contacts.mapper import Mapper, MappingSpec
from producer.snapshots import open_snapshot
from wire.chunk_queue.membership_entry import FINGERPRINT_BYTES

SPEC = MappingSpec(email="Email", first_name="First", phone="Phone", fields={"7": "Tier", "8": "Since"}, tags=("vip",))
ANN: dict[str, str | None] = {"Email": "ann@x.org", "First": "Ann", "Phone": "1", "Tier": "Gold", "Since": None}


def prints(*rows: dict[str, str | None], spec: MappingSpec = SPEC) -> list[bytes]:
    mapper = Mapper(spec, 12, automations=False)
    schema = pa.schema([(column, pa.string()) for column in mapper.columns])
    batch = pa.RecordBatch.from_pylist(
        [{column: row.get(column) for column in mapper.columns} for row in rows], schema=schema
    )
    return mapper.fingerprints(batch, mapper.addresses(batch))


def test_equal_data_of_equal_people_have_equal_fingerprints() -> None:
    """Wherever the row stands, and however the address is spelt."""
    first, other, again = prints(ANN, ANN | {"First": "Bob"}, ANN | {"Email": " Ann@X.ORG "})
    assert first == again != other
    assert len(first) == FINGERPRINT_BYTES


@pytest.mark.parametrize("change", [{"First": "Anna"}, {"Tier": None}, {"Since": "Gold", "Tier": None}, {"Phone": "2"}])
def test_every_mapped_column_counts(change: dict[str, str | None]) -> None:
    """A value that is gone, one that came, one that moved."""
    one, other = prints(ANN, ANN | change)
    assert one != other


def test_two_people_with_the_same_data_differ() -> None:
    """So that a hash of addresses that collides hides nobody."""
    one, other = prints(ANN, ANN | {"Email": "bob@x.org"})
    assert one != other


@given(st.lists(st.text("a:-1\0", max_size=3) | st.none(), min_size=8, max_size=8))
def test_no_two_rows_are_written_alike(values: list[str | None]) -> None:
    """Whatever stands in them, separators included; but an empty text is nothing, as in every format."""
    columns = ("First", "Phone", "Tier", "Since")
    ann: dict[str, str | None] = {"Email": "a@x.org"}
    one, other = (ann | dict(zip(columns, half, strict=True)) for half in (values[:4], values[4:]))
    same = all((one[column] or None) == (other[column] or None) for column in columns)
    if not any(value == "" for value in values):
        assert (prints(one) == prints(other)) is same


@pytest.mark.parametrize(
    "change",
    [{"first_name": None}, {"fields": {"7": "Since", "8": "Tier"}}, {"tags": ()}, {"default_region": "GB"}],
)
def test_a_changed_mapping_changes_every_fingerprint(change: dict[str, Any]) -> None:
    """Everybody is sent what the new mapping makes of them."""
    spec = replace(SPEC, **change)
    assert prints(ANN, spec=spec) != prints(ANN)
    assert Mapper(spec, 12, automations=False).version != Mapper(SPEC, 12, automations=False).version


def test_automations_the_list_and_the_order_of_tags_change_none() -> None:
    """They say nothing about a person's data: switching automations on must not send everybody a welcome."""
    spec = replace(SPEC, tags=("vip", "new"))
    versions = {
        Mapper(spec, 12, automations=False).version,
        Mapper(spec, 13, automations=True).version,
        Mapper(replace(spec, tags=("new", "vip")), 12, automations=False).version,
    }
    assert len(versions) == 1


def test_an_address_alone_has_a_fingerprint() -> None:
    """Nothing else is mapped."""
    one, other = prints({"Email": "a@x.org"}, {"Email": "b@x.org"}, spec=MappingSpec(email="Email"))
    assert one != other


def test_the_format_and_the_order_of_columns_do_not_matter(tmp_path: Path) -> None:
    """CSV, typed Parquet and NDJSON of the same people have the same fingerprints, in three orders of columns."""
    table = pa.table(
        {
            "Email": ["ann@x.org", "bob@x.org"],
            "First": ["Ann", None],
            "Phone": pa.array([442079460000, None], pa.int64()),
            "Tier": pa.array([2.0, 2.5]),
            "Since": pa.array([True, False]),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    turned = table.select(["Since", "Tier", "Phone", "First", "Email"])
    pyarrow.csv.write_csv(turned, tmp_path / "b.csv")
    lines = [orjson.dumps(row) for row in table.select(["First", "Email", "Tier", "Since", "Phone"]).to_pylist()]
    (tmp_path / "c.ndjson").write_bytes(b"\n".join(lines))
    mapper = Mapper(SPEC, 12, automations=False)
    found = []
    for name in ("a.parquet", "b.csv", "c.ndjson"):
        (batch,) = open_snapshot(str(tmp_path / name), [tmp_path]).read(mapper.columns)
        found.append(mapper.fingerprints(batch, mapper.addresses(batch)))
    assert found[0] == found[1] == found[2]
