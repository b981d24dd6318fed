"""The handlers of tokens: the secret of one is in the answer that issues it, and in no other."""

from typing import Final

from aiohttp import web

from producer.api.access import BOOTSTRAP, IDENTITY
from producer.api.answering import answer, answer_page, cut, window
from producer.api.bodies import DAYS_MAX, TokenBody
from producer.api.collaborators import collaborators
from producer.api.documents import TokenDocument, TokenIssued
from producer.api.problems import unprocessable
from producer.api.reading import read_body
from producer.cloudevents import milliseconds
from wire.tokens import Role, Token

DAY_MS: Final = 86_400_000
DAYS: Final = 365
"""How long a token lasts if nobody says so."""


async def issue(request: web.Request) -> web.Response:
    """Issue a token and say it, this once."""
    of = collaborators(request)
    body = await read_body(request, TokenBody)
    if body.name == BOOTSTRAP:
        raise unprocessable({"/name": "stands for the administrator of the settings"})
    now = of.clock_ms()
    token = Token(
        id=of.new_id(),
        name=body.name,
        role=Role(body.role),
        created=now,
        created_by=request[IDENTITY].name,
        expires=_expiry(body.expires, now),
    )
    secret = await of.tokens.issue(token)
    document = TokenIssued(**TokenDocument.of(token, now).model_dump(), token=secret.get_secret_value())
    return answer(document, 201)


async def show_all(request: web.Request) -> web.Response:
    """List tokens by name, never their secrets."""
    of = collaborators(request)
    part, following = cut(await of.tokens.all(), lambda token: token.name, window(request))
    now = of.clock_ms()
    return answer_page([TokenDocument.of(token, now) for token in part], following)


async def revoke(request: web.Request) -> web.Response:
    """Make a token nobody's."""
    of = collaborators(request)
    return answer(TokenDocument.of(await of.tokens.revoke(request.match_info["name"]), of.clock_ms()))


def _expiry(said: str | float | None, now: int) -> int:
    """Say when a token's time is over; Problem 422 if that is no time, past, or too far away."""
    try:
        expires = (
            milliseconds(said) if isinstance(said, str) else now + round((DAYS if said is None else said) * DAY_MS)
        )
    except (ValueError, OverflowError):
        raise unprocessable({"/expires": "must be a time of RFC 3339 with its offset, or a number of days"}) from None
    if not now < expires <= now + DAYS_MAX * DAY_MS:
        raise unprocessable({"/expires": f"must lie ahead, by at most {DAYS_MAX} days"})
    return expires
