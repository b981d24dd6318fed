"""
Opens the HTTP session that clients share, and holds every connection of it to public hosts; asks nothing itself.

Three doors are shut: a name must resolve to public addresses only, checked when a connection is made, so that a name
cannot change its mind after it was saved; an IP address or plain http passes only for a trusted `host:port`; and a
request goes out once, as nobody has paced a second one. What they refuse is said in the words of `errors`.
"""

import socket
from typing import Final, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from wire.activecampaign.errors import Because, NoUsableAnswer, Refused
from wire.http.hosts import HostEndpoint, endpoint_of, is_address, is_public

Session: TypeAlias = aiohttp.ClientSession
"""What `open_session` opens: the one name of aiohttp's that others need."""

MOST_CONNECTIONS: Final = 200
"""Of one process, over all accounts: five requests a second and account take a few each."""


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses or raises `Refused`; those of `trusted` hosts to any."""

    def __init__(self, trusted: frozenset[HostEndpoint], resolver: AbstractResolver) -> None:
        self._trusted = trusted
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name. One address that is not public spoils the others: no service has both."""
        found = await self._resolver.resolve(host, port, family)
        if HostEndpoint(host, port) not in self._trusted and not all(is_public(each["host"]) for each in found):
            raise Refused(Because.HOST_NOT_ALLOWED, definite=True)
        return found

    async def close(self) -> None:
        """Close the resolver that is asked."""
        await self._resolver.close()


def open_session(trusted_hosts: frozenset[str], *, resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """Open a session on the running loop, without cookies, proxies or `.netrc`; the caller closes it."""
    trusted = frozenset(map(endpoint_of, trusted_hosts))
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=PublicResolver(trusted, resolver or aiohttp.DefaultResolver()), limit=MOST_CONNECTIONS
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        middlewares=(_only_allowed(trusted), _only_once),
    )


def _only_allowed(trusted: frozenset[HostEndpoint]) -> aiohttp.ClientMiddlewareType:
    async def guard(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        name, port = request.url.host or "", request.url.port or 0
        if HostEndpoint(name, port) not in trusted and (request.url.scheme != "https" or is_address(name)):
            raise Refused(Because.HOST_NOT_ALLOWED, definite=True)
        return await handler(request)

    return guard


async def _only_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending GET and DELETE again by itself when a kept connection turns out to be closed."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise NoUsableAnswer(type(error).__name__) from None
