"""The handlers of login by OpenID Connect: away to the provider, back from it, and goodbye there, too."""

from typing import Final

import structlog
from aiohttp import web

from producer.access.openid.errors import Declined, Down, NoRole, OpenIdError, Stale, Untrusted
from producer.access.openid.login import Login
from producer.api.request_context import services_of
from producer.services.identity import Identity
from producer.web.pages.login import DOORKEEPER, form_of, open_page
from producer.web.rendering.navigation import N_
from producer.web.rendering.templating import redirect_to
from producer.web.sessions import cookies

SENTENCES: Final[dict[type[OpenIdError], tuple[int, str]]] = {
    Down: (503, N_("%(host)s does not answer. Try again in a moment, or sign in with a token.")),
    Stale: (400, N_("This sign-in was begun too long ago, or in another browser. Begin again.")),
    Declined: (403, N_("%(host)s did not sign you in. Begin again if you want to.")),
    Untrusted: (
        403,
        N_("The answer of %(host)s cannot be believed. Tell whoever runs this producer: its log says what is wrong."),
    ),
    NoRole: (403, N_("%(host)s knows you, but you have no role here. Ask an administrator for one.")),
}
"""What each of them means to the person, and the status that a program sees."""

_log = structlog.get_logger(__name__)


async def begin(request: web.Request) -> web.Response:
    """Send somebody to the provider."""
    wanted = request.query.get("next", "")
    try:
        begun = await _openid(request).begin(services_of(request).clock_ms(), wanted)
    except OpenIdError as error:
        return _refused(request, error)
    response = redirect_to(begun.url)
    cookies.begin_login(request, response, begun.note)
    return response


async def back(request: web.Request) -> web.Response:
    """Open a session for whom the provider vouches for."""
    keeper, now = request.app[DOORKEEPER], services_of(request).clock_ms()
    try:
        finished = await _openid(request).finish(cookies.login_of(request), request.query, now)
    except OpenIdError as error:
        response = _refused(request, error)
        cookies.end_login(response)
        return response
    person = finished.person
    identity = Identity(person.name, person.role)
    response = await open_page(request, identity, await keeper.sessions.begin_with_provider(identity), finished.wanted)
    cookies.end_login(response)
    return response


async def goodbye(request: web.Request) -> web.Response:
    """Send somebody who has left here to the provider's own logout; to the login where it has none."""
    return redirect_to(await _openid(request).goodbye("/login") or "/login")


def _openid(request: web.Request) -> Login:
    openid = request.app[DOORKEEPER].openid
    if openid is None:
        raise web.HTTPNotFound
    return openid


def _refused(request: web.Request, error: OpenIdError) -> web.Response:
    _log.warning("sign_in_failed", why=type(error).__name__, detail=str(error))
    status, sentence = SENTENCES[type(error)]
    return form_of(request, request.query.get("next", ""), provider_fault=sentence, status=status)
