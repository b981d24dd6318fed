"""The door to a producer's HTTP API, and the only place here that knows aiohttp; what goes wrong is in `errors`."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientSSLError,
)
from aiohttp import ClientTimeout as Timeout
from yarl import URL

from producer.client.errors import NotTheApi, ProducerUnavailable, refusal
from wire.store import codec

CONNECT_SECONDS: Final = 10
SILENCE_SECONDS: Final = 60
"""How long an answer may stay silent: saving a connection waits for ActiveCampaign's own answers."""

SUCCESS: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its body as it came, and what it says."""

    body: bytes
    document: Any


class Api:
    """The HTTP API of one producer, asked with one token."""

    def __init__(self, session: ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Reply:
        """Ask for something and read the whole answer; ApiError."""
        async with self._asked(method, path, body=body, query=query, content_type=content_type) as response:
            content = await response.read()
            return Reply(content, _document(content, self._base))

    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncGenerator[bytes, None]:
        """Read an answer line by line, however long it is; ApiError."""
        async with self._asked("GET", path, body=None, query=query, content_type="") as response:
            async for line in response.content:
                yield line

    @asynccontextmanager
    async def _asked(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None,
        content_type: str,
    ) -> AsyncIterator[ClientResponse]:
        url = URL(self._base + path, encoded=True).with_query(query)
        data = None if body is None else codec.encode(body)
        headers = {} if body is None else {"Content-Type": content_type}
        with _translated(self._base):
            # A redirect is not followed: it would turn a POST into a GET, or take the token elsewhere.
            async with self._session.request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as response:
                if response.status not in SUCCESS:
                    raise refusal(response.status, response.headers, await response.read(), self._base)
                yield response


@asynccontextmanager
async def opened(base: str, token: str, *, command: str = "") -> AsyncIterator[Api]:
    """Open the way to the API at an address that `base_url` has read; `command` is what asks."""
    timeout = Timeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
    headers = {"Authorization": f"Bearer {token}", "User-Agent": f"segment-export/{version('segment-export')}"}
    if command:
        headers["User-Agent"] += f" ({command})"
    async with ClientSession(headers=headers, timeout=timeout) as session:
        yield Api(session, base)


def base_url(text: str) -> str:
    """Read where the API is; ValueError says what is wrong with it."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError(f"must be a URL, not {text!r}") from None
    if "@" in parts.netloc:
        raise ValueError("must hold no user and no password: say who you are by a token")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"must be a URL like http://127.0.0.1:8080, not {text!r}")
    return text.rstrip("/")


def route(*steps: str) -> str:
    """Write the path of a call; what a person said is one step of it, whatever it holds."""
    return "/v1/" + "/".join(quote(step, safe="") for step in steps)


@contextmanager
def _translated(base: str) -> Iterator[None]:
    """Turn aiohttp's errors into ours; none of them is kept as a cause, since their repr holds the token."""
    try:
        yield
    except ClientSSLError:
        raise NotTheApi(f"{base} shows a certificate that is not trusted here.") from None
    except ClientConnectorError as error:
        raise ProducerUnavailable(f"Nothing can be reached at {base}: {error.strerror or 'no connection'}.") from None
    except ClientResponseError:
        raise NotTheApi(f"{base} does not speak HTTP as the API does.") from None
    except TimeoutError:
        raise ProducerUnavailable(f"{base} is silent. What was asked may have been done all the same.") from None
    except (ClientError, OSError):
        raise ProducerUnavailable(f"{base} broke off. What was asked may have been done all the same.") from None


def _document(content: bytes, base: str) -> Any:
    try:
        document = codec.decode(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise NotTheApi(f"{base} answers, but not as the API of segment-export would.")
    return document
