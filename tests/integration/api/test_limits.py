"""What is too long, too deep, or no HTTP at all is refused within bounded memory, and repeated nowhere."""

import asyncio
import gzip
import io
import logging
import tracemalloc
from base64 import b64encode
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from producer.api.request_limits import HEADER_BYTES_MAX, URL_BYTES_MAX
from producer.api.server import LINE_BYTES_MAX
from producer.input_checks import DEPTH_MAX, is_too_deep
from tests.integration.serving import TOKEN, Served, serving
from tests.logged import logged
from wire.store import codec
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]

CANARY = "canary" * 6
LET_IN = (b"Authorization: Bearer " + TOKEN.encode(), b"Content-Type: application/json")
EVENT = {
    "specversion": "1.0",
    "type": "segment.refreshed",
    "source": "/cdp",
    "id": "1",
    "data": {"segment": "vip", "snapshot": "/snapshots/vip.csv"},
}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, at the most talkative level."""
    with logged(logging.DEBUG) as written:
        yield written


async def _say(api: Served, request: bytes) -> bytes:
    """Send bytes and read what is answered until the other end hangs up."""
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    try:
        writer.write(request)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def _request(*lines: bytes, body: bytes = b"", call: bytes = b"GET /v1/runs") -> bytes:
    head = [call + b" HTTP/1.1", b"Host: x", b"Connection: close", *lines]
    return b"\r\n".join([*head, b"", body])


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/v1/runs?after=" + "x" * URL_BYTES_MAX, {}, 414),
        ("/v1/exports/" + "x" * URL_BYTES_MAX, {}, 414),
        ("/healthz?" + "x" * URL_BYTES_MAX, {}, 414),
        ("/v1/runs", {"X-Long": "x" * HEADER_BYTES_MAX}, 431),
        ("/v1/runs", {"Authorization": "Bearer " + "x" * HEADER_BYTES_MAX}, 431),
        ("/v1/runs", {f"X-{number}": "x" * 4_000 for number in range(9)}, 431),
        ("/v1/runs", {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("/v1/runs?after=" + "x" * (URL_BYTES_MAX - 100), {"X-Long": "x" * (HEADER_BYTES_MAX - 100)}, 200),
    ],
)
def test_a_request_may_measure_so_much(
    with_store: WithStore, path: str, headers: dict[str, str], expected: int
) -> None:
    """Address, each header, and all of them; the answer is a problem document."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api, api.client.get(path, headers=headers) as response:
            assert response.status == expected
            if expected > 400:
                assert response.content_type == "application/problem+json"

    with_store(scenario)


@pytest.mark.parametrize("deep", [DEPTH_MAX + 1, 200, 100_000])
@pytest.mark.parametrize("opening", ['{"a":', "["])
def test_deep_json_is_refused_everywhere(with_store: WithStore, deep: int, opening: str) -> None:
    """In a body, in an event's own fields, and in an event's data in Base64."""
    nested = opening * deep + "1" + ("}" if opening.startswith("{") else "]") * deep

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            json = {"Content-Type": "application/json"}
            assert (await api.ask("POST", "/v1/exports", data=f'{{"name":{nested}}}', headers=json))[0] == 400
            event = codec.text(EVENT).replace('"segment":"vip"', f'"segment":"vip","own":{nested}')
            assert (await api.ask("POST", "/v1/events", data=event, headers=json))[0] == 422
            encoded = {"specversion": "1.0", "type": "t", "source": "s", "id": "1"}
            encoded["data_base64"] = b64encode(nested.encode()).decode()
            assert (await api.ask("POST", "/v1/events", data=codec.text(encoded), headers=json))[0] == 422

    with_store(scenario)


def test_depth_is_counted_in_levels() -> None:
    """Whatever stands beside."""
    nested: Any = 1
    for _ in range(DEPTH_MAX):
        nested = {"a": [], "b": nested}
    assert not is_too_deep(nested)
    assert is_too_deep([nested])


def test_a_body_that_would_grow_when_unpacked_is_not_unpacked(with_store: WithStore) -> None:
    """A gibibyte of zeros in a megabyte stays a megabyte, with a token and without."""
    bomb = gzip.compress(bytes(1 << 26), 9) * 14
    assert len(bomb) < 1 << 20

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            tracemalloc.start()
            for authorization in (f"Bearer {TOKEN}", ""):
                headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
                headers["Authorization"] = authorization
                async with api.client.post("/v1/events", data=bomb, headers=headers) as response:
                    assert response.status == 415
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 16 << 20

    with_store(scenario)


def test_a_body_without_an_end_is_cut_off(with_store: WithStore) -> None:
    """In chunks, so that nobody said before how long it would be."""

    async def endless() -> Any:
        while True:
            yield bytes(1 << 16)

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            tracemalloc.start()
            json = {"Content-Type": "application/json"}
            try:
                async with api.client.post("/v1/events", data=endless(), headers=json) as response:
                    assert response.status == 413
            except ConnectionError:
                pass  # it hung up while we were still talking
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 16 << 20

    with_store(scenario)


@pytest.mark.parametrize(
    "request_",
    [
        _request(b"Authorization: Bearer " + CANARY.encode() + b"\0"),
        _request(b"Authorization Bearer " + CANARY.encode()),
        _request(b"X: " + CANARY.encode() * LINE_BYTES_MAX),
        _request(*(b"X%d: %s" % (number, CANARY.encode()) for number in range(500))),
        _request(call=b"GET /" + CANARY.encode() * LINE_BYTES_MAX),
        _request(call=CANARY.encode() + b" /v1/runs"),
        _request(b"Content-Length: " + CANARY.encode(), call=b"POST /v1/events"),
        _request(b"Content-Length: -1", body=CANARY.encode(), call=b"POST /v1/events"),
        _request(b"Transfer-Encoding: chunked", body=CANARY.encode() + b"\r\n", call=b"POST /v1/events"),
        _request(*LET_IN, b"Transfer-Encoding: chunked", body=b"3\r\n" + CANARY.encode(), call=b"POST /v1/events"),
        b"\x16\x03\x01" + CANARY.encode() + b"\r\n\r\n",
        CANARY.encode() + b"\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http_is_told_off_and_not_repeated_in_the_log(
    with_store: WithStore, log: io.StringIO, request_: bytes
) -> None:
    """A header that cannot be parsed may hold a token."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            answered = await asyncio.wait_for(_say(api, request_), 30)
            assert answered == b"" or answered.split(b" ", 2)[1].startswith(b"4")
            assert (await api.ask("GET", "/v1/runs"))[0] == 200

    with_store(scenario)
    assert CANARY not in log.getvalue()
    assert TOKEN not in log.getvalue()
