"""What storms are made of: accounts that are stricter than they need be, and a segment with everybody who is a trouble."""

import gzip
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from tests.end_to_end.accounts import Account

Row = dict[str, Any]

GOOD: Final = 8000

MAPPING: Final = {
    "email": "Email",
    "first_name": "First",
    "last_name": "Last",
    "phone": "Phone",
    "fields": {"7": "Tier", "8": "Joined"},
    "tags": ["vip"],
}

HOSTILE_BUT_GOOD: Final = (
    "o_o+tag/slash=1{x}|y~z!#$%&*?^`@example.com",
    "jürgen@example.com",
    "UPPER.case@EXAMPLE.COM",
    "=cmd@example.com",
    "-2+3@example.com",
    "person@xn--bcher-kva.example",
    "person@bücher-laden.example",
    f"{'a' * 64}@example.com",
    "x@a.co",
)
"""Odd addresses that the importer's published rules take."""

HOSTILE: Final = (
    *(
        "@example.com",
        "nobody",
        "two@@example.com",
        "a b@example.com",
        '"quoted"@example.com',
        "x@nodot",
        "x@example.c",
    ),
    *("x@exam_ple.com", "x@example..com", "x@.example.com", "brackets[1]@example.com", "a,b@example.com"),
    *(
        "x@example.com\nBcc: everybody@example.com",
        "nul\x00byte@example.com",
        f"{'a' * 260}@example.com",
        "x@127.0.0.1",
    ),
    *("\u202emoc.elpmaxe@x", "😀@😀", "<script>@example.com", "a\\b@example.com", "x@example.com.", ".dot@example.com"),
)
"""Addresses that it does not take, or that are none."""

REFUSED_AT_POST: Final = tuple(f"refused{number}@example.com" for number in range(12))
"""They keep every published rule, and only the answer refuses them: seven in one chunk, the others anywhere."""

REFUSED_LATER: Final = ("late'one@example.com", "late'two@example.com")
OPTED_OUT: Final = ("out1@example.com", "out2@example.com")
EXCLUDED: Final = ("excluded@example.com",)
REFUSED: Final = {*REFUSED_AT_POST, *REFUSED_LATER, *OPTED_OUT, *EXCLUDED}

KINDS: Final = (
    *("forbidden", "throttled", "500", "502", "503", "504"),
    *("reset_before", "reset_after", "cut", "silence", "empty"),
)
"""All but those that block at the first: their half minute is waited through in the storms of simulated time."""

LOST: Final = ("failed", "interrupted", "false", "unknown")
ALLOWANCE: Final = {
    "--imports-per-minute": "430",
    "--single-imports-per-minute": "86",
    "--requests-per-second": "29",
}
"""A seventh of what we believe."""


def storm(name: str, *options: str, seed: int) -> Account:
    """An account with 15 % faults of every kind, and a tenth of its batches lost."""
    rules = [f"{kind}:{0.15 / len(KINDS):.4f}" for kind in KINDS]
    return Account(
        name,
        *(word for pair in ALLOWANCE.items() for word in pair),
        *(word for rule in rules for word in ("--faults", rule)),
        *(word for kind in LOST for word in ("--batch-faults", f"{kind}:{0.1 / len(LOST)}")),
        *("--police-retry-after", "refuse", "--retry-after-seconds", "4", "--edge-retry-seconds", "4"),
        *("--silence-seconds", "3", "--batch-seconds", "0.2:1", "--named", "first"),
        *("--refuse-at-post", "^refused", "--refuse-later", "^late", "--keep-bodies", "--seed", str(seed)),
        *options,
    )


STORMS: Final = {
    "throttles-400": ("--throttle", "400", "--odd-counts", "--index-base", "0"),
    "throttles-429": ("--throttle", "429", "--retry-after", "date", "--failure-case", "upper"),
    "throttles-503": ("--throttle", "503", "--success-key", "success", "--success-ids", "all"),
}
CALM: Final = ("--imports-per-minute", "3000", "--single-imports-per-minute", "600", "--requests-per-second", "200")


def people() -> list[Row]:
    """The segment: good people, and among them everybody who is a trouble."""
    emails = [f"person{number}@example.com" for number in range(GOOD)]
    troubles = [*REFUSED_AT_POST[7:], *REFUSED_LATER, *OPTED_OUT, *EXCLUDED, *HOSTILE, *HOSTILE_BUT_GOOD]
    for number, email in enumerate(troubles):
        emails.insert(1000 + number * 61, email)
    emails[500:500] = REFUSED_AT_POST[:7]
    return _rows(emails)


def good_people(count: int) -> list[Row]:
    """So many whom nothing is wrong with."""
    return _rows([f"person{number}@example.com" for number in range(count)])


def _rows(emails: Sequence[str]) -> list[Row]:
    return [
        {
            "Email": email,
            "First": "Zoë",
            "Last": f"Nguyễn {number}",
            "Phone": "+44 20 7946 0123",
            "Tier": number % 4,
            "Joined": date(2026, 1, 1 + number % 28),
        }
        for number, email in enumerate(emails)
    ]


def csv_file(file: Path, rows: Sequence[Row]) -> Path:
    """With a byte order mark, semicolons, and every field quoted."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    text = "\r\n".join(";".join(f'"{str(value).replace(chr(34), chr(34) * 2)}"' for value in line) for line in lines)
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    return file


def parquet_file(file: Path, rows: Sequence[Row]) -> Path:
    """With typed columns."""
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("Email", "First", "Last", "Phone")),
            ("Tier", pa.float64()),
            ("Joined", pa.date32()),
        ]
    )
    pq.write_table(pa.Table.from_pylist(list(rows), schema), file)
    return file


def ndjson_folder(folder: Path, rows: Sequence[Row]) -> Path:
    """Three gzipped files."""
    folder.mkdir()
    for part in range(3):
        text = "".join(json.dumps(row | {"Joined": str(row["Joined"])}) + "\n" for row in rows[part::3])
        (folder / f"part-{part}.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def encoded(event: dict[str, Any]) -> bytes:
    """An event as it is appended to the stream."""
    return json.dumps(event).encode()
