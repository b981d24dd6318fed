"""Who asks, and whether they may: the bearer token becomes an identity, the route's roles decide; handlers never do."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import SecretStr

from producer.api.problems import Problem


class Role(StrEnum):
    """What somebody is to us."""

    ADMIN = "admin"
    CONTRIBUTOR = "contributor"
    VIEWER = "viewer"
    PUBLISHER = "publisher"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whoever stands behind a token."""

    name: str
    role: Role


Identify = Callable[[str], Identity | None]
"""From the token presented to whose it is; None if nobody's."""

IDENTITY: Final = web.RequestKey("identity", Identity)
CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="segment-export"'}


class AdminToken:
    """The bootstrap token: whoever holds it is the administrator."""

    def __init__(self, token: SecretStr) -> None:
        self._digest = _digest(token.get_secret_value())

    def __call__(self, presented: str) -> Identity | None:
        """Compare in constant time: digests, so that not even the length can be measured."""
        return Identity("admin", Role.ADMIN) if compare_digest(self._digest, _digest(presented)) else None


def guard(identify: Identify, roles: Callable[[web.Request], frozenset[Role] | None]) -> Middleware:
    """Make the middleware that lets in whoever has one of the roles of a request's route; None: everybody."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        needed = roles(request)
        if needed is None:
            return await handler(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        identity = identify(token.strip()) if scheme.lower() == "bearer" and token else None
        if identity is None:
            raise Problem(401, "A valid token is needed, as Authorization: Bearer TOKEN.", headers=CHALLENGE)
        if identity.role not in needed:
            raise Problem(403, f"This is not for the role {identity.role}.")
        request[IDENTITY] = identity
        return await handler(request)

    return guarded


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogateescape")).digest()
