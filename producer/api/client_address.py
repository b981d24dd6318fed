"""Where a request comes from: the address it was sent from, and by which of our own programs.

Behind a reverse proxy every request comes from the proxy. What a proxy says of the address behind it is believed only if the
proxy is one that TRUSTED_PROXIES names: anybody can write an `X-Forwarded-For`.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from aiohttp import web

ProxyNetwork = IPv4Network | IPv6Network

PROXIES: Final = web.AppKey("proxies", Sequence[ProxyNetwork])
OURS: Final = re.compile(r"segment-export/[\w.+-]{1,40} \(([a-z -]{1,40})\)")
"""How our own command line names itself, and the command that asks; what else a client calls itself is not repeated."""


def remote_of(request: web.Request) -> str:
    """Return the address a request was sent from: of the proxies on its way, the last one that is not ours says it."""
    address = request.remote or ""
    said = ",".join(request.headers.getall("X-Forwarded-For", []))
    hops = [hop for part in said.split(",") if (hop := part.strip())]
    while hops and _is_ours(address, request.app.get(PROXIES, ())):
        address = _without_port(hops.pop())
    return address


def via_of(request: web.Request) -> str:
    """Return by what somebody asks: a command of ours, or `api`."""
    ours = OURS.fullmatch(request.headers.get("User-Agent", ""))
    return f"segment-export {ours[1]}" if ours else "api"


def _is_ours(address: str, proxies: Sequence[ProxyNetwork]) -> bool:
    try:
        one = ip_address(address)
    except ValueError:
        return False
    return any(one in network for network in proxies)


def _without_port(hop: str) -> str:
    """Read an address as proxies write it; what is none stands for nobody, and is not repeated."""
    bare = hop[1 : hop.find("]")] if hop.startswith("[") else hop.partition(":")[0] if hop.count(":") == 1 else hop
    try:
        return str(ip_address(bare))
    except ValueError:
        return "unknown"
