"""Every format gives the same rows, from any row on, and what is wrong is named by file, row and column."""

import gzip
import json
import os
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from producer.snapshots import open_snapshot
from producer.snapshots.errors import (
    BadRow,
    Empty,
    Missing,
    MissingColumn,
    SnapshotChanged,
    SnapshotError,
    TextlessColumn,
    Truncated,
    UnclearColumns,
    UnlikeColumns,
    Unsupported,
)

_ROWS = 10_345
_WANTED = ["Email", "Name", "Points"]

Rows = list[list[str | None]]


@cache
def _profiles(rows: int = _ROWS) -> pa.Table:
    names = ["Ann", 'Zoë, née "Li"', "李小龍", "line\nbreak", "أحمد", "👩‍👧", "a;b|c\td", None]
    return pa.table(
        {
            "Name": [names[at % len(names)] for at in range(rows)],
            "Email": [f"person{at}@example.org" for at in range(rows)],
            "Points": pa.array([None if at % 7 == 0 else at / 2 for at in range(rows)], pa.float64()),
            "Unused": ["x" * 20] * rows,
        }
    )


def _texts(table: pa.Table) -> Rows:
    def points(value: float | None) -> str | None:
        return None if value is None else f"{value:g}" if value < 1000 else str(value).removesuffix(".0")

    return [[row["Email"], row["Name"], points(row["Points"])] for row in table.to_pylist()]


def _quoted(value: object) -> str:
    text = "" if value is None else str(value).removesuffix(".0")
    return '"' + text.replace('"', '""') + '"' if any(each in text for each in '",;\t|\r\n') else text


def _csv(table: pa.Table, delimiter: str = ",") -> bytes:
    lines = [delimiter.join(table.column_names)]
    lines += [delimiter.join(map(_quoted, row.values())) for row in table.to_pylist()]
    return "\r\n".join(lines).encode() + b"\r\n"


def _ndjson(table: pa.Table) -> bytes:
    rows = ({key: value for key, value in row.items() if value is not None} for row in table.to_pylist())
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _parquet(table: pa.Table, row_group_rows: int) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=row_group_rows)
    return bytes(sink.getvalue())


def _zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


_FORMATS: dict[str, Callable[[pa.Table], bytes]] = {
    "giant-row-group.parquet": lambda table: _parquet(table, 1 << 20),
    "many-row-groups.parquet": lambda table: _parquet(table, 1_000),
    "comma.csv": _csv,
    "semicolon.csv": lambda table: _csv(table, ";"),
    "tab.tsv": lambda table: _csv(table, "\t"),
    "pipe.TXT": lambda table: _csv(table, "|"),
    "mark.csv": lambda table: b"\xef\xbb\xbf" + _csv(table),
    "blank-lines.csv": lambda table: b"\r\n\r\n" + _csv(table) + b"\r\n\r\n",
    "no-last-line-end.csv": lambda table: _csv(table).removesuffix(b"\r\n"),
    "comma.csv.gz": lambda table: gzip.compress(_csv(table)),
    "parts.csv.gz": lambda table: gzip.compress(_csv(table)[:9_999]) + gzip.compress(_csv(table)[9_999:]),
    "comma.csv.zst": lambda table: _zstd(_csv(table)),
    "lines.ndjson": _ndjson,
    "lines.jsonl.gz": lambda table: gzip.compress(_ndjson(table)),
    "lines.json.zstd": lambda table: _zstd(_ndjson(table)),
    "mark.ndjson": lambda table: b"\xef\xbb\xbf" + _ndjson(table).removesuffix(b"\n"),
}


def _write(directory: Path, name: str, data: bytes) -> Path:
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def _read(uri: object, columns: list[str], from_row: int = 0) -> Rows:
    return [row for batch in _batches(uri, columns, from_row) for row in map(list, zip(*batch, strict=True))]


