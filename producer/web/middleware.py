"""The page's door: who comes in, in which language, and that a form was sent from the page itself.

It stands before the API's door and lets everything else through to it. The page is opened by a session's cookie and the API
by a bearer token, and neither by the other's key.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from producer.api.access import IDENTITY
from producer.api.problem_responses import Problem, problem_of, route_of
from producer.api.request_limits import within_limits
from producer.web.forms.form_parsing import FORM, read_form
from producer.web.pages.login import from_page, wanted_of
from producer.web.rendering.error_page import show_problem
from producer.web.rendering.templating import LANGUAGE, LANGUAGES, redirect_to
from producer.web.rendering.translations import preferred
from producer.web.route import PageRoute
from producer.web.sessions import cookies
from producer.web.sessions.security_headers import harden
from producer.web.sessions.sessions import Sessions

OURS: Final = web.RequestKey("ours", bool)
HTML: Final = "text/html"
API: Final = "/v1/"

FOREIGN: Final = "The form was not sent from this page, or the page is older than your session. Nothing was done."

_log = structlog.get_logger(__name__)


class PageMiddleware:
    """The door, as a middleware; `leaves` are the page's by method and path."""

    def __init__(self, leaves: Iterable[PageRoute], sessions: Sessions) -> None:
        self._leaves: dict[tuple[str, str], PageRoute] = {
            (page_route.method, page_route.path): page_route for page_route in leaves
        }
        self._paths = {page_route.path for page_route in self._leaves.values()}
        self._sessions = sessions

    def middleware(self) -> Middleware:
        """Return the middleware, which is to be the outermost."""

        @web.middleware
        async def opened(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self._is_ours(request):
                return await handler(request)
            request[OURS] = True
            request[LANGUAGE] = request.app[LANGUAGES][_language(request)]
            try:
                return await within_limits(request, self._admit)
            except Exception as error:  # noqa: BLE001  as the API's outermost door
                return show_problem(request, problem_of(error, method=request.method, route=route_of(request)))

        return opened

    def _is_ours(self, request: web.Request) -> bool:
        """Whether a request is for the page; what is nowhere is told by whoever seems to ask: a browser or a program."""
        resource = request.match_info.route.resource
        if resource is not None:
            return resource.canonical in self._paths
        return not request.path.startswith(API) and HTML in request.headers.get("Accept", "")

    async def _admit(self, request: web.Request) -> web.StreamResponse:
        if "lang" in request.query and request.method == "GET":
            return _in_language(request)
        page_route = self._leaves.get((request.method, route_of(request)))
        if page_route is None or page_route.roles is not None:
            identity = await self._sessions.known(cookies.session_of(request))
            if identity is None:
                return _to_login(request)
            request[IDENTITY] = from_page(request, identity)
            if page_route is None:
                return await request.match_info.handler(request)  # raises that nothing is here, or not by this method
            if page_route.roles is not None and identity.role not in page_route.roles:
                raise Problem(403, f"This is not for the role {identity.role}.")
        if request.method == "POST":
            await _read_proven(request)
        return await page_route.handler(request)


async def harden_ours(request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer of the page its headers, before the first byte of it goes."""
    if OURS in request:
        harden(request, response)


async def _read_proven(request: web.Request) -> None:
    request[FORM] = form = await read_form(request)
    if not cookies.proves(request, form.get(cookies.PROOF, "")):
        raise Problem(403, FOREIGN)
    if IDENTITY in request:
        identity = request[IDENTITY]
        _log.info("asked", by=identity.name, role=identity.role, method=request.method, route=route_of(request))


def _language(request: web.Request) -> str:
    known = request.app[LANGUAGES]
    chosen = request.cookies.get(cookies.LANGUAGE, "")
    return (
        chosen if chosen in known else preferred(request.headers.get("Accept-Language", ""), known, next(iter(known)))
    )


def _in_language(request: web.Request) -> web.Response:
    code = request.query["lang"]
    response = redirect_to(wanted_of(str(request.rel_url.without_query_params("lang"))))
    if code in request.app[LANGUAGES]:
        cookies.keep_language(request, response, code)
    return response


def _to_login(request: web.Request) -> web.Response:
    ended = "&ended=1" if cookies.session_of(request) else ""
    wanted = request.rel_url if request.method == "GET" else request.rel_url.with_path("/")
    return redirect_to(f"/login?next={quote(str(wanted), safe='')}{ended}")
