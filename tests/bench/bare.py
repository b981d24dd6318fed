"""The bare parts of an export, each alone: what reading, encoding, ringing and posting cost without any of our promises."""

import asyncio
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from time import monotonic, process_time
from typing import Final

import orjson
from pyarrow import parquet

from deploy.local.stack import ROOT
from tests.bench.people import COLUMNS
from tests.bench.place import LIST, Account, Place
from wire.activecampaign.requests import MAX_CONTACTS

POSTERS: Final = 16
"""Requests under way at a time in each posting process, as many as a worker of the local stack has threads."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The seconds that each part took, and of the processor all of them together; what they ask of others is not in it."""

    parquet: float
    json: float
    bells: float
    posting: float
    processor: float

    @property
    def seconds(self) -> float:
        """All of them, one after the other."""
        return sum(self.document().values())

    def document(self) -> dict[str, float]:
        """The seconds by what they were spent on."""
        return {name: seconds for name, seconds in asdict(self).items() if name != "processor"}


async def bare_parts(there: Place, account: Account, snapshot: Path, *, processes: int) -> Parts:
    """Time the parts for the rows of a snapshot; posting and bells in so many processes."""
    _exhaust(_read(snapshot))  # the first time also loads the library
    worked, began = process_time(), monotonic()
    _exhaust(_read(snapshot))
    read, read_worked = monotonic() - began, process_time() - worked
    worked, began = process_time(), monotonic()
    bodies = list(_bodies(snapshot))
    encoded = monotonic() - began - read  # what is encoded has to be read again
    processor = max(process_time() - worked, read_worked)
    shares = [_share(snapshot.parent / f"bodies-{number}", bodies[number::processes]) for number in range(processes)]
    ring = [there.queue_url, str(len(bodies) // processes)]
    bells, ringing = await _side_by_side("tests.bench.ringing", [ring] * processes)
    posts = [[account.host, there.key, str(share), str(POSTERS)] for share in shares]
    posting, posted = await _side_by_side("tests.bench.posting", posts)
    return Parts(read, encoded, bells, posting, processor + ringing + posted)


def _exhaust(batches: Iterator[object]) -> None:
    deque(batches, maxlen=0)


def _read(snapshot: Path) -> Iterator[list[dict[str, str]]]:
    with parquet.ParquetFile(snapshot) as file:
        for batch in file.iter_batches(batch_size=5_000, columns=list(COLUMNS)):
            yield batch.to_pylist()


def _bodies(snapshot: Path) -> Iterator[bytes]:
    contacts = (
        {
            "email": row["Email"],
            "first_name": row["FirstName"],
            "last_name": row["LastName"],
            "phone": row["Phone"],
            "subscribe": [{"listid": LIST}],
            "exclude_automations": True,
        }
        for rows in _read(snapshot)
        for row in rows
    )
    while chunk := list(islice(contacts, MAX_CONTACTS)):
        yield orjson.dumps({"contacts": chunk, "exclude_automations": True})


def _share(file: Path, bodies: list[bytes]) -> Path:
    file.write_bytes(b"\n".join(bodies))
    return file


async def _side_by_side(module: str, arguments: list[list[str]]) -> tuple[float, float]:
    """Run processes of a module at the same time; return the longest of the times that they print, and their work together."""
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *each, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ
        )
        for each in arguments
    ]
    told = [await each.communicate() for each in started]
    if any(each.returncode for each in started):
        raise RuntimeError(f"{module} failed")
    times, works = zip(*(map(float, out.split()) for out, _ in told), strict=True)
    return max(times), sum(works)