def _batches(uri: object, columns: list[str], from_row: int = 0) -> Iterator[Rows]:
    for batch in open_snapshot(str(uri), [Path("/")]).read(columns, from_row):
        assert batch.schema.names == columns
        assert batch.num_rows > 0
        yield [column.to_pylist() for column in batch.columns]


@pytest.mark.parametrize("name", _FORMATS)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    """So that a fingerprint does not depend on who wrote the snapshot."""
    table = _profiles()
    file = _write(tmp_path, name, _FORMATS[name](table))
    assert _read(file, _WANTED) == _texts(table)


@pytest.mark.parametrize("name", _FORMATS)
@pytest.mark.parametrize("from_row", [1, 5_000, 7_500, _ROWS - 1, _ROWS + 5])
def test_reading_goes_on_from_any_row(tmp_path: Path, name: str, from_row: int) -> None:
    """A producer that died reads on after the last chunk that it appended."""
    table = _profiles()
    file = _write(tmp_path, name, _FORMATS[name](table))
    assert _read(file, ["Email"], from_row) == [[row[0]] for row in _texts(table)[from_row:]]


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson", "csv.gz"])
def test_the_files_of_a_directory_are_one_snapshot(tmp_path: Path, ending: str) -> None:
    """Read in order of name, from any row on, a part without rows among them."""
    table = _profiles(1_000)
    write: dict[str, Callable[[pa.Table], bytes]] = {
        "parquet": lambda part: _parquet(part, 100),
        "csv": _csv,
        "ndjson": _ndjson,
        "csv.gz": lambda part: gzip.compress(_csv(part)),
    }
    for number, (begin, rows) in enumerate([(0, 300), (300, 0), (300, 1), (301, 699)]):
        _write(tmp_path, f"day={number}/part.{ending}", write[ending](table.slice(begin, rows)))
    expected = _texts(table)
    for from_row in (0, 299, 300, 301, 302, 999, 1_000):
        assert _read(tmp_path, _WANTED, from_row) == expected[from_row:]
    assert open_snapshot(str(tmp_path), [tmp_path]).columns()[:2] == ["Name", "Email"]


@pytest.mark.parametrize("name", _FORMATS)
def test_one_row_is_a_snapshot(tmp_path: Path, name: str) -> None:
    """The smallest segment is somebody's."""
    table = _profiles(2).slice(1)
    assert _read(_write(tmp_path, name, _FORMATS[name](table)), _WANTED) == _texts(table)


@pytest.mark.parametrize("name", _FORMATS)
def test_no_rows_is_an_error(tmp_path: Path, name: str) -> None:
    """A segment that is suddenly empty is more likely a mistake."""
    file = _write(tmp_path, name, _FORMATS[name](_profiles(0)))
    with pytest.raises(Empty, match=f"{name}: no rows"):
        _read(file, ["Email"])


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson", "a.csv.gz"])
def test_a_file_of_no_bytes_has_no_rows(tmp_path: Path, name: str) -> None:
    """Nor has one of no bytes, compressed."""
    with pytest.raises(Empty):
        _read(_write(tmp_path, name, gzip.compress(b"") if name.endswith(".gz") else b""), ["Email"])


@pytest.mark.parametrize("name", [name for name in _FORMATS if not name.startswith("blank")])
@pytest.mark.parametrize("part", [0.5, 0.999])
def test_a_file_that_was_cut_off_is_never_read_as_a_whole_one(tmp_path: Path, name: str, part: float) -> None:
    """Where a format can tell; a text that is cut between two rows looks whole."""
    data = _FORMATS[name](_profiles(1_000).select(["Email", "Name", "Unused"]))
    cut = data[: int(len(data) * part)]
    if not name.endswith((".gz", ".zst", ".zstd", ".parquet")):
        cut = cut[: cut.rfind(b"person") + 3]
    file = _write(tmp_path, name, cut)
    with pytest.raises((Truncated, BadRow), match=name):
        _read(file, ["Email"])


