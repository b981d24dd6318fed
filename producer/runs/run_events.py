"""What happened to runs, each told once: scripts note it in the step in which it happens, and whoever takes it tells it.

Any process may be the one that ends a run, and two may believe that they did; the record knows, so it keeps the news. What
was taken by a producer that was killed before it wrote the line is not told again.
"""

from dataclasses import dataclass
from typing import Final, Literal

from wire.store.redis import Store

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class RunEvent:
    """What happened to a run; `code` says why, where it was blocked."""

    what: Literal["opened", "closed", "blocked", "unblocked"]
    run: str
    code: str | None = None


async def take_news(store: Store) -> list[RunEvent]:
    """Take what was not told yet, the oldest first, at most `AT_ONCE`."""
    found = []
    for line in await store.run("take_news", AT_ONCE):
        what, run, *code = line.decode().split(" ")
        found.append(RunEvent(what, run, *code))
    return found
