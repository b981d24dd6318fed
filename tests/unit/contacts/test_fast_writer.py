"""Contacts that are written whole columns at a time are those that are written one by one, byte for byte."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.contacts import fast_writer
from producer.contacts import mapper as mapping
from producer.contacts.email_addresses import ORDINARY, Address, UnusableAddress, read_address
from producer.contacts.fast_writer import Writer
from producer.contacts.mapped_rows import InvalidRow, MappedRows
from producer.contacts.mapper import Mapper, MappingSpec
from producer.contacts.text_cleaning import clean_line, clean_text

COLUMNS = ("Email", "First", "Last", "Phone", "Tier", "Since", "Tags")
SPEC = MappingSpec(
    email="Email",
    first_name="First",
    last_name="Last",
    phone="Phone",
    fields={"7": "Tier", "8": "Since"},
    tags=("vip", "spring"),
    tags_column="Tags",
    default_region="GB",
)
ALMOST_ORDINARY = st.text(st.sampled_from("aZ09.-_+@ \t\"\\'éÀſ\u00d7÷İß́ŉƀ\u00a0"), max_size=12)
TEXTS = st.one_of(st.none(), st.text(max_size=6), ALMOST_ORDINARY)
ADDRESSES = st.one_of(
    TEXTS,
    st.builds("{}@{}.{}".format, ALMOST_ORDINARY, ALMOST_ORDINARY, st.sampled_from(["org", "x", "co.uk", "museum "])),
    st.builds(
        "{}@{}.org".format,
        st.from_regex(r"[a-z.]{1,70}", fullmatch=True),
        st.from_regex(r"[a-z-]{1,70}", fullmatch=True),
    ),
    st.integers(0, 999).map("Person.{}@Example.org".format),
)
ROWS = st.lists(
    st.tuples(ADDRESSES, TEXTS, TEXTS, st.sampled_from([None, "n/a", "+442079460000", " "]), TEXTS, TEXTS, TEXTS)
)


def batch_of(rows: list[tuple[str | None, ...]]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], names=list(COLUMNS))


def mapped(
    batch: pa.RecordBatch, spec: MappingSpec = SPEC, *, automations: bool = False
) -> list[MappedRows | InvalidRow]:
    mapper = Mapper(spec, 12, automations=automations)
    prints = mapper.fingerprints(batch, mapper.addresses(batch))
    return list(mapper.contacts(batch, range(batch.num_rows), before=0, prints=prints))


def one_by_one(patch: pytest.MonkeyPatch) -> None:
    """Let nothing be ordinary."""

    def nothing(self: Writer, email: pa.StringArray, *_: Any) -> pa.BinaryArray:
        return pa.nulls(len(email), pa.binary())

    patch.setattr(Writer, "write", nothing)


@settings(max_examples=300)
@given(ROWS, st.booleans(), st.booleans())
def test_both_ways_write_the_same(rows: list[tuple[str | None, ...]], automations: bool, tagged: bool) -> None:  # noqa: FBT001  drawn
    """Whatever stands in the columns, with tags of a row's own or without."""
    batch = batch_of(rows)
    spec = SPEC if tagged else MappingSpec(email="Email", first_name="First", phone="Phone", fields={"7": "Tier"})
    found = mapped(batch, spec, automations=automations)
    with pytest.MonkeyPatch.context() as patch:
        one_by_one(patch)
        assert found == mapped(batch, spec, automations=automations)


@given(ROWS, st.lists(st.booleans()), st.integers(0, 9))
def test_weighing_tells_what_writing_makes(rows: list[tuple[str | None, ...]], chosen: list[bool], before: int) -> None:
    """Of each row that was asked for: its size, whether its telephone number is left out, or why it is no contact."""
    mapper, batch = Mapper(SPEC, 12, automations=False), batch_of(rows)
    asked = [at for at, (_, is_chosen) in enumerate(zip(rows, chosen, strict=False)) if is_chosen]
    weighed = mapper.weigh(batch, asked, before=before)
    found = list(mapper.contacts(batch, asked, before=before))
    assert weighed.sizes.tolist() == [len(one.json) if isinstance(one, MappedRows) else 0 for one in found]
    assert weighed.phones_left_out.tolist() == [isinstance(one, MappedRows) and one.phone_left_out for one in found]
    assert weighed.invalid == [one for one in found if isinstance(one, InvalidRow)]


def test_an_ordinary_row_is_written_without_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or nothing would have been gained; one that is not is told apart within its batch."""
    asked: list[str] = []

    def read(text: str) -> Address | UnusableAddress:
        asked.append(text)
        return read_address(text)

    monkeypatch.setattr(mapping, "read_address", read)
    ordinary = ("Zoe.K+x@Mail-1.Example.org", "Zoë", "O'Neil-Šimůnek", "+442079460000", "Gold  or so", None, None)
    quoted = ("ann@example.org", 'Ann "A"', None, None, None, None, None)
    tagged = ("bob@example.org", "Bob", None, None, None, None, "||own||")
    found = mapped(batch_of([ordinary, quoted, ordinary, tagged]))
    assert asked == ["ann@example.org", "bob@example.org"]
    assert [one.row for one in found] == [1, 2, 3, 4]


@pytest.mark.parametrize(("pattern", "clean"), [("LINE", clean_line), ("TEXT", clean_text)])
@given(text=st.one_of(st.text(max_size=8), ALMOST_ORDINARY))
def test_a_text_that_is_ordinary_needs_no_cleaning(pattern: str, clean: Callable[[str], str], text: str) -> None:
    """So it may be written as it is."""
    if fast_writer._matches(pa.array([text]), getattr(fast_writer, pattern), if_null=False)[0].as_py():
        assert clean(text) == text


@given(ADDRESSES)
def test_an_address_that_is_ordinary_in_a_column_is_so_alone(text: str | None) -> None:
    """The quick test of columns takes none that the quick test of one address does not."""
    found = Writer((), (), 12, automations=True).write(pa.array([text], pa.string()), {}, [None], [], 1000)
    if found[0].is_valid:
        assert ORDINARY.fullmatch(text or "")
