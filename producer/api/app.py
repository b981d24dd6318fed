"""Puts the API together from what it is handed; it opens nothing, `producer.app` serves it."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from producer.access.token import Role
from producer.api.access import guard
from producer.api.client_address import PROXIES, ProxyNetwork
from producer.api.health import DESCRIPTION
from producer.api.openapi import describe
from producer.api.problem_responses import as_problems
from producer.api.request_context import SERVICES
from producer.api.request_limits import within_limits
from producer.api.routes import ROUTES
from producer.api.token_throttle import TokenThrottle
from producer.services.context import Services
from producer.services.identity import Identify
from producer.services.roles import ANYBODY

BODY_BYTES_MAX: Final = 1 << 20
VERSION: Final = "1"
"""Of the API, as in its paths; the program has its own."""


def make_app(
    services: Services,
    *,
    identify: Identify,
    attempts: TokenThrottle | None = None,
    proxies: Sequence[ProxyNetwork] = (),
) -> web.Application:
    """Make the application; `identify` says whose a token is, `attempts` slows down who has none.

    `proxies`: which reverse proxies are believed what they say of an address.
    """
    needed: dict[tuple[str, str], frozenset[Role] | None] = {
        (route.method, route.path): route.roles for route in ROUTES
    }

    def roles(request: web.Request) -> frozenset[Role] | None:
        """Whoever asks for what is not there needs a token, too: nobody learns our addresses without one."""
        resource = request.match_info.route.resource
        return needed[request.method, resource.canonical] if resource else ANYBODY

    app = web.Application(
        client_max_size=BODY_BYTES_MAX,
        middlewares=[as_problems, within_limits, guard(identify, roles, attempts or TokenThrottle())],
    )
    app[SERVICES] = services
    app[PROXIES] = proxies
    app[DESCRIPTION] = describe(ROUTES, version=VERSION)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler)
    return app
