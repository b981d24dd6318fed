"""Providers that a certified one never is: lying, redirecting, talking without end; and one that takes secrets another way."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import RSAKey

from producer.access.openid.errors import Declined, Down, NoRole, OpenIdError, Untrusted
from producer.access.openid.login import Login
from producer.access.openid.provider import ANSWER_BYTES_MAX, Provider
from tests.integration.access.test_openid import terms
from tests.integration.openid import CLIENT_ID, CLIENT_SECRET
from tests.integration.serving import VAULT
from wire.http.session import open_session

KEY: Final = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})


class Liar:
    """A provider that answers what a test lays out; `claims` and `about` go into ID token and userinfo."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"roles": ["export-admins"]}
        self.about: Any = {"sub": "ann"}
        self.described: dict[str, Any] = {}
        self.answers: dict[str, Callable[[], web.StreamResponse]] = {}
        self.forms: list[Mapping[str, Any]] = []
        self.nonce = ""
        self.issuer = ""

    def app(self) -> web.Application:
        """Serve it."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.answers:
            return self.answers[request.path]()
        match request.path:
            case "/.well-known/openid-configuration":
                places = {"token_endpoint": "/token", "jwks_uri": "/jwks", "userinfo_endpoint": "/me"}
                said = {name: self.issuer + path for name, path in places.items()}
                said |= {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/auth"}
                return web.json_response(said | self.described)
            case "/jwks":
                return web.json_response({"keys": [KEY.as_dict(private=False)]})
            case "/token":
                self.forms.append(dict(await request.post()) | {"authorization": request.headers.get("Authorization")})
                now = int(time.time())
                token_says: dict[str, Any] = {
                    "iss": self.issuer,
                    "aud": CLIENT_ID,
                    "sub": "ann",
                    "nonce": self.nonce,
                    "iat": now,
                }
                token_says |= {"exp": now + 60} | self.claims
                token = jwt.encode({"alg": "RS256", "kid": "one"}, token_says, KEY)
                return web.json_response({"id_token": token, "access_token": "x", "token_type": "Bearer"})
            case "/me":
                return web.json_response(self.about)
            case _:
                raise web.HTTPNotFound


def try_with(liar: Liar) -> None:
    """Log in at it; raises what comes of that."""

    async def log_in() -> None:
        async with TestServer(liar.app()) as server:
            liar.issuer = str(server.make_url("")).rstrip("/")
            trusted = frozenset({f"{server.host}:{server.port}"})
            said = terms(liar.issuer)
            async with open_session(trusted) as session:
                login = Login(Provider(session, said, trusted), VAULT, said)
                now = time.time_ns() // 1_000_000
                begun = await login.begin(now)
                asked = dict(parse_qsl(urlsplit(begun.url).query))
                liar.nonce = asked["nonce"]
                await login.finish(begun.note, {"state": asked["state"], "code": "c"}, now)

    asyncio.run(log_in())


def test_one_that_tells_the_truth_is_believed() -> None:
    """So that the others are refused for their lies; the secret goes into the header, where most want it."""
    liar = Liar()
    try_with(liar)
    (form,) = liar.forms
    assert form["authorization"].startswith("Basic ")
    assert "client_secret" not in form


def test_one_that_wants_the_secret_in_the_form_gets_it_there() -> None:
    """Where it says that it knows no other way."""
    liar = Liar()
    liar.described = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    try_with(liar)
    (form,) = liar.forms
    assert (form["client_id"], form["client_secret"], form["authorization"]) == (CLIENT_ID, CLIENT_SECRET, None)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"sub": "eve", "roles": ["export-admins"]}, Untrusted),
        ({"roles": ["export-admins"]}, Untrusted),
        (["export-admins"], Down),
        ({"sub": "ann"}, NoRole),
    ],
)
def test_what_is_told_of_somebody_must_be_told_of_the_same_person(about: Any, expected: type[OpenIdError]) -> None:
    """Else one could come with another's roles."""
    liar = Liar()
    liar.claims, liar.about = {}, about
    with pytest.raises(expected):
        try_with(liar)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token", "/me"])
@pytest.mark.parametrize("how", ["elsewhere", "without end", "no json", "error", "array"])
def test_answers_that_are_none_are_no_login(path: str, how: str) -> None:
    """Redirects are not followed, an answer ends somewhere, and nothing of it is believed by half."""

    def answer() -> web.StreamResponse:
        match how:
            case "elsewhere":
                return web.Response(status=302, headers={"Location": f"{liar.issuer}/real"})
            case "without end":
                return web.Response(body=b'"' + b"x" * (2 * ANSWER_BYTES_MAX) + b'"', content_type="application/json")
            case "no json":
                return web.Response(text="<html>")
            case "error":
                return web.json_response({"error": "server_error"}, status=500)
            case _:
                return web.json_response([])

    liar = Liar()
    liar.claims, liar.answers[path] = {}, answer
    with pytest.raises((Down, Untrusted)):
        try_with(liar)


def test_one_that_refuses_the_code_is_repeated_by_its_own_word_only() -> None:
    """A description may quote a person, or be a page."""
    liar = Liar()
    said = {"error": "invalid_grant", "error_description": "ann@example.com is locked"}
    liar.answers["/token"] = lambda: web.json_response(said, status=400)
    with pytest.raises(Declined) as caught:
        try_with(liar)
    assert "invalid_grant" in str(caught.value)
    assert "ann" not in str(caught.value)
    liar.answers["/token"] = lambda: web.json_response({"error": "<b>ann</b>"}, status=401)
    with pytest.raises(Declined, match="no word of why"):
        try_with(liar)


@pytest.mark.parametrize(
    "place",
    [
        "http://other.example.com/auth",
        "https://10.0.0.1/auth",
        "javascript:alert(1)",
        "https://localhost/auth",
        "/auth",
    ],
)
def test_nobody_is_sent_where_nobody_is_sent(place: str) -> None:
    """Browsers are sent to https and public hosts, or to trusted ones."""
    liar = Liar()
    liar.described = {"authorization_endpoint": place}
    with pytest.raises(Untrusted):
        try_with(liar)
