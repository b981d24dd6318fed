"""The headers that every answer of the page carries: what a browser may do with it, and what not."""

from typing import Final

from aiohttp import web

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""No script and no style but our own files; nothing of anybody else's, and nobody may frame the page."""

HTTPS: Final = {"Strict-Transport-Security": "max-age=31536000"}

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers; what an answer says of its own caching stays."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    if is_https(request):
        response.headers.update(HTTPS)


def is_https(request: web.Request) -> bool:
    """Whether the browser came over TLS, as far as we are told: a proxy in front says so."""
    return request.headers.get("X-Forwarded-Proto", request.scheme) == "https"


def wants_secure(request: web.Request) -> bool:
    """Whether cookies must be `Secure`: always, but for plain http to this very machine, where a browser has nothing else."""
    return is_https(request) or request.url.host not in LOOPBACK
