"""The trail of changes and decisions: who did what, on what, from where, and what it was before; appended to, never changed.

A change is noted by the very script that makes it (`scripts/lib/audit.lua`), so that there is neither a change without its
entry nor an entry without its change, whatever breaks off. What changes nothing (a person was explained, somebody logged in,
a rotation came to its end) is noted by a script of its own before it is answered. What the system decides by itself stands
there under the name `system`.

No secret comes in: of a key it is said that there is another, of a token its name. No address comes in either: whoever was
forgotten or explained is there as the keyed hash that `producer.people.suppression` knows them by, so that nothing is to be erased here.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from wire.chunk_queue.run import Ending, RunState, ended_as
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store

READ_AT_ONCE: Final = 1_000
DAY_MS: Final = 86_400_000


class AuditedAction(StrEnum):
    """Everything that the trail tells."""

    CONNECTION_CREATED = "connection.created"
    CONNECTION_CHANGED = "connection.changed"
    CONNECTION_DELETED = "connection.deleted"
    CONNECTION_RESEALED = "connection.resealed"
    CONNECTION_BLOCKED = "connection.blocked"
    CONNECTION_UNBLOCKED = "connection.unblocked"
    EXPORT_CREATED = "export.created"
    EXPORT_CHANGED = "export.changed"
    EXPORT_DELETED = "export.deleted"
    EXPORT_DETACHED = "export.detached"
    RUN_OPENED = "run.opened"
    RUN_PAUSED = "run.paused"
    RUN_RESUMED = "run.resumed"
    RUN_CANCELLED = "run.cancelled"
    RUN_BLOCKED = "run.blocked"
    RUN_UNBLOCKED = "run.unblocked"
    RUN_ENDED = "run.ended"
    TOKEN_ISSUED = "token.issued"  # noqa: S105  a word of the trail
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  a word of the trail
    SECRETS_ROTATED = "secrets.rotated"
    CONTACT_FORGOTTEN = "contact.forgotten"
    CONTACT_EXPLAINED = "contact.explained"
    SESSION_OPENED = "session.opened"
    SESSION_CLOSED = "session.closed"
    EVENT_DEAD = "event.dead"
    EXPORT_HEALTH = "export.health"
    NOTIFICATION_CREATED = "notification.created"
    NOTIFICATION_CHANGED = "notification.changed"
    NOTIFICATION_DELETED = "notification.deleted"
    NOTIFICATION_REDELIVERED = "notification.redelivered"
    NOTIFICATION_RESEALED = "notification.resealed"


class AuditedKind(StrEnum):
    """What an entry can be about."""

    CONNECTION = "connection"
    EXPORT = "export"
    RUN = "run"
    TOKEN = "token"  # noqa: S105  a word of the trail
    SECRETS = "secrets"
    CONTACT = "contact"
    SESSION = "session"
    EVENT = "event"
    NOTIFICATION = "notification"


@dataclass(frozen=True, slots=True)
class Author:
    """Who does something: name and role, the address they ask from, and by what (`api`, `page`, a command)."""

    name: str
    role: str
    remote: str = ""
    via: str = ""


SYSTEM: Final = Author("system", "system")
"""Who decides what nobody asked for."""

Changes = Mapping[str, tuple[Any, Any]]
"""From a field, by dotted names, to what it was and what it is; None: it was not, or is not, there."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry; `id` orders them, `at` in milliseconds since 1970 by the store's clock.

    `what` and `kind` are read as they were written: an older program than the one that wrote them reads the trail, too.
    """

    id: str
    at: int
    who: Author
    what: str
    kind: str
    name: str
    object_id: str
    run: str
    changes: Changes = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


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


def author_as_text(
    by: Author, *, changes: Changes | None = None, facts: Mapping[str, Any] | None = None, **said: str
) -> str:
    """Write what Python says of an entry, as the scripts take it: names and text."""
    words = {"who": by.name, "role": by.role, "remote": by.remote, "via": by.via} | said
    if changes:
        words["changes"] = codec.text(dict(changes))
    if facts:
        words["facts"] = codec.text(dict(facts))
    return codec.text({name: word for name, word in words.items() if word})


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Tell two documents apart, field by field, those of what is nested by dotted names."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return {
        name: (old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }


def entry_from(entry_id: str, fields: Mapping[str, bytes]) -> AuditEntry:
    """Read an entry as it is kept."""

    def text(name: str) -> str:
        return fields.get(name, b"").decode()

    what = text("what")
    facts = codec.decode(fields.get("facts", b"{}"))
    changes = {name: (old, new) for name, (old, new) in codec.decode(fields.get("changes", b"{}")).items()}
    if "was" in fields:
        changes |= differences(audit_text(codec.decode(fields["was"])), {})
    return AuditEntry(
        id=entry_id,
        at=int(entry_id.partition("-")[0]),
        who=Author(text("who"), text("role"), text("remote"), text("via")),
        what=what,
        kind=text("kind"),
        name=text("name"),
        object_id=text("id"),
        run=text("run"),
        changes=changes,
        facts=_ended(facts) if what == AuditedAction.RUN_ENDED else facts,
    )


def _ends(wanted: AuditFilter) -> tuple[str, str]:
    """Between which ids the wanted entries are: an id begins with the store's milliseconds."""
    return "-" if wanted.since is None else str(wanted.since), "+" if wanted.until is None else str(wanted.until)


def _leaves(document: Mapping[str, Any], path: str = "") -> Sequence[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in document.items():
        place = f"{path}.{name}" if path else name
        found += _leaves(value, place) if isinstance(value, Mapping) and value else [(place, value)]
    return found


def audit_text(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a document what says nothing of a change: the entry itself has the id and the time."""
    return {name: value for name, value in document.items() if name not in {"id", "created", "changed"}}


def _ended(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Say what the end of a run is called, and its books."""

    def number(name: str) -> int:
        return int(facts.get(name, 0))

    fates = ("applied", "refused", "unconfirmed", "unsent")
    short = sum(number(prefix + name) for prefix in ("", "leaving_") for name in fates[1:])
    ending = Ending(facts["ending"]) if "ending" in facts else None
    amiss = short + number("unmatched") + number("unbalanced") > 0
    state: RunState = ended_as(ending, is_short=amiss, dry_run=facts.get("dry_run") == "1")
    said: dict[str, Any] = {"state": state} | {name: number(name) for name in ("selected", *fates)}
    if "error" in facts:
        said["error"] = facts["error"]
    return said
