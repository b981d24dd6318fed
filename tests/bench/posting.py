"""`python -m tests.bench.posting HOST KEY FILE POSTERS`: posts each line of a file as an import and asks once after its batch.

It prints the seconds that took and those of the processor, without reading the file; it obeys no limit and counts nothing else.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, process_time
from typing import Final

from aiohttp import ClientSession, TCPConnector

OK: Final = 200


async def post_all(host: str, key: str, bodies: list[bytes], posters: int) -> tuple[float, float]:
    """Post the bodies, so many at a time; RuntimeError for any answer but a good one."""
    waiting = iter(bodies)
    headers = {"Api-Token": key, "Content-Type": "application/json"}
    async with ClientSession(f"http://{host}", headers=headers, connector=TCPConnector(limit=posters)) as session:
        worked, began = process_time(), monotonic()
        await asyncio.gather(*(_post(session, waiting) for _ in range(posters)))
        return monotonic() - began, process_time() - worked


async def _post(session: ClientSession, waiting: Iterator[bytes]) -> None:
    for body in waiting:
        async with session.post("/api/3/import/bulk_import", data=body) as answer:
            if answer.status != OK:
                raise RuntimeError(f"the account answered {answer.status}")
            batch = (await answer.json())["batchId"]
        async with session.get("/api/3/import/info", params={"batchId": batch}) as answer:
            await answer.json()


if __name__ == "__main__":
    host_, key_, file_, posters_ = sys.argv[1:]
    print(*asyncio.run(post_all(host_, key_, Path(file_).read_bytes().split(b"\n"), int(posters_))))  # noqa: T201  this is a command
