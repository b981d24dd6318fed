"""Which hosts are taken, and which addresses behind them."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from wire.activecampaign.errors import Because, Refused
from wire.http.hosts import InvalidHost, account_of, endpoint_of, is_public, read_host, scheme_for
from wire.http.session import PublicResolver

TRUSTED = frozenset({"127.0.0.1:8090", "Sandbox:8090", "[::1]:8090"})


@pytest.mark.parametrize(
    "given",
    [
        "acme.api-us1.com",
        " ACME.api-us1.com ",
        "https://acme.api-us1.com",
        "https://Acme.api-us1.com/",
        "HTTPS://acme.api-us1.com:443/",
        "acme.api-us1.com:443",
        "acme.api-us1.com.",
    ],
)
def test_a_host_is_known_by_one_name_however_it_was_pasted(given: str) -> None:
    """Two spellings of an account must not have two budgets."""
    assert read_host(given) == "acme.api-us1.com"
    assert account_of(read_host(given)) == "acme.api-us1.com"


def test_another_port_is_another_account() -> None:
    """Only 443 goes without saying."""
    assert read_host("https://acme.example.com:8443/") == "acme.example.com:8443"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "https://",
        "https:///",
        "acme",
        "localhost",
        "acme.api-us1.com/api/3",
        "https://acme.api-us1.com/?key=1",
        "https://acme.api-us1.com/#x",
        "https://user:secret@acme.api-us1.com",
        "secret@acme.api-us1.com",
        "http://acme.api-us1.com",
        "ftp://acme.api-us1.com",
        "127.0.0.1",
        "8.8.8.8",
        "8.8.8.8:443",
        "[::1]",
        "[2606:4700::1111]",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "0x7f000001",
        "127.0.0.1.",
        "1.2.3.4.5",
        "acme.123",
        "acme..com",
        "-acme.com",
        "acme_1.com",
        "acme.com:99999",
        "acme.com:x",
        "ac me.com",
        "acme.com\\@evil.com",
        "acme.com\r\nX: 1.com",
        "[::1",
        "a" * 64 + ".com",
        "äcme.com",
        "127.0.0.1:8091",
    ],
)
def test_what_is_no_public_https_host_is_refused(given: str) -> None:
    """And the message repeats nothing of it, as a secret may be in it."""
    with pytest.raises(InvalidHost) as refusal:
        read_host(given, TRUSTED)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("127.0.0.1:8090", "127.0.0.1:8090"),
        ("http://127.0.0.1:8090/", "127.0.0.1:8090"),
        ("SANDBOX:8090", "sandbox:8090"),
        ("[::1]:8090", "[::1]:8090"),
    ],
)
def test_a_trusted_host_may_be_anywhere_and_is_spoken_to_plainly(given: str, host: str) -> None:
    """Trust is of host and port together."""
    assert read_host(given, TRUSTED) == host
    assert scheme_for(host, TRUSTED) == "http"


def test_other_ports_of_a_trusted_host_and_other_hosts_are_spoken_to_by_https() -> None:
    """Nothing but the very name that was trusted."""
    assert scheme_for("127.0.0.1:8091", TRUSTED) == "https"
    assert scheme_for("acme.api-us1.com", TRUSTED) == "https"


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    """Also those of IPv4 in IPv6."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "2002:a00:1::",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "::10.0.0.1",
        "::127.0.0.1",
        "::ffff:0:10.0.0.1",
        "::ffff:169.254.169.254",
        "2001:0:a00:1::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "100::1",
        "fd00:ec2::254",
        "0.1.2.3",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "240.0.0.1",
        "239.255.255.250",
        "100.127.255.255",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    """Loopback, private, link-local, shared, multicast, reserved, and any of them in disguise."""
    assert not is_public(address)


class Names(AbstractResolver):
    """A resolver that answers every name with the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in self.addresses
        ]

    async def close(self) -> None:
        self.closed = True


def resolve(host: str, port: int, *addresses: str) -> list[str]:
    resolver = PublicResolver(frozenset(map(endpoint_of, TRUSTED)), Names(*addresses))
    return [found["host"] for found in asyncio.run(resolver.resolve(host, port))]


def test_a_name_with_public_addresses_resolves_to_them() -> None:
    """All of them, for the connector to choose."""
    assert resolve("acme.api-us1.com", 443, "8.8.8.8", "9.9.9.9") == ["8.8.8.8", "9.9.9.9"]


@pytest.mark.parametrize("addresses", [("10.0.0.1",), ("8.8.8.8", "127.0.0.1")])
def test_a_name_with_one_address_that_is_not_public_is_refused(addresses: tuple[str, ...]) -> None:
    """A name may change its mind after it was saved."""
    with pytest.raises(Refused) as refusal:
        resolve("acme.api-us1.com", 443, *addresses)
    assert refusal.value.because is Because.HOST_NOT_ALLOWED
    assert refusal.value.definite


def test_a_name_that_changes_its_mind_is_looked_at_again() -> None:
    """What it was when it was saved, or at the last request, counts for nothing; nor does another name's trust."""
    names = Names("8.8.8.8")
    resolver = PublicResolver(frozenset(map(endpoint_of, TRUSTED)), names)

    async def scenario() -> None:
        assert [found["host"] for found in await resolver.resolve("acme.api-us1.com", 443)] == ["8.8.8.8"]
        for address in ("169.254.169.254", "127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1"):
            names.addresses = ("8.8.8.8", address)
            with pytest.raises(Refused):
                await resolver.resolve("acme.api-us1.com", 443)
        names.addresses = ("8.8.8.8",)
        assert await resolver.resolve("acme.api-us1.com", 443)

    asyncio.run(scenario())


@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_what_it_is_without(address: IPv4Address) -> None:
    """Mapped, translated and tunnelled IPv4; in every other wrapping it is not public."""
    number = int(address)
    for disguise in (IPv6Address((0xFFFF << 32) + number), IPv6Address((0x64FF9B << 96) + number)):
        assert is_public(str(disguise)) == is_public(str(address))
    assert not is_public(str(IPv6Address((0x2002 << 112) + (number << 80)))) or is_public(str(address))
    for prefix in (0, 0xFFFF << 48, 0x64FF9B0001 << 88, 0x20010000 << 96, 0xFE80 << 112, 0xFC00 << 112):
        assert not is_public(str(IPv6Address(prefix + number)))


def test_a_trusted_name_resolves_to_any_address_and_only_on_its_port() -> None:
    """The local stack is private by nature."""
    assert resolve("sandbox", 8090, "10.0.0.1") == ["10.0.0.1"]
    with pytest.raises(Refused):
        resolve("sandbox", 8091, "10.0.0.1")


def test_closing_closes_the_resolver_that_is_asked() -> None:
    """It may hold sockets of its own."""
    names = Names()
    asyncio.run(PublicResolver(frozenset(), names).close())
    assert names.closed
