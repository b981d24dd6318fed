"""Tokens: what is done with them, and the handlers: the secret of one is in the answer that issues it, and in no other."""

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer, answer_page, window
from producer.services.documents import TokenDocument
from producer.services.paging import cut
from producer.services.requests import TokenBody
from producer.services.tokens import issue_token, revoke_token


async def issue(request: web.Request) -> web.Response:
    """Issue a token and say it, this once."""
    body = await read_body(request, TokenBody)
    return answer(await issue_token(services_of(request), request[IDENTITY], body), 201)


async def show_all(request: web.Request) -> web.Response:
    """List tokens by name, never their secrets."""
    services = services_of(request)
    part, following = cut(await services.tokens.all(), lambda token: token.name, window(request))
    now = services.clock_ms()
    return answer_page([TokenDocument.of(token, now) for token in part], following)


async def revoke(request: web.Request) -> web.Response:
    """Make a token nobody's."""
    return answer(await revoke_token(services_of(request), request[IDENTITY], request.match_info["name"]))
