"""Reads the host a customer gives and says how it may be spoken to; pure, it resolves nothing.

ActiveCampaign does not promise any form of host, so it is taken whole from the person, as text or as a pasted URL.
Hosts are https and public (`session` holds every connection to that), except those an operator trusts by `host:port`:
to these goes plain http, and they may be anywhere.

Pure.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

Scheme = Literal["https", "http"]

HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80

_NAT64: Final = IPv6Network("64:ff9b::/96")
"""Where IPv6-only networks put the whole of IPv4. Source: RFC 6052, section 2.1."""

_UNICAST: Final = IPv6Network("2000::/3")
"""All that is handed out of IPv6 for the public internet. What lies outside leads elsewhere, or to an IPv4 address in an
older disguise. Source: IANA, "Internet Protocol Version 6 Address Space"."""

_RESERVED: Final = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
)
"""Set apart for protocols and documents, and not known as such to every Python. Source: IANA's special-purpose registries."""

_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_PUBLIC_ENDING: Final = re.compile(r"\.(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})\Z")


class InvalidHost(ValueError):
    """The text is no host that we connect to; the message says why and repeats nothing of it."""


class HostEndpoint(NamedTuple):
    """A host's name and port. `str` writes an account's name: lower case, without the port 443."""

    name: str
    port: int

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == HTTPS_PORT else f"{name}:{self.port}"


def read_host(text: str, trusted: frozenset[str] = frozenset()) -> str:
    """Read a host as a person gives it (`https://Acme.api-us1.com/`) and return it as an account is known by.

    InvalidHost for paths, queries, credentials, and unless it is one of the `trusted` (`host:port`) for plain http, IP
    addresses and names that cannot be public.
    """
    scheme, endpoint = _parsed(text)
    if is_trusted(str(endpoint), trusted):
        return str(endpoint)
    if scheme != "https":
        raise InvalidHost("only https is spoken to this host")
    if is_address(endpoint.name):
        raise InvalidHost("an IP address is no ActiveCampaign host")
    if not _PUBLIC_ENDING.search(endpoint.name):
        raise InvalidHost("this is no public host name; it looks like account.api-us1.com")
    return str(endpoint)


def account_of(host: str) -> str:
    """Name the account behind a host: lower case, without the port 443. InvalidHost if it is none."""
    return str(endpoint_of(host))


def endpoint_of(host: str) -> HostEndpoint:
    """Read a host with or without a port. InvalidHost if it is none."""
    return _parsed(host).endpoint


def is_trusted(host: str, trusted: frozenset[str]) -> bool:
    """Whether an operator trusts this very host and port."""
    return endpoint_of(host) in {endpoint_of(each) for each in trusted}


def scheme_for(host: str, trusted: frozenset[str]) -> Scheme:
    """Return how a host is spoken to: plainly if it is trusted."""
    return "http" if is_trusted(host, trusted) else "https"


def is_address(name: str) -> bool:
    """Whether a host's name is an IP address, which no resolver is asked about."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also where it is wrapped in another one."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        nat64 = IPv4Address(int(found) & 0xFFFF_FFFF) if found in _NAT64 else None
        inner = found.ipv4_mapped or found.sixtofour or nat64
        if inner is not None:
            return is_public(str(inner))
        if found not in _UNICAST:
            return False
    return found.is_global and not found.is_multicast and not any(found in each for each in _RESERVED)


class _Parsed(NamedTuple):
    scheme: str
    endpoint: HostEndpoint


@lru_cache(maxsize=256)  # a worker asks for the same few with every request
def _parsed(text: str) -> _Parsed:
    pasted = text.strip()
    try:
        url = urlsplit(pasted if "://" in pasted else f"https://{pasted}")
        port = url.port
    except ValueError:
        raise InvalidHost("this is no host") from None
    if "@" in url.netloc:
        raise InvalidHost("a host has no user name in it")
    if url.path.strip("/") or "?" in pasted or "#" in pasted:
        raise InvalidHost("only the host is wanted, without a path")
    if url.scheme not in {"https", "http"}:
        raise InvalidHost("only https is spoken to this host")
    name = (url.hostname or "").removesuffix(".")
    if not is_address(name) and not _NAME.fullmatch(name):
        raise InvalidHost("this is no host name")
    if port is None:
        port = HTTPS_PORT if url.scheme == "https" else HTTP_PORT
    return _Parsed(url.scheme, HostEndpoint(name, port))
