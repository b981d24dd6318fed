"""Who asks, and whether they may: the bearer token becomes an identity, and the route's roles let it in or not.

Which connections a contributor may use is in `openness`; nothing else in the API asks who somebody is.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from producer.access.token import Role
from producer.api.client_address import remote_of, via_of
from producer.api.problem_responses import Problem, route_of
from producer.api.token_throttle import TokenThrottle
from producer.services.identity import Identify, Identity

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="segment-export"'}

_log = structlog.get_logger(__name__)

IDENTITY: Final = web.RequestKey("identity", Identity)


def guard(
    identify: Identify, roles: Callable[[web.Request], frozenset[Role] | None], attempts: TokenThrottle
) -> Middleware:
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
