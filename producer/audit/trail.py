"""The trail of changes and decisions: who did what, on what, from where, and what it was before; appended to, never changed.

A change is noted by the very script that makes it (`scripts/lib/audit.lua`), so that there is neither a change without its
entry nor an entry without its change, whatever breaks off. What changes nothing (a person was explained, somebody logged in,
a rotation came to its end) is noted by a script of its own before it is answered. What the system decides by itself stands
there under the name `system`.

No secret comes in: of a key it is said that there is another, of a token its name. No address comes in either: whoever was
forgotten or explained is there as the keyed hash that `producer.people.suppression` knows them by, so that nothing is to be erased here.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from producer.audit.entry import AuditedAction, AuditedKind, AuditEntry, Author, author_as_text, entry_from
from wire.process.units import DAY_MS
from wire.store.keys import key
from wire.store.redis import Store

READ_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted: all for which everything holds that is said; times in milliseconds, both included.

    `what` is a word of the trail or the part of it before the dot.
    """

    who: str = ""
    what: str = ""
    kind: str = ""
    name: str = ""
    run: str = ""
    since: int | None = None
    until: int | None = None

    def holds(self, entry: AuditEntry) -> bool:
        """Whether an entry is wanted."""
        if (self.since is not None and entry.at < self.since) or (self.until is not None and entry.at > self.until):
            return False
        return (
            self.who in {"", entry.who.name}
            and self.what in {"", entry.what, entry.what.partition(".")[0]}
            and self.kind in {"", entry.kind}
            and self.name in {"", entry.name}
            and self.run in {"", entry.run}
        )


class Audit:
    """Reads the trail, notes what no other script notes, and lets go of what is too old."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(
        self,
        what: AuditedAction,
        by: Author,
        *,
        kind: AuditedKind,
        name: str = "",
        object_id: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Note what is no change of the record; on disk when it returns."""
        said = author_as_text(by, facts=facts, what=what, kind=kind, name=name, id=object_id)
        await self._store.keep("note", said)

    async def entries(self, wanted: AuditFilter, *, before: str = "") -> AsyncGenerator[AuditEntry, None]:
        """Read the wanted entries, the newest first, those older than the one whose id is `before`."""
        oldest, newest = _ends(wanted)
        newest = f"({before}" if before else newest
        while found := await self._store.entries(key("audit"), newest, READ_AT_ONCE, oldest=oldest):
            for entry in (entry_from(*one) for one in found):
                if wanted.holds(entry):
                    yield entry
            newest = f"({found[-1][0]}"

    async def oldest_first(self, wanted: AuditFilter, *, after: str = "") -> AsyncGenerator[AuditEntry, None]:
        """Read the wanted entries, the oldest first, those newer than the one whose id is `after`."""
        oldest, newest = _ends(wanted)
        oldest = f"({after}" if after else oldest
        while found := await self._store.entries(key("audit"), newest, READ_AT_ONCE, oldest=oldest, oldest_first=True):
            for entry in (entry_from(*one) for one in found):
                if wanted.holds(entry):
                    yield entry
            oldest = f"({found[-1][0]}"

    async def trim(self, days: float) -> int:
        """Drop what is older than so many days; return how many entries that were."""
        return int(await self._store.run("trim_audit", round(days * DAY_MS)))


def _ends(wanted: AuditFilter) -> tuple[str, str]:
    """Between which ids the wanted entries are: an id begins with the store's milliseconds."""
    return "-" if wanted.since is None else str(wanted.since), "+" if wanted.until is None else str(wanted.until)
