"""The client against a server of raw bytes on loopback, so that answers can be cut, reset, silent and wrong."""

import asyncio
import gzip
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import SecretStr

from wire.activecampaign.client import MOST_BODY_BYTES, Client
from wire.activecampaign.errors import (
    TROUBLES,
    Because,
    NoUsableAnswer,
    ObjectNotFound,
    Refused,
    Throttled,
    Trouble,
    Unreadable,
)
from wire.activecampaign.results import AcceptedImport, AccountInfo, Contact, ContactList, CustomField
from wire.http.session import open_session

KEY = "0123456789abcdef"
Scenario = Callable[[Client], Awaitable[object]]


def http(body: str, status: str = "200 OK", *headers: str) -> bytes:
    """Write an answer."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Content-Type: application/json", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def encoded(encoding: str, body: bytes) -> bytes:
    """Write an answer that says how it is encoded."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body


@dataclass
class Server:
    """Answers requests from a script: bytes are sent, None resets the connection, "" stays silent."""

    script: list[bytes | str | None]
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode().strip().split("\r\n")
                headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in fields)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append((line.removesuffix(" HTTP/1.1"), headers, body))
                match self.script.pop(0):
                    case bytes() as answer:
                        writer.write(answer)
                        await writer.drain()
                        if b"Connection: close" in answer:
                            return
                    case None:
                        writer.transport.abort()
                        return
                    case _:
                        await reader.read()
                        return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def talk(server: Server, scenario: Scenario, *, total_seconds: float = 20.0) -> None:
    """Run a scenario with a client of the server."""

    async def opened() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        host = f"127.0.0.1:{server.port}"
        timeout = aiohttp.ClientTimeout(total=total_seconds)
        async with listening, open_session(frozenset({host})) as session:
            await scenario(Client(session, host, SecretStr(KEY), scheme="http", timeout=timeout))

    asyncio.run(opened())


def refusal(answer: bytes | str | None, ask: Scenario, *, total_seconds: float = 20.0) -> Trouble:
    """Give one answer to one request, and return what it is taken for."""
    server = Server([answer])
    found: list[Trouble] = []

    async def scenario(client: Client) -> None:
        try:
            await ask(client)
        except TROUBLES as error:
            found.append(error)

    talk(server, scenario, total_seconds=total_seconds)
    assert len(server.requests) == 1
    assert KEY not in repr(found[0]) + str(found[0])
    return found[0]


def test_an_import_is_one_post_with_the_key_in_its_header() -> None:
    """The body arrives as it was given, byte for byte."""
    server = Server([http('{"Success":1,"batchId":"0641"}', "200 OK", "x-request-id: abc")])

    async def scenario(client: Client) -> None:
        assert await client.import_contacts(b'{"contacts":[]}') == AcceptedImport("0641", 200, "abc")

    talk(server, scenario)
    [(line, headers, body)] = server.requests
    assert line == "POST /api/3/import/bulk_import"
    assert headers["api-token"] == KEY
    assert headers["content-type"] == headers["accept"] == "application/json"
    assert body == b'{"contacts":[]}'


def test_everything_else_is_asked_by_its_own_path() -> None:
    """And read into values."""
    server = Server([
        http('{"status":"completed","success":["1"],"failure":["Bad@x.org"]}'),
        http('{"user":{"id":"1","username":"jo"}}'),
        http('{"list":{"id":"7","name":"News"}}'),
        http('{"lists":[{"id":"7","name":"News"}],"meta":{"total":"2"}}'),
        http('{"fields":[{"id":"3","title":"Tier"}],"meta":{"total":"1"}}'),
        http('{"subscriber_limit":"1000","subscriber_total":"12"}'),
        http('{"contacts":[{"id":"9","email":"a+b@x.org"}]}'),
        http("{}"),
    ])  # fmt: skip

    async def scenario(client: Client) -> None:
        assert (await client.import_info("06 41")).failures == ("Bad@x.org",)
        assert (await client.me()).username == "jo"
        assert await client.contact_list("7") == ContactList("7", "News")
        page = await client.lists()
        assert (page.items, page.next_offset) == ((ContactList("7", "News"),), 1)
        assert (await client.fields(100)).items == (CustomField("3", "Tier"),)
        assert await client.account() == AccountInfo(1000, 12, 200, None)
        assert await client.find_contact("a+b@x.org") == Contact("9")
        assert await client.delete_contact("9")

    talk(server, scenario)
    assert [line for line, _, _ in server.requests] == [
        "GET /api/3/import/info?batchId=06+41",
        "GET /api/3/users/me",
        "GET /api/3/lists/7",
        "GET /api/3/lists?limit=100&offset=0",
        "GET /api/3/fields?limit=100&offset=100",
        "GET /api/3/settings/account",
        "GET /api/3/contacts?email=a%2Bb@x.org",
        "DELETE /api/3/contacts/9",
    ]


