"""The text of every type of column."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.snapshots.formats.canonical_text import Textless, Undecodable, canonical

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [
        (["a", " B ", "", None], pa.string(), ["a", " B ", None, None]),
        (["é", None], pa.large_string(), ["é", None]),
        (["é", None], pa.string_view(), ["é", None]),
        (["a", None, "a"], pa.dictionary(pa.int8(), pa.string()), ["a", None, "a"]),
        (["é".encode(), None], pa.binary(), ["é", None]),
        ([True, False, None], pa.bool_(), ["true", "false", None]),
        ([-1, 2**64 - 2, None], None, None),
        ([-7, None], pa.int8(), ["-7", None]),
        ([2**64 - 1], pa.uint64(), ["18446744073709551615"]),
        ([1.0, -3.0, 1.5, 1e15, float("nan"), float("inf"), -0.0, None], pa.float64(),
         ["1", "-3", "1.5", "1000000000000000", None, "inf", "0", None]),
        ([2.0, 0.1, None], pa.float32(), ["2", "0.1", None]),
        ([2.0, 0.5, None], pa.float16(), ["2", "0.5", None]),
        ([Decimal("10.50"), None], pa.decimal128(10, 2), ["10.50", None]),
        ([date(2026, 1, 2), None], pa.date32(), ["2026-01-02", None]),
        ([date(2026, 1, 2), None], pa.date64(), ["2026-01-02", None]),
        ([time(1, 2, 3)], pa.time32("s"), ["01:02:03"]),
        ([_NOON, None], pa.timestamp("s"), ["2026-03-01T12:00:00Z", None]),
        ([_NOON, _NOON + timedelta(milliseconds=120)], pa.timestamp("ns"),
         ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.12Z"]),
        ([_NOON, _NOON + timedelta(seconds=10)], pa.timestamp("us", "Asia/Kolkata"),
         ["2026-03-01T12:00:00Z", "2026-03-01T12:00:10Z"]),
        ([["a", None, "b"], [], None, ["c"], [None]], pa.list_(pa.string()), ["||a||b||", None, None, "||c||", None]),
        ([[1.0, 2.5]], pa.large_list(pa.float64()), ["||1||2.5||"]),
        ([[True, False], None], pa.list_(pa.bool_(), 2), ["||true||false||", None]),
        ([None, None], pa.null(), [None, None]),
    ],
)  # fmt: skip
def test_every_type_has_its_text(values: list[Any], kind: pa.DataType | None, texts: list[str | None] | None) -> None:
    """The table of DESIGN.md's canonical text; a null stays null and an empty text becomes one."""
    if texts is None:
        values, kind, texts = values[:1], pa.int64(), ["-1"]
    assert canonical(pa.array(values, kind)).to_pylist() == texts


def test_a_slice_has_the_texts_of_its_own_rows() -> None:
    """Arrow hands slices around, and lists hide their offsets in them."""
    column = pa.array([["a"], None, ["b", "c"], ["d"]])
    assert canonical(column.slice(1, 2)).to_pylist() == [None, "||b||c||"]


def test_no_rows_have_no_texts() -> None:
    """An empty row group is no special case."""
    for kind in (pa.string(), pa.float64(), pa.list_(pa.string()), pa.timestamp("us"), pa.null()):
        assert canonical(pa.array([], kind)).to_pylist() == []


@pytest.mark.parametrize("kind", [pa.binary(), pa.string()])
def test_what_is_not_utf8_is_named_by_its_index(kind: pa.DataType) -> None:
    """A Parquet file may call any bytes text; a lone surrogate is no UTF-8 either."""
    octets = pa.array([b"fine", None, b"\xed\xa0\x80", b"\xff"])
    column = pa.Array.from_buffers(kind, 4, octets.buffers())
    with pytest.raises(Undecodable) as caught:
        canonical(column)
    assert caught.value.index == 2


def test_structs_and_maps_have_no_text() -> None:
    """Guessing one would send nonsense to people."""
    for values in (
        pa.array([{"a": 1}]),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([[{"a": 1}]]),
    ):
        with pytest.raises(Textless):
            canonical(values)


@given(st.lists(st.integers(-(2**53) + 1, 2**53 - 1) | st.none()))
def test_whole_floats_read_as_the_integers_that_they_are(numbers: list[int | None]) -> None:
    """A column of numbers with a null in it becomes floats in many tools; that must not change a fingerprint."""
    assert canonical(pa.array(numbers, pa.int64())) == canonical(pa.array(numbers, pa.float64()))
