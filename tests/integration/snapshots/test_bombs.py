"""Files that would unpack to more than a machine holds are refused while there is still room, each in its own process."""

import gzip
import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from producer.snapshots import open_snapshot

MOST_MIB: Final = 160
"""Beyond what the libraries take that are loaded before. A batch may be 16 MiB, and is held a few times over."""

PROGRAM: Final = """
import os, re, sys
from pathlib import Path
from producer.snapshots import SnapshotError, open_snapshot

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

file, before, rows = Path(sys.argv[1]), peak(), 0
try:
    for batch in open_snapshot(str(file), [file.parent]).read(["e", "n"]):
        rows += batch.num_rows
except SnapshotError as error:
    print(type(error).__name__, len(str(error)), end=" ")
else:
    print("read", rows, end=" ")
print(peak() - before, flush=True)
os._exit(0)  # a thread of Arrow's that is still reading would abort an interpreter that is going down
"""

ROWS: Final = b"ann@example.org,n\n" * (1 << 22)
LINES: Final = (b'{"e":"ann@example.org","n":"%s"}\n' % (b"x" * 4_000)) * (1 << 14)
ZEROS: Final = bytes(1 << 26)


def _gzip(*parts: bytes) -> bytes:
    packed = {part: gzip.compress(part, 6) for part in set(parts)}
    return b"".join(packed[part] for part in parts)


def _zstd(*parts: bytes) -> bytes:
    packed = {part: pa.Codec("zstd").compress(part).to_pybytes() for part in set(parts)}
    return b"".join(packed[part] for part in parts)


def _sparse(beginning: bytes, end: bytes = b"") -> Callable[[Path], None]:
    def write(file: Path) -> None:
        with file.open("wb") as opened:
            opened.write(beginning)
            opened.truncate(1 << 30)
            opened.seek(-len(end), 2)
            opened.write(end)

    return write


def _bytes(make: Callable[[], bytes]) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        file.write_bytes(make())

    return write


def _parquet(make: Callable[[], pa.Table], **options: object) -> Callable[[Path], None]:
    return lambda file: pq.write_table(make(), file, compression="zstd", **options)


def _one_value_a_million_times() -> pa.Table:
    coded = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["a" * (1 << 20)]))
    return pa.table({"e": coded, "n": coded})


def _lists_of_one_value() -> pa.Table:
    coded = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["a" * (1 << 20)]))
    lists = pa.ListArray.from_arrays(pa.array(range(0, 1_000_001, 10), pa.int32()), coded)
    return pa.table({"e": lists, "n": lists})


def _nested(depth: int) -> pa.Table:
    kind = pa.string()
    for _ in range(depth):
        kind = pa.list_(kind)
    return pa.table({"e": pa.array([None], kind), "n": ["a"]})


BOMBS: Final[dict[str, tuple[str, Callable[[Path], None], str]]] = {
    "rows in gzip": ("a.csv.gz", _bytes(lambda: _gzip(b"e,n\n", *[ROWS] * 6)), "Swollen"),
    "rows in zstd": ("a.csv.zst", _bytes(lambda: _zstd(b"e,n\n", *[ROWS] * 6)), "Swollen"),
    "lines in gzip": ("a.ndjson.gz", _bytes(lambda: _gzip(*[LINES] * 6)), "Swollen"),
    "a line in gzip": ("a.csv.gz", _bytes(lambda: _gzip(b"e,n\na,b\nc,", *[ZEROS] * 16)), "BadRow"),
    "a line of JSON in gzip": ("a.ndjson.gz", _bytes(lambda: _gzip(b'{"e":"', *[ZEROS] * 16)), "BadRow"),
    "a header in gzip": ("a.csv.gz", _bytes(lambda: _gzip(*[ZEROS] * 16)), "UnclearColumns"),
    "a line of a gibibyte": ("a.csv", _sparse(b"e,n\na,b\nc,"), "BadRow"),
    "a quote over a gibibyte": ("a.csv", _sparse(b'e,n\na,b\nc,"'), "BadRow"),
    "a line of JSON of a gibibyte": ("a.ndjson", _sparse(b'{"e":"a","n":"b"}\n{"e":"'), "BadRow"),
    "a million columns": (
        "a.csv",
        _bytes(lambda: b",".join(b"c%d" % number for number in range(1_000_000))),
        "UnclearColumns",
    ),
    "a million keys": (
        "a.ndjson",
        _bytes(lambda: json.dumps(dict.fromkeys(map(str, range(1_000_000)), 1)).encode() + b"\n"),
        "BadRow",
    ),
    "many keys in every line": (
        "a.ndjson",
        _bytes(lambda: (json.dumps(dict.fromkeys(map(str, range(80_000)), 1)).encode() + b"\n") * 10),
        "MissingColumn",
    ),
    "deep JSON": ("a.ndjson", _bytes(lambda: b'{"e":' + b"[" * 500_000 + b"]" * 500_000 + b"}\n"), "BadRow"),
    "a footer of a gibibyte": (
        "a.parquet",
        _sparse(b"PAR1", struct.pack("<I", (1 << 30) - 12) + b"PAR1"),
        "Swollen",
    ),
    "a value of 160 MiB": (
        "a.parquet",
        _parquet(lambda: pa.table({"e": pa.array(["a" * (160 << 20)], pa.large_string()), "n": ["x"]}), use_dictionary=False),
        "Swollen",
    ),
    "one value for a million rows": ("a.parquet", _parquet(_one_value_a_million_times), "Swollen"),
    "lists of one value": ("a.parquet", _parquet(_lists_of_one_value), "Swollen|BadRow"),
    "nothing in forty million rows": (
        "a.parquet",
        _parquet(lambda: pa.table({"e": pa.nulls(40_000_000, pa.string()), "n": pa.nulls(40_000_000, pa.string())})),
        "Swollen",
    ),
    "deep lists": ("a.parquet", _parquet(lambda: _nested(200)), "Truncated"),
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process's memory is read from /proc")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_within_bounded_memory(tmp_path: Path, bomb: str) -> None:
    """With an error of ours that a record can hold; whatever it would have unpacked to."""
    name, write, expected = BOMBS[bomb]
    file = tmp_path / name
    write(file)
    command = [sys.executable, "-c", PROGRAM, str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr
    error, characters, mib = ended.stdout.split()
    assert re.fullmatch(expected, error), ended.stdout
    assert int(characters) < 10_000
    assert int(mib) < MOST_MIB


def test_what_shrinks_well_and_is_no_bomb_is_read(tmp_path: Path) -> None:
    """Names that are all the same, tags for everybody, and a column that is empty."""
    people = 300_000
    table = pa.table(
        {
            "e": [f"person{number}@example.org" for number in range(people)],
            "n": pa.array(["United Kingdom of Great Britain and Northern Ireland" * 4] * people),
            "tags": pa.array([["vip", "newsletter"]] * people),
            "empty": pa.nulls(people, pa.string()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    text = "".join(f"person{number}@example.org;{'x' * 200};vip;\n" for number in range(people))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"e;n;tags;empty\n" + text.encode(), 9))
    (tmp_path / "a.csv.zst").write_bytes(_zstd(b"e;n;tags;empty\n" + text.encode()))
    for name in ("a.parquet", "a.csv.gz", "a.csv.zst"):
        batches = open_snapshot(str(tmp_path / name), [tmp_path]).read(["e", "n", "tags", "empty"])
        assert sum(batch.num_rows for batch in batches) == people