def test_what_is_not_there_is_a_value_where_that_is_an_answer() -> None:
    """A batch that nobody knows, a contract that the key may not see, a contact that is gone."""
    server = Server([
        http("{\"success\":0,\"message\":\"'batchId' is a required field.\"}", "400 Bad Request"),
        http("{}", "404 Not Found"),
        http('{"status":false}'),
        http('{"message":"Forbidden"}', "403 Forbidden"),
        http("{}", "404 Not Found"),
        http("{}", "404 Not Found"),
        http('{"contacts":[]}'),
    ])  # fmt: skip

    async def scenario(client: Client) -> None:
        states = [await client.import_info("1"), await client.import_info("1"), await client.import_info("1")]
        assert [(info.state, info.status) for info in states] == [("unknown", 400), ("unknown", 404), ("unknown", 200)]
        assert await client.account() is None
        assert await client.account() is None
        assert not await client.delete_contact("9")
        assert await client.find_contact("a@x.org") is None

    talk(server, scenario)


def test_a_missing_list_is_not_found_and_a_throttled_poll_is_throttled() -> None:
    """The words of the importer's 400 come before the unknown batch."""
    missing = http('{"message":"No Result found for _List with id 7"}', "404 Not Found")
    assert isinstance(refusal(missing, lambda client: client.contact_list("7")), ObjectNotFound)
    throttled = http('{"success":0,"message":"Rate limit exceeded."}', "400 Bad Request", "Retry-After: 30")
    error = refusal(throttled, lambda client: client.import_info("1"))
    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == 30.0


def test_a_wrong_key_is_still_an_error_where_the_contract_is_asked_for() -> None:
    """Only a missing permission is an answer."""
    error = refusal(http("{}", "401 Unauthorized"), lambda client: client.account())
    assert isinstance(error, Refused)
    assert error.because is Because.CREDENTIALS


def send(client: Client) -> Awaitable[object]:
    return client.import_contacts(b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{"batchId":"1"}', id="cut"),
        pytest.param(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"batchId":"1', id="cut without a length"),
        pytest.param(encoded("gzip", b"xyz"), id="not zipped"),
        pytest.param(encoded("deflate", b"xyz"), id="not deflated"),
        pytest.param(encoded("br", b"xyz"), id="not brotli"),
        pytest.param(encoded("zstd", b"xyz"), id="not zstandard"),
        pytest.param(encoded("gzip", gzip.compress(b'{"batchId":"1"}')[:-16]), id="half of a zip"),
        pytest.param(encoded("identity", gzip.compress(b'{"batchId":"1"}')), id="zipped, and nothing said"),
        pytest.param(encoded("gzip", gzip.compress(bytes(400_000_000), 1)), id="a bomb"),
        pytest.param(http('{"batchId":"1"}'.encode("utf-16").decode("latin-1")), id="UTF-16"),
        pytest.param(http('{"batchId":"1"}', "200 OK", "Transfer-Encoding: chunked"), id="not in chunks"),
    ],
)
def test_an_answer_that_is_not_whole_or_in_no_known_writing_cannot_be_read(answer: bytes) -> None:
    """It may have been a yes."""
    assert isinstance(refusal(answer, send), Unreadable)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="reset"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n", id="cut in its headers"),
    ],
)
def test_no_answer_leaves_the_outcome_unknown(answer: bytes | None) -> None:
    """There is no status to tell."""
    error = refusal(answer, send)
    assert isinstance(error, NoUsableAnswer)
    assert (error.sent, error.status) == (True, None)


def test_what_is_no_http_is_an_answer_that_cannot_be_read() -> None:
    """Something is there, and it is not ActiveCampaign's."""
    error = refusal(b"not HTTP\r\nConnection: close\r\n\r\n", send)
    assert isinstance(error, Unreadable)
    assert (error.status, error.form) == (None, "no HTTP")


def test_byte_order_marks_before_good_json_are_passed_over() -> None:
    """Two were recorded."""
    server = Server([http('\ufeff\ufeff{"batchId":"1"}')])

    async def scenario(client: Client) -> None:
        assert (await client.import_contacts(b"{}")).batch_id == "1"

    talk(server, scenario)


def test_silence_ends_with_the_time_limit() -> None:
    """The request was sent."""
    error = refusal("", send, total_seconds=0.2)
    assert isinstance(error, NoUsableAnswer)
    assert error.sent


