"""Issues and revokes API tokens."""

from typing import Final

from producer.access.token import Role, Token
from producer.services.context import Services
from producer.services.documents import TokenDocument, TokenIssued
from producer.services.errors import invalid_fields
from producer.services.identity import BOOTSTRAP, Identity
from producer.services.permissions import require_admin
from producer.services.requests import DAYS_MAX, TokenBody
from producer.timestamps import milliseconds
from wire.process.units import DAY_MS

DAYS: Final = 365
"""How long a token lasts if nobody says so."""


async def issue_token(services: Services, identity: Identity, body: TokenBody) -> TokenIssued:
    """Issue a token and say it, this once. NameTaken; Forbidden or Invalid."""
    require_admin(identity)
    if body.name == BOOTSTRAP:
        raise invalid_fields({"/name": "stands for the administrator of the settings"})
    now = services.clock_ms()
    token = Token(
        id=services.new_id(),
        name=body.name,
        role=Role(body.role),
        created=now,
        created_by=identity.name,
        expires=_expiry(body.expires, now),
    )
    secret = await services.tokens.issue(token, by=identity.author)
    return TokenIssued(**TokenDocument.of(token, now).model_dump(), token=secret.get_secret_value())


async def revoke_token(services: Services, identity: Identity, name: str) -> TokenDocument:
    """Make a token nobody's. Unregistered; Forbidden."""
    require_admin(identity)
    return TokenDocument.of(await services.tokens.revoke(name, by=identity.author), services.clock_ms())


def _expiry(said: str | float | None, now: int) -> int:
    """Say when a token's time is over; Invalid if that is no time, past, or too far away."""
    try:
        expires = (
            milliseconds(said) if isinstance(said, str) else now + round((DAYS if said is None else said) * DAY_MS)
        )
    except (ValueError, OverflowError):
        raise invalid_fields({"/expires": "must be a time of RFC 3339 with its offset, or a number of days"}) from None
    if not now < expires <= now + DAYS_MAX * DAY_MS:
        raise invalid_fields({"/expires": f"must lie ahead, by at most {DAYS_MAX} days"})
    return expires
