"""Reads the audit trail."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

from producer.audit.entry import AuditedAction
from producer.audit.trail import AuditFilter
from producer.services.audit_documents import AuditDocument
from producer.services.context import Services
from producer.services.errors import Invalid
from producer.services.identity import Identity
from producer.services.paging import ITEMS_MAX
from producer.services.permissions import require_admin
from producer.timestamps import milliseconds

NDJSON: Final = "application/x-ndjson"

WHATS: Final = sorted({*AuditedAction, *(what.partition(".")[0] for what in AuditedAction)})


async def read_trail(
    services: Services, identity: Identity, wanted: AuditFilter, *, before: str = "", most: int = ITEMS_MAX
) -> tuple[list[AuditDocument], str | None]:
    """Return entries, the newest first, older than the one with the id `before`, and what the next part is before.

    Forbidden.
    """
    require_admin(identity)
    part: list[AuditDocument] = []
    async with aclosing(services.audit.entries(wanted, before=before)) as entries:
        async for entry in entries:
            if len(part) == most:
                return part, part[-1].id
            part.append(AuditDocument.of(entry))
    return part, None


def time_parameter(query: Mapping[str, str], name: str) -> int | None:
    """Read a query parameter as milliseconds since 1970; None if it is absent. Raises Invalid."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return max(0, milliseconds(text))
    except (ValueError, TypeError, OverflowError):
        raise Invalid(f"The parameter {name} must be a time of RFC 3339 with its offset.") from None
