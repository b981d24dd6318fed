"""Reading goes on at the byte where it was interrupted, asks for less where long answers break, and gives up in words."""

import io
import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.snapshots.errors import SourceUnreachable
from producer.snapshots.locations.range_reader import AHEAD_BYTES, ATTEMPTS, LEAST_BYTES, Interrupted, RangedFile

DATA = random.Random(1).randbytes(10 << 20)


class Line:
    """A store whose answers break after `most` bytes, or do not come at all `silent` times."""

    def __init__(self, data: bytes, *, most: int | None = None, silent: int = 0) -> None:
        self.data = data
        self.most = most
        self.silent = silent
        self.asked: list[tuple[int, int]] = []
        self.closed = False

    def fetch(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        if self.silent:
            self.silent -= 1
            raise Interrupted("no answer")
        return self.data[offset : offset + (length if self.most is None else min(length, self.most))]

    def close(self) -> None:
        self.closed = True


def _file(line: Line) -> tuple[RangedFile, list[float]]:
    pauses: list[float] = []
    return RangedFile(line, len(line.data), "s3://bucket/a.csv", pause=pauses.append), pauses


def test_a_file_read_to_its_end_is_fetched_in_few_requests() -> None:
    """The first one is small: a header or a footer is often all that is wanted."""
    line = Line(DATA)
    file, _ = _file(line)
    assert b"".join(iter(lambda: file.read(100_000), b"")) == DATA
    assert line.asked[0][1] <= max(LEAST_BYTES, 100_000)
    assert len(line.asked) <= 2 + len(DATA) // AHEAD_BYTES


def test_what_came_before_the_line_broke_is_not_asked_for_again() -> None:
    """Each request begins where the one before ended."""
    line = Line(DATA, most=1_000_003)
    file, pauses = _file(line)
    assert file.read() == DATA
    begins = [offset for offset, _ in line.asked]
    assert begins == [at * 1_000_003 for at in range(len(begins))]
    assert pauses == []


def test_a_silent_store_is_asked_again_for_less_with_longer_pauses() -> None:
    """Until it answers."""
    line = Line(DATA, silent=3)
    file, pauses = _file(line)
    assert file.read(1 << 20) == DATA[: 1 << 20]
    assert [length for _, length in line.asked[:4]] == [1 << 20, 1 << 19, 1 << 18, 1 << 17]
    assert pauses == [0.5, 1.0, 2.0]


def test_who_never_answers_is_given_up_with_the_byte() -> None:
    """And not asked any further."""
    line = Line(DATA, silent=10**6)
    file, pauses = _file(line)
    file.seek(77)
    with pytest.raises(
        SourceUnreachable, match=r"s3://bucket/a\.csv: no answer at byte 77 after 8 attempts \(no answer\)"
    ):
        file.read(5)
    assert len(line.asked) == ATTEMPTS
    assert len(pauses) == ATTEMPTS - 1


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 3_000)), max_size=20), st.integers(1, 900))
def test_any_walk_through_a_file_reads_its_bytes(walk: list[tuple[int, int]], most: int) -> None:
    """As a file in memory does."""
    data = DATA[:4_321]
    file, _ = _file(Line(data, most=most))
    memory = io.BytesIO(data)
    for position, size in walk:
        assert file.seek(position) == memory.seek(position)
        assert file.read(size) == memory.read(size)
        assert file.tell() == max(file.tell(), memory.tell())


def test_arrow_hands_our_errors_on_and_closes() -> None:
    """Also through a decompressor."""
    line = Line(bytes(pa.compress(DATA, codec="zstd", asbytes=True)))
    file, _ = _file(line)
    stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
    assert len(stream.read(1_000)) == 1_000
    line.silent = 10**6
    with pytest.raises(SourceUnreachable):
        stream.read()
    stream.close()
    assert line.closed
