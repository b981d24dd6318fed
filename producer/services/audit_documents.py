"""What the API tells of the trail of changes and decisions."""

from typing import Any, Self

from pydantic import BaseModel

from producer.audit.entry import AuditEntry
from producer.services.documents import Timestamp, moment


class AuditDocument(BaseModel):
    """One change or decision.

    `who` is `system` where nobody asked, `remote` the address that was asked from, `via` what by. `changes` has what a field
    was and what it is, null where it was or is not there; `facts` what else belongs to it. Never a secret, and of a person
    only the keyed hash of their address.
    """

    id: str
    at: Timestamp
    who: str
    role: str
    remote: str | None
    via: str | None
    what: str
    kind: str
    name: str | None
    object_id: str | None
    run: str | None
    changes: dict[str, tuple[Any, Any]]
    facts: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Show an entry."""
        return cls(
            id=entry.id,
            at=moment(entry.at),
            who=entry.who.name,
            role=entry.who.role,
            remote=entry.who.remote or None,
            via=entry.who.via or None,
            what=entry.what,
            kind=entry.kind,
            name=entry.name or None,
            object_id=entry.object_id or None,
            run=entry.run or None,
            changes=dict(entry.changes),
            facts=dict(entry.facts),
        )