def test_a_damaged_page_is_named_with_the_rows_before_it(tmp_path: Path) -> None:
    """The footer is whole, what it points to is not."""
    data = bytearray(_parquet(_profiles(), 1_000))
    data[len(data) // 3 : len(data) // 2] = random.Random(7).randbytes(len(data) // 2 - len(data) // 3)
    with pytest.raises((Truncated, BadRow), match=r"damaged\.parquet"):
        _read(_write(tmp_path, "damaged.parquet", bytes(data)), _WANTED)


@pytest.mark.parametrize("name", _FORMATS)
def test_a_missing_column_is_named_beside_those_that_are_there(tmp_path: Path, name: str) -> None:
    """What a person needs to mend the mapping."""
    file = _write(tmp_path, name, _FORMATS[name](_profiles(10)))
    with pytest.raises(MissingColumn, match=rf"{name}: no column 'Mail', 'Fon'; there is 'Name', 'Email'"):
        _read(file, ["Email", "Mail", "Fon"])


@pytest.mark.parametrize("write", [_csv, lambda table: _parquet(table, 10)])
def test_files_with_different_columns_are_both_named(tmp_path: Path, write: Callable[[pa.Table], bytes]) -> None:
    """Before a single row is read."""
    ending = "csv" if write is _csv else "parquet"
    _write(tmp_path, f"a.{ending}", write(_profiles(3)))
    _write(tmp_path, f"b.{ending}", write(_profiles(3).drop_columns(["Unused"])))
    with pytest.raises(UnlikeColumns, match=rf"a\.{ending} and .*b\.{ending} .*'Unused'"):
        _read(tmp_path, ["Email"])


def test_a_key_that_only_some_lines_have_is_a_column(tmp_path: Path) -> None:
    """NDJSON leaves nulls out; only a key that no line of any part has is missing."""
    _write(tmp_path, "a.ndjson", b'{"e":"a"}\n')
    _write(tmp_path, "b.ndjson", b'{"e":"b","n":"B"}\n')
    assert _read(tmp_path, ["e", "n"]) == [["a", None], ["b", "B"]]


def test_the_values_of_ndjson_have_the_text_of_arrows(tmp_path: Path) -> None:
    """Lists, numbers and booleans, mixed in one column."""
    values = ['"x"', "true", "false", "7", "7.0", "7.25", '["a",null,"b",1]', "[]", "null", '""']
    file = _write(tmp_path, "a.ndjson", "".join(f'{{"v":{value}}}\n' for value in values).encode())
    texts = ["x", "true", "false", "7", "7", "7.25", "||a||b||1||", None, None, None]
    assert [row[0] for row in _read(file, ["v"])] == texts


_BAD: dict[str, tuple[str, bytes, type[SnapshotError], str]] = {
    "too few fields": ("a.csv", b"e,n\na,b\nc\nd,e\n", BadRow, "row 2: 1 columns where the header has 2"),
    "too many fields": ("a.csv", b"e,n\n\na,b\n\nc,d,x\n", BadRow, "row 2: 3 columns where the header has 2"),
    "too few far down": ("a.csv", b"e,n\n" + b"aaaa,b\n" * 400_000 + b"c\n", BadRow, "row 400001: 1 columns"),
    "an open quote": ("a.csv", b'n,e\na,b\nc,"d\ne,f\n', Truncated, "quote is never closed"),
    "an open quote at the end": ("a.csv", b'e,n\na,b\nc,"', Truncated, "quote is never closed"),
    "an open quote before much": ("a.csv", b'e,n\na,"\n' + b"a,b\n" * 900_000, BadRow, "row 1: .*quote is not closed"),
    "an open quote in the header": ("a.csv", b'e,"n\n' + b"a,b\n" * 90_000, UnclearColumns, "a quote in it"),
    "a long row": ("a.csv", b"e,n\na," + b"x" * (3 << 20) + b"\n", BadRow, "row 1: .*1048576 bytes"),
    "no UTF-8 in a field": ("a.csv", b"e,n\na,b\nc,\xff\n", BadRow, "row 2, column 'n': not UTF-8"),
    "no UTF-8 in the header": ("a.csv", b"e,\xe9\na,b\n", UnclearColumns, "not UTF-8"),
    "UTF-16": ("a.csv", "e,n\na,b\n".encode("utf-16"), Unsupported, "UTF-16"),
    "a column twice": ("a.csv", b"e,n,n\na,b,c\n", UnclearColumns, "two columns 'n'"),
    "a line that is no JSON": ("a.ndjson", b'{"e":1,"n":2}\n{"e":}\n{"e":1}\n', BadRow, "row 2: not JSON"),
    "a line that ends early": ("a.ndjson", b'{"e":1,"n":2}\n{"e":1,"', Truncated, "middle of row 2"),
    "a line that is no object": ("a.ndjson", b'{"e":1,"n":2}\n7\n', BadRow, "row 2: not a JSON object"),
    "an array": ("a.json", b'[\n{"e":1,"n":2}\n]\n', BadRow, "one object a line"),
    "a long line": ("a.ndjson", b'{"e":1,"n":2}\n{"e":"' + b"x" * (3 << 20), BadRow, "row 2: .*1048576 bytes"),
    "no UTF-8 in a line": ("a.ndjson", b'{"e":1,"n":2}\n{"e":"\xff"}\n', BadRow, "row 2"),
    "a lone surrogate": ("a.ndjson", b'{"e":"\\ud800","n":2}\n', BadRow, "row 1"),
    "an object in a field": ("a.ndjson", b'{"e":1,"n":2}\n{"e":1,"n":{}}\n', BadRow, "row 2, column 'n': an object"),
    "a list in a list": ("a.ndjson", b'{"e":1,"n":[[1]]}\n', BadRow, "row 1, column 'n': a list within"),
    "a number too long": ("a.ndjson", b'{"e":1,"n":123456789012345678901}\n', BadRow, "row 1, column 'n': a number"),
}  # fmt: skip


@pytest.mark.parametrize("case", _BAD)
def test_what_is_wrong_is_named_by_file_row_and_column(tmp_path: Path, case: str) -> None:
    """The run fails with that message before anything is sent."""
    name, data, error, message = _BAD[case]
    with pytest.raises(error, match=message) as caught:
        _read(_write(tmp_path, name, data), ["e", "n"])
    assert str(tmp_path / name) in str(caught.value)


def test_a_parquet_file_that_calls_bytes_text_is_found_out(tmp_path: Path) -> None:
    """Nothing that is not UTF-8 gets past the reader."""
    octets = pa.array([b"fine"] * 6_000 + [b"\xff"])
    column = pa.Array.from_buffers(pa.string(), len(octets), octets.buffers())
    file = _write(tmp_path, "a.parquet", _parquet(pa.table({"e": column}), 1_000))
    with pytest.raises(BadRow, match="row 6001, column 'e': not UTF-8"):
        _read(file, ["e"])
    with pytest.raises(BadRow, match="row 6001, column 'e': not UTF-8"):
        _read(file, ["e"], from_row=3_500)


def test_parquet_columns_that_cannot_be_text_are_refused_and_dots_in_names_are_not(tmp_path: Path) -> None:
    """A struct has no text; `address.city` is a name like another."""
    table = pa.table({"s": [{"a": "b"}], "address.city": ["Graz"], "l": [["a", "b"]]})
    file = _write(tmp_path, "a.parquet", _parquet(table, 1))
    assert _read(file, ["address.city", "l"]) == [["Graz", "||a||b||"]]
    with pytest.raises(TextlessColumn, match="column 's': the type struct"):
        _read(file, ["s"])


def test_a_parquet_value_that_is_too_long_is_named(tmp_path: Path) -> None:
    """Rows wait in memory by the thousand."""
    table = pa.table({"e": ["a", "b" * ((1 << 20) + 1)]})
    with pytest.raises(BadRow, match="row 2, column 'e': longer than 1048576 bytes"):
        _read(_write(tmp_path, "a.parquet", _parquet(table, 10)), ["e"])


def test_wide_parquet_rows_come_in_smaller_batches(tmp_path: Path) -> None:
    """What is in memory is bounded by bytes as well as by rows."""
    table = pa.table({"e": [f"{at:0100000}" for at in range(1_000)]})
    file = tmp_path / "a.parquet"
    pq.write_table(table, file, use_dictionary=False, compression="none")
    assert max(len(batch[0]) for batch in _batches(file, ["e"])) < 200


def test_a_first_line_that_holds_an_address_is_no_header_and_is_not_repeated(tmp_path: Path) -> None:
    """An error message ends in a log."""
    with pytest.raises(UnclearColumns) as caught:
        _read(_write(tmp_path, "a.csv", b"ann@example.org,Ann\nbob@example.org,Bob\n"), ["Email"])
    assert "ann" not in str(caught.value)


@pytest.mark.parametrize("case", [case for case in _BAD if case.startswith("too")])
def test_no_error_repeats_a_row(tmp_path: Path, case: str) -> None:
    """Not even by the error that caused it, which a traceback would print."""
    _, data, _, _ = _BAD[case]
    with pytest.raises(BadRow) as caught:
        _read(_write(tmp_path, "a.csv", data.replace(b"c", b"secret")), ["e", "n"])
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_formats_are_told_by_the_ending_and_not_mixed(tmp_path: Path) -> None:
    """A file that we do not know must not be left out silently."""
    _write(tmp_path, "a.csv", b"e\nx\n")
    unknown = _write(tmp_path, "b.xlsx", b"")
    with pytest.raises(Unsupported, match=r"b\.xlsx"):
        open_snapshot(str(tmp_path), [tmp_path])
    unknown.rename(tmp_path / "b.ndjson")
    with pytest.raises(Unsupported, match="different formats"):
        open_snapshot(str(tmp_path), [tmp_path])
    (tmp_path / "b.ndjson").rename(tmp_path / "b.parquet.gz")
    with pytest.raises(Unsupported, match="unpack"):
        open_snapshot(f"{tmp_path}/b.parquet.gz", [tmp_path])


def test_a_compressed_file_is_told_by_its_bytes(tmp_path: Path) -> None:
    """Downloads often unpack, or do not, without a change of name."""
    assert _read(_write(tmp_path, "a.csv", gzip.compress(b"e\nx\n")), ["e"]) == [["x"]]
    assert _read(_write(tmp_path, "b.csv.gz", b"e\nx\n"), ["e"]) == [["x"]]


def test_a_pin_tells_a_file_that_changed(tmp_path: Path) -> None:
    """By size, by time and by what files there are."""
    file = _write(tmp_path, "a.csv", b"e\nx\n")
    snapshot = open_snapshot(str(tmp_path), [tmp_path])
    pin = snapshot.pin()
    assert open_snapshot(str(tmp_path), [tmp_path]).pin() == pin
    assert len(pin.text) < 80
    snapshot.verify(pin)
    os.utime(file, ns=(1, 1))
    with pytest.raises(SnapshotChanged):
        snapshot.verify(pin)
    _write(tmp_path, "b.csv", b"e\ny\n")
    with pytest.raises(SnapshotChanged):
        open_snapshot(str(tmp_path), [tmp_path]).verify(snapshot.pin())
    file.unlink()
    with pytest.raises(Missing):
        snapshot.pin()


def test_a_file_that_grows_while_it_is_read_is_found_out(tmp_path: Path) -> None:
    """What was read until then belongs to no refresh."""
    file = _write(tmp_path, "a.csv", b"e\n" + b"x\n" * 2_000_000)
    batches = open_snapshot(str(file), [tmp_path]).read(["e"])
    next(batches)
    with file.open("ab") as grown:
        grown.write(b"y\n")
    with pytest.raises(SnapshotChanged, match=r"a\.csv"):
        list(batches)
