"""An entry of the audit trail: who did what, to what, with what difference. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from wire.chunk_queue.run import Ending, RunState, ended_as
from wire.store import codec


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
