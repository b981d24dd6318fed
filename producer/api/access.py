"""Who asks, and whether they may: the bearer token becomes an identity, and the route's roles let it in or not.

Which connections a contributor may use is in `openness`; nothing else in the API asks who somebody is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import SecretStr

from producer.access.tokens import Role, Tokens
from producer.api.client_address import remote_of, via_of
from producer.api.token_throttle import Attempts
from producer.audit.trail import Author
from producer.services.problems import Problem, route_of

BOOTSTRAP: Final = "admin"
"""The name of whoever holds ADMIN_TOKEN; no issued token may have it."""

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="segment-export"'}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whoever stands behind a token; `remote`, `via`: the address they ask from, and by what (`producer.api.client_address`)."""

    name: str
    role: Role
    remote: str = ""
    via: str = ""

    @property
    def author(self) -> Author:
        """As whom the trail knows them."""
        return Author(self.name, self.role.value, self.remote, self.via)

    @property
    def is_admin(self) -> bool:
        """Whether everything is open to them."""
        return self.role is Role.ADMIN


Identify = Callable[[str], Awaitable[Identity | None]]
"""From the token presented to whose it is; None if nobody's."""

IDENTITY: Final = web.RequestKey("identity", Identity)


class Identities:
    """The bootstrap token, whose holder is an administrator whatever the store says, and the tokens that were issued."""

    def __init__(self, admin_token: SecretStr, tokens: Tokens) -> None:
        self._digest = _digest(admin_token.get_secret_value())
        self._tokens = tokens

    async def __call__(self, presented: str) -> Identity | None:
        """Compare in constant time: digests, so that not even the length can be measured. StoreError."""
        if compare_digest(self._digest, _digest(presented)):
            return Identity(BOOTSTRAP, Role.ADMIN)
        token = await self._tokens.known(presented)
        return None if token is None else Identity(token.name, token.role)


def guard(identify: Identify, roles: Callable[[web.Request], frozenset[Role] | None], attempts: Attempts) -> Middleware:
    """Make the middleware that lets in whoever has one of the roles of a request's route; None: everybody."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        needed = roles(request)
        if needed is None:
            return await handler(request)
        presented = _presented(request)
        identity = await identify(presented) if presented else None
        if identity is None:
            if presented:
                await attempts.failed(remote_of(request))
            raise Problem(401, "A valid token is needed, as Authorization: Bearer TOKEN.", headers=CHALLENGE)
        if identity.role not in needed:
            raise Problem(403, f"This is not for the role {identity.role}.")
        request[IDENTITY] = replace(identity, remote=remote_of(request), via=via_of(request))
        if request.method != "GET":
            _log.info("asked", by=identity.name, role=identity.role, method=request.method, route=route_of(request))
        return await handler(request)

    return guarded


def _presented(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogateescape")).digest()
