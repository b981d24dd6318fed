"""The handlers of coming and going: a token opens a session, and the form is as slow to whoever guesses as the API."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from producer.access.openid.login import Login
from producer.access.openid.roles import MARK
from producer.access.token import Role
from producer.api.access import IDENTITY
from producer.api.client_address import remote_of
from producer.api.request_context import services_of
from producer.api.token_throttle import TokenThrottle
from producer.audit.entry import AuditedAction, AuditedKind
from producer.services.identity import Identify, Identity
from producer.web.forms.form_parsing import FORM
from producer.web.rendering.navigation import N_
from producer.web.rendering.templating import redirect_to, render
from producer.web.sessions import cookies
from producer.web.sessions.pending_keys import PendingKeys
from producer.web.sessions.security_headers import is_https, wants_secure
from producer.web.sessions.sessions import Sessions

NOBODYS: Final = N_("This token is nobody's: it may be mistyped, revoked, or its time may be over.")
MISSING: Final = N_("Enter your token.")
FOR_PUBLISHING: Final = N_("This token is for publishing refreshes. The page needs one of another role.")
CHARACTERS_MAX: Final = 4_096

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PageAccess:
    """Who knows tokens, who slows down guessing, who keeps sessions and drafts, and the OpenID provider's login, if there is one."""

    identify: Identify
    attempts: TokenThrottle
    sessions: Sessions
    pending_keys: PendingKeys
    openid: Login | None = None


DOORKEEPER: Final = web.AppKey("doorkeeper", PageAccess)


async def show(request: web.Request) -> web.Response:
    """Show the login form."""
    keeper = request.app[DOORKEEPER]
    if await keeper.sessions.known(cookies.session_of(request)):
        return redirect_to(wanted_of(request.query.get("next", "")))
    return form_of(
        request,
        request.query.get("next", ""),
        has_ended="ended" in request.query,
        has_left_provider="left" in request.query,
    )


async def sign_in(request: web.Request) -> web.Response:
    """Open a session for whoever holds a token."""
    keeper, form = request.app[DOORKEEPER], request[FORM]
    wanted, presented = form.get("next", ""), form.get("token", "").strip()
    if not presented:
        return form_of(request, wanted, fault=MISSING, status=422)
    identity = await keeper.identify(presented) if len(presented) <= CHARACTERS_MAX else None
    if identity is None:
        await keeper.attempts.failed(remote_of(request))
        return form_of(request, wanted, fault=NOBODYS, status=422)
    if identity.role is Role.PUBLISHER:
        return form_of(request, wanted, fault=FOR_PUBLISHING, status=403)
    return await open_page(request, identity, await keeper.sessions.begin_with_token(presented, identity), wanted)


async def open_page(request: web.Request, identity: Identity, cookie: str, wanted: str) -> web.Response:
    """Hand somebody the cookie of their session, note that they came, and send them where they were going."""
    audit = services_of(request).audit
    await audit.note(AuditedAction.SESSION_OPENED, from_page(request, identity).author, kind=AuditedKind.SESSION)
    _log.info("signed_in", by=identity.name, role=identity.role)
    response = redirect_to(wanted_of(wanted))
    cookies.begin_session(request, response, cookie)
    return response


async def sign_out(request: web.Request) -> web.Response:
    """End the session, here and wherever its cookie may be."""
    await request.app[DOORKEEPER].sessions.end(cookies.session_of(request))
    identity = request[IDENTITY]
    await services_of(request).audit.note(AuditedAction.SESSION_CLOSED, identity.author, kind=AuditedKind.SESSION)
    _log.info("signed_out", by=identity.name)
    response = redirect_to("/login?left=1" if identity.name.startswith(MARK) else "/login")
    cookies.end_session(response)
    return response


def form_of(
    request: web.Request,
    wanted: str,
    *,
    fault: str = "",
    provider_fault: str = "",
    status: int = 200,
    has_ended: bool = False,
    has_left_provider: bool = False,
) -> web.Response:
    """Show the login form, with what was wrong with a token, or at the provider."""
    openid = request.app[DOORKEEPER].openid
    visit = cookies.visit_of(request)
    response = render(
        request,
        "login.html",
        status=status,
        proof=cookies.proof_of(visit),
        wanted=wanted,
        fault=fault,
        has_ended=has_ended,
        provider=openid and openid.host,
        provider_fault=provider_fault,
        has_left_provider=has_left_provider,
        is_open_to_listeners=wants_secure(request) and not is_https(request),
    )
    cookies.begin_visit(request, response, visit)
    return response


def from_page(request: web.Request, identity: Identity) -> Identity:
    """Say of somebody where they ask from, and that they do it by the page."""
    return replace(identity, remote=remote_of(request), via="page")


def wanted_of(said: str) -> str:
    """Return where somebody was going: an address of this page, since a link could name any other."""
    parts = urlsplit(said)
    is_here = said.startswith("/") and not said.startswith(("//", "/\\")) and not parts.netloc and said.isprintable()
    return said if is_here else "/"