def test_an_answer_above_the_bound_is_not_read_to_its_end() -> None:
    """Memory is bounded, whoever answers; a good answer is never so large."""
    assert isinstance(refusal(http(" " * MOST_BODY_BYTES + '{"batchId":"1"}'), send), Unreadable)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("place", ["/login", "http://127.0.0.1:9/", "https://evil.example.com/", "//127.0.0.1:9/"])
def test_a_redirect_is_not_followed(status: str, place: str) -> None:
    """The key would go to whoever is named there."""
    error = refusal(http("", status, f"Location: {place}"), send)
    assert isinstance(error, Refused)
    assert (error.because, error.definite) == (Because.NOT_ACTIVECAMPAIGN, True)


def test_a_request_is_sent_once_even_where_aiohttp_would_repeat_it() -> None:
    """On a kept connection that turns out to be closed, nobody has paced the second one."""
    server = Server([http('{"user":{"id":"1"}}'), None, http('{"user":{"id":"1"}}')])

    async def scenario(client: Client) -> None:
        await client.me()
        with pytest.raises(NoUsableAnswer):
            await client.me()

    talk(server, scenario)
    assert len(server.requests) == 2


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would see the key."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = Server([http('{"user":{"id":"1"}}')])
    talk(server, lambda client: client.me())
    assert len(server.requests) == 1


def test_a_connection_that_cannot_be_made_was_never_sent() -> None:
    """The chunk is not to blame."""

    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{taken.getsockname()[1]}"
            async with open_session(frozenset({host})) as session:
                with pytest.raises(NoUsableAnswer) as raised:
                    await Client(session, host, SecretStr(KEY), scheme="http").me()
        assert not raised.value.sent

    asyncio.run(scenario())


class Loopback(AbstractResolver):
    """Says of every name that it is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("host", "scheme"),
    [
        ("acme.api-us1.com", "https"),
        ("acme.api-us1.com", "http"),
        ("127.0.0.1", "https"),
        ("[::1]", "https"),
        ("[::ffff:127.0.0.1]", "https"),
    ],
)
def test_what_is_not_public_is_refused_when_a_connection_is_made(host: str, scheme: str) -> None:
    """A name that points inwards, plain http, and an IP address, for which no resolver is asked."""
    server = Server([])

    async def scenario(client: Client) -> None:
        async with open_session(frozenset(), resolver=Loopback()) as session:
            inward = Client(
                session, f"{host}:{server.port}", SecretStr(KEY), scheme="http" if scheme == "http" else "https"
            )
            with pytest.raises(Refused) as raised:
                await inward.me()
        assert (raised.value.because, raised.value.definite) == (Because.HOST_NOT_ALLOWED, True)

    talk(server, scenario)
    assert not server.requests


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0"])
def test_another_spelling_of_this_machine_is_refused_when_a_connection_is_made(host: str) -> None:
    """By aiohttp, for which some are no host at all, or for what the system's own resolver makes of it."""
    server = Server([])

    async def scenario(_: Client) -> None:
        async with open_session(frozenset()) as session:
            with pytest.raises((Refused, NoUsableAnswer)) as raised:
                await Client(session, f"{host}:{server.port}", SecretStr(KEY)).me()
        error = raised.value
        if isinstance(error, Refused):
            assert error.because is Because.HOST_NOT_ALLOWED
        else:
            assert isinstance(error, NoUsableAnswer)
            assert ("InvalidUrl" in str(error), error.sent) == (True, False)

    talk(server, scenario)
    assert not server.requests


def test_no_cookie_is_kept() -> None:
    """Connections of several customers share a session."""
    server = Server([http('{"user":{"id":"1"}}', "200 OK", "Set-Cookie: a=b"), http('{"user":{"id":"1"}}')])

    async def scenario(client: Client) -> None:
        host = f"sandbox:{server.port}"
        async with open_session(frozenset({host}), resolver=Loopback()) as session:
            named = Client(session, host, SecretStr(KEY), scheme="http")
            await named.me()
            await named.me()

    talk(server, scenario)
    assert "cookie" not in server.requests[1][1]


def test_a_trusted_name_may_point_inwards() -> None:
    """The local stack is reached by names, too."""
    server = Server([http('{"user":{"id":"1"}}')])

    async def scenario(client: Client) -> None:
        host = f"sandbox:{server.port}"
        async with open_session(frozenset({host}), resolver=Loopback()) as session:
            await Client(session, host, SecretStr(KEY), scheme="http").me()

    talk(server, scenario)
    assert server.requests[0][1]["host"].startswith("sandbox:")
