"""The page's cookies, and the word that proves that a form was sent from the page itself."""

import secrets
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from aiohttp import web

from producer.web.sessions.security_headers import wants_secure

SESSION: Final = "segment_export_session"
VISIT: Final = "segment_export_visit"
"""Of who is not signed in: the login form, too, must come from here."""

LOGIN: Final = "segment_export_login"
"""Of who is on the way to an OpenID provider and back."""

LANGUAGE: Final = "segment_export_language"
LOGIN_PATH: Final = "/login/openid"
YEAR_SECONDS: Final = 365 * 24 * 60 * 60
PROOF: Final = "proof"
"""The field of every form that holds the word."""


def session_of(request: web.Request) -> str:
    """Return the session's cookie, empty if there is none."""
    return request.cookies.get(SESSION, "")


def proof_for(request: web.Request) -> str:
    """Make the word that forms of this browser carry: nobody else's script can read it, nor the cookie that it is made of."""
    return proof_of(session_of(request) or request.cookies.get(VISIT, ""))


def proof_of(cookie: str) -> str:
    """Make the word of one cookie."""
    return sha256(b"form of " + cookie.encode(errors="surrogateescape")).hexdigest()


def proves(request: web.Request, said: str) -> bool:
    """Whether a form was made for this browser."""
    own = session_of(request) or request.cookies.get(VISIT, "")
    return bool(own) and compare_digest(proof_of(own).encode(), said.encode(errors="replace"))


def visit_of(request: web.Request) -> str:
    """Return the cookie of who is not signed in, a new one if need be."""
    return request.cookies.get(VISIT) or secrets.token_hex(32)


def begin_visit(request: web.Request, response: web.Response, visit: str) -> None:
    """Hand that cookie to the browser, in the place of a session that is over."""
    _set(request, response, VISIT, visit)
    if session_of(request):
        end_session(response)


def begin_session(request: web.Request, response: web.Response, cookie: str) -> None:
    """Hand the session's cookie to the browser; it forgets it when it is closed."""
    _set(request, response, SESSION, cookie)
    response.del_cookie(VISIT, path="/")


def end_session(response: web.Response) -> None:
    """Have the browser forget the session."""
    response.del_cookie(SESSION, path="/")


def begin_login(request: web.Request, response: web.Response, note: str) -> None:
    """Have the browser keep a note of a login that it was sent away for."""
    _set(request, response, LOGIN, note, path=LOGIN_PATH)


def login_of(request: web.Request) -> str:
    """Return the note of a login, empty if there is none."""
    return request.cookies.get(LOGIN, "")


def end_login(response: web.Response) -> None:
    """Have the browser forget the note: it is good for one answer."""
    response.del_cookie(LOGIN, path=LOGIN_PATH)


def keep_language(request: web.Request, response: web.Response, code: str) -> None:
    """Have the browser remember the language that was chosen."""
    _set(request, response, LANGUAGE, code, max_age=YEAR_SECONDS)


def _set(
    request: web.Request, response: web.Response, name: str, value: str, *, max_age: int | None = None, path: str = "/"
) -> None:
    response.set_cookie(
        name, value, path=path, max_age=max_age, httponly=True, samesite="Lax", secure=wants_secure(request)
    )
