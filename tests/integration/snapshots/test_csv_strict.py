"""CSV is read as Python's strict reader reads it, or refused: never two people in one contact."""

import csv
import gzip
import io
import random
import tempfile
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.snapshots import byte_streams, open_snapshot, preview_snapshot
from producer.snapshots.errors import BadRow, Misquoted, SnapshotError, Truncated, UnclearColumns

COLUMNS: Final = ["Email", "First", "Note"]
CELLS: Final = st.text(st.sampled_from('",;|\t\\\n\r a#ü'), max_size=6)
ROWS: Final = st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6)


def _read(file: Path) -> list[list[str | None]]:
    batches = open_snapshot(str(file), [file.parent]).read(COLUMNS)
    return [list(row) for batch in batches for row in zip(*batch.to_pydict().values(), strict=True)]


def _in_file(data: str, name: str = "a.csv") -> list[list[str | None]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(data.encode())
        return _read(file)


def _reference(data: str, delimiter: str) -> list[list[str | None]]:
    rows = [row for row in csv.reader(io.StringIO(data, newline=""), delimiter=delimiter, strict=True) if row]
    return [[cell or None for cell in row] for row in rows[1:]]


def _written(rows: list[list[str]], delimiter: str, quoting: int, end: str) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type] # an int
    writer.writerow(COLUMNS)
    writer.writerows([f"p{at}@x.org", *row] for at, row in enumerate(rows))
    return text.getvalue()


DIALECTS: Final = [(csv.QUOTE_MINIMAL, "\r\n"), *((csv.QUOTE_ALL, end) for end in ("\n", "\r\n", "\r"))]
"""With other ends of lines, Python's writer leaves a lone CR or LF without quotes that its own reader takes for an end."""

WRITTEN: Final = st.builds(
    lambda rows, delimiter, dialect: (_written(rows, delimiter, *dialect), delimiter),
    ROWS,
    st.sampled_from(",;\t|"),
    st.sampled_from(DIALECTS),
)


@settings(max_examples=300, deadline=None)
@given(WRITTEN)
def test_what_a_csv_writer_wrote_is_read_as_it_was(written: tuple[str, str]) -> None:
    """In every dialect; only where a backslash before a quote can be read in two ways may it be refused."""
    data, delimiter = written
    try:
        read = _in_file(data)
    except Misquoted:
        read = _reference(data, delimiter)
        assert '\\"' in data
        list(csv.reader(io.StringIO(data, newline=""), delimiter=delimiter, escapechar="\\", strict=True))
    assert read == _reference(data, delimiter)


@settings(max_examples=300, deadline=None)
@given(WRITTEN, st.integers(0, 1 << 16), st.sampled_from(['"', '\\"', '""', '"\n']))
def test_a_quote_too_many_is_refused_or_changes_nothing_else(written: tuple[str, str], at: int, more: str) -> None:
    """Wherever it gets in."""
    data, delimiter = written
    begin = data.index("p0@")
    at = begin + at % (len(data) - begin)
    data = data[:at] + more + data[at:]
    try:
        read = _in_file(data)
    except SnapshotError:
        return
    assert read == _reference(data, delimiter)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ('1@x.org,"Ann,n\n2@x.org,"Bob,n\n', "row 1, column 'First': text after a closing quote"),
        ('1@x.org,Ann,n\n2@x.org,B"ob,n"\n', "row 2, column 'First': a quote inside a cell"),
        ('1@x.org,Ann,n\n\n2@x.org,"B\nob" ,n\n', "row 2, column 'First': text after a closing quote"),
        ('1@x.org,Ann, "n"\n', "row 1, column 'Note': a quote inside a cell"),
        ('1@x.org,"Dwayne \\"Rock\\"",n\n', "row 1, column 'First': a backslash before a quote"),
        ('1@x.org,Ann,"x \\" y"\n', "row 1, column 'Note': a backslash before a quote"),
        ('1@x.org,"x\\",y,"\n2@x.org,",z,"\n', "a backslash before a quote|a quote inside a cell"),
        ('1@x.org,"Ann","n"x', "row 1, column 'Note': text after a closing quote"),
    ],
)  # fmt: skip
def test_row_and_column_are_named_and_nothing_of_what_stands_there(tmp_path: Path, rows: str, problem: str) -> None:
    """For the preview as for a run, compressed or not."""
    file = tmp_path / "a.csv"
    file.write_text("Email,First,Note\n" + rows)
    with pytest.raises(BadRow, match=problem) as caught:
        _read(file)
    assert "Ann" not in str(caught.value)
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    for each in (file, packed):
        with pytest.raises(BadRow, match=problem):
            preview_snapshot(str(each), [tmp_path])


def test_a_header_is_held_to_the_same_rules(tmp_path: Path) -> None:
    """Its names would be others than the person sees."""
    file = tmp_path / "a.csv"
    for header in ('Email,"First"x,Note', 'Email,Fi"rst,Note', 'Email,"Fi\\"rst",Note'):
        file.write_text(f"{header}\n1@x.org,Ann,n\n")
        with pytest.raises(UnclearColumns, match="in the first line: "):
            _read(file)


def test_rows_are_counted_far_down_and_quotes_judged_across_blocks(tmp_path: Path) -> None:
    """Every block of a large file ends somewhere in a row."""
    file, numbers = tmp_path / "a.csv", random.Random(7)
    lines = [f'p{at}@x.org,"A ""n"" {"x" * numbers.randrange(40)}","n,\n{at}"' for at in range(60_000)]
    file.write_text("Email,First,Note\n" + "\n".join(lines) + "\n")
    assert file.stat().st_size > 2 * byte_streams.BLOCK_BYTES
    assert len(_read(file)) == len(lines)
    lines[54_321] += "x"
    file.write_text("Email,First,Note\n" + "\n".join(lines) + "\n")
    with pytest.raises(BadRow, match="row 54322, column 'Note': text after a closing quote"):
        _read(file)


def test_a_quote_that_is_never_closed_is_still_a_file_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('Email,First,Note\n1@x.org,Ann,n\n2@x.org,Bob,"n\n')
    with pytest.raises(Truncated, match="a quote is never closed"):
        _read(file)
