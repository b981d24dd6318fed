"""The first of equal addresses is told from the rest, and the selection survives the record."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.pipeline.comparison import hashes_of
from producer.pipeline.row_selection import SeenAddresses, Selection


@given(st.lists(st.lists(st.sampled_from([*"abcdefghij", None]), max_size=5)))
def test_only_the_first_of_equal_keys_is_first_over_all_batches(batches: list[list[str | None]]) -> None:
    """And a row without an address is never first."""
    seen, met = SeenAddresses(), set[str | None]([None])
    for keys in batches:
        expected = []
        for key in keys:
            expected.append(key not in met)
            met.add(key)
        missing = np.array([key is None for key in keys], np.bool_)
        assert seen.first(hashes_of(keys), missing).tolist() == expected


def test_addresses_are_remembered_in_less_than_110_bytes_each() -> None:
    """A million addresses must leave the producer under its 300 MiB."""
    count = 200_000
    seen = SeenAddresses()
    tracemalloc.start()
    for begin in range(0, count, 5_000):
        keys = [f"person{number}@example.org" for number in range(begin, begin + 5_000)]
        seen.first(hashes_of(keys), np.zeros(5_000, np.bool_))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 110 * count


@given(st.lists(st.lists(st.booleans(), max_size=30)), st.integers(0, 200), st.integers(0, 50))
def test_a_selection_survives_the_record(batches: list[list[bool]], from_row: int, rows: int) -> None:
    """What is asked of any stretch of rows is what was decided about them."""
    selection = Selection()
    for batch in batches:
        selection.append(batch)
    flat = [chosen for batch in batches for chosen in batch]
    read = Selection.from_bytes(selection.to_bytes())
    assert (len(read), read.count()) == (len(flat), sum(flat))
    part = flat[from_row : from_row + rows]
    assert read.chosen(from_row, rows) == [at for at, chosen in enumerate(part) if chosen]


def test_a_selection_takes_one_bit_a_row_at_most() -> None:
    """A million rows are 125 kB in the record, whatever was selected."""
    rows = 100_000
    selection = Selection()
    selection.append(np.random.default_rng(7).random(rows) < 0.5)
    assert len(selection.to_bytes()) < rows / 8 + 200


@pytest.mark.parametrize("cut", [0, 4, 8, -1])
def test_a_selection_that_is_cut_short_is_refused(cut: int) -> None:
    """Reading on with half of it would leave people out."""
    selection = Selection()
    selection.append([True] * 1000)
    with pytest.raises(ValueError, match="not a selection"):
        Selection.from_bytes(selection.to_bytes()[:cut])
