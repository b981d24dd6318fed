"""The door to aiohttp: whatever it raises comes out as one of ours, without a word of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, cast

import aiohttp
import pytest
from pydantic import SecretStr

from wire.activecampaign.client import Client
from wire.activecampaign.errors import Because, NoUsableAnswer, Refused, Unreadable

KEY = "0123456789abcdef"
UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


def family(parent: type[Exception]) -> Iterator[type[Exception]]:
    yield parent
    for child in parent.__subclasses__():
        yield from family(child)


ERRORS = sorted({*family(aiohttp.ClientError), *family(OSError), ssl.SSLError, TimeoutError}, key=lambda cls: cls.__name__)  # fmt: skip


class Session:
    """Raises an error before there is an answer, or while its body is read."""

    def __init__(self, error: BaseException | None = None, body_error: BaseException | None = None) -> None:
        self.error = error
        self.body_error = body_error
        self.status = 200
        self.headers: dict[str, str] = {"x-request-id": "r" * 1000}
        self.content_type = "application/json"
        self.content = self

    def request(self, *args: Any, **kwargs: Any) -> Self:
        return self

    async def __aenter__(self) -> Self:
        if self.error is not None:
            raise self.error
        return self

    async def __aexit__(self, *args: object) -> None:
        """Nothing is open."""

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield b'{"batchId":'
        if self.body_error is not None:
            raise self.body_error


def ask(session: Session) -> None:
    client = Client(cast("aiohttp.ClientSession", session), "acme.api-us1.com", SecretStr(KEY))
    asyncio.run(client.import_contacts(b"{}"))


def made(error: type[Exception]) -> Exception:
    """Make an error without the arguments that each has of its own, and with words that must not get out."""
    instance = error.__new__(error)
    instance.args = (KEY,)
    return instance


NO_ANSWER = [error for error in ERRORS if not issubclass(error, aiohttp.ClientResponseError)]


@pytest.mark.parametrize("error", NO_ANSWER, ids=lambda error: error.__name__)
def test_every_error_before_an_answer_is_unreachable(error: type[Exception]) -> None:
    """Sent, unless no connection was made; with the foreign error's name and nothing else of it."""
    with pytest.raises(NoUsableAnswer) as raised:
        ask(Session(error=made(error)))
    assert raised.value.sent is not issubclass(error, UNSENT)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert error.__name__ in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("error", sorted(set(ERRORS) - set(NO_ANSWER), key=str), ids=lambda error: error.__name__)
def test_every_answer_that_is_no_http_is_unreadable(error: type[Exception]) -> None:
    """Something answered; of the foreign error nothing gets out."""
    with pytest.raises(Unreadable) as raised:
        ask(Session(error=made(error)))
    assert (raised.value.status, raised.value.form) == (None, "no HTTP")
    assert raised.value.__suppress_context__
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_while_a_good_answer_is_read_is_unreadable_with_its_status(error: type[Exception]) -> None:
    """The import may have been queued."""
    with pytest.raises(Unreadable) as raised:
        ask(Session(body_error=made(error)))
    assert raised.value.status == 200
    assert raised.value.request_id == "r" * 100


def test_what_is_no_failure_of_the_wire_passes_through() -> None:
    """A cancellation, above all."""
    with pytest.raises(asyncio.CancelledError):
        ask(Session(error=asyncio.CancelledError()))


@pytest.mark.parametrize("key", ["", "a\r\nb: c", "a\x00", "schlüssel"])
def test_a_key_that_fits_into_no_header_is_refused_before_anything_is_sent(key: str) -> None:
    """With a line break in it, it would be a header of its own."""
    unused = Session(error=AssertionError("it was sent"))
    client = Client(cast("aiohttp.ClientSession", unused), "acme.api-us1.com", SecretStr(key))
    with pytest.raises(Refused) as raised:
        asyncio.run(client.me())
    assert (raised.value.because, raised.value.definite) == (Because.CREDENTIALS, True)
