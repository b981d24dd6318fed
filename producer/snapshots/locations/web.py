"""
Reads one file of a web server, `https://host/path`, held to public hosts like everything that speaks to the internet.

It is read in ranges, each of which must be of the version that was found first (`ETag`, or `Last-Modified`). A server that
knows no ranges is read once into a spool. Redirects are not followed: they lead out of what an operator allowed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import aiohttp
import pyarrow as pa

from producer.snapshots.errors import Missing, SnapshotChanged, SourceForbidden, SourceUnreachable, Unsupported
from producer.snapshots.file import File, FileState
from producer.snapshots.locations.range_reader import ATTEMPTS, Interrupted, opened
from producer.snapshots.locations.temp_file import TempFile
from producer.snapshots.uris import SnapshotUri, plain_path, refuse_secrets, refuse_user
from wire.activecampaign.errors import NoUsableAnswer as Broken
from wire.activecampaign.errors import Refused as NotPublic
from wire.http.hosts import InvalidHost, is_trusted, read_host
from wire.http.session import open_session

TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
PIECE_BYTES: Final = 256 << 10

_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class Web:
    """Web servers: https and public ones, and the hosts that an operator trusts."""

    def __init__(self, trusted_hosts: frozenset[str] = frozenset()) -> None:
        self._trusted = trusted_hosts

    def place(self, uri: str) -> SnapshotUri:
        """Read a URL; it has no user, no signature and no fragment."""
        refuse_user(uri)
        parts = urlsplit(uri)
        refuse_secrets(parts.query)
        if parts.fragment:
            raise Unsupported("a snapshot's URL has no fragment")
        if "%2f" in parts.path.lower():
            raise Unsupported("a snapshot's URL has no encoded slash")
        try:
            owner = read_host(f"{parts.scheme}://{parts.netloc}", self._trusted)
        except InvalidHost as error:
            raise Unsupported(f"this host is none to read snapshots from: {error}") from None
        scheme = parts.scheme if is_trusted(owner, self._trusted) else "https"
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        return SnapshotUri(scheme, owner, plain_path(unquote(parts.path)), query)

    def find(self, place: SnapshotUri) -> Sequence[File]:
        """Return the one file of a URL."""
        return [self._page(place)]

    def _page(self, place: SnapshotUri) -> "WebPage":
        requests = _Requests(place, self._trusted)
        try:
            answer = requests.look()
        except Interrupted as error:
            raise SourceUnreachable(f"{place}: no answer ({error})") from None
        return WebPage(requests, answer.state, ranged=answer.ranged)


@dataclass(frozen=True)
class _Answer:
    state: FileState
    ranged: bool
    body: bytes


@dataclass
class WebPage:
    """A file as the server had it when it was found."""

    requests: "_Requests"
    pinned: FileState
    ranged: bool
    _spool: TempFile | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return str(self.requests.place)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.requests.place.path.rpartition("/")[2]

    def state(self) -> FileState:
        """Ask what it is now."""
        try:
            return self.requests.look().state
        except Interrupted as error:
            raise SourceUnreachable(f"{self}: no answer ({error})") from None

    def open(self) -> pa.NativeFile:
        """Open it as it was when it was found."""
        if self.ranged:
            return opened(_PageRanges(self.requests, self.pinned), self.pinned.size, str(self))
        if self._spool is None:
            self._spool = self._spooled()
        return self._spool.open()

    def _spooled(self) -> TempFile:
        for _ in range(ATTEMPTS):
            spool = TempFile(str(self))
            try:
                self.requests.save(spool, self.pinned)
            except Interrupted as error:
                problem = str(error)
            else:
                return spool
        raise SourceUnreachable(
            f"{self}: never came whole in {ATTEMPTS} attempts, and the server sends no parts ({problem})"
        )


@dataclass(frozen=True)
class _PageRanges:
    requests: "_Requests"
    pinned: FileState

    def fetch(self, offset: int, length: int) -> bytes:
        return self.requests.part(offset, length, self.pinned)

    def close(self) -> None:
        """Nothing is held between requests: connections do not outlive them."""


@dataclass(frozen=True)
class _Requests:
    """Asks a server for one file; a session for each request, since readers pause for long and change threads."""

    place: SnapshotUri
    trusted: frozenset[str]

    def look(self) -> _Answer:
        """Return what the file is, by asking for its first byte: HEAD is not answered everywhere."""
        return asyncio.run(self._get({"Range": "bytes=0-0"}, 0, 1, None))

    def part(self, offset: int, length: int, pinned: FileState) -> bytes:
        """Return bytes of the pinned version, fewer if the connection breaks."""
        headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
        if pinned.version.startswith('"'):
            headers["If-Match"] = pinned.version
        answer = asyncio.run(self._get(headers, offset, length, None))
        self._check(answer.state, pinned)
        if not answer.ranged:
            raise Interrupted("the server sends no parts any more")
        return answer.body

    def save(self, spool: TempFile, pinned: FileState) -> None:
        """Write the whole file into a spool."""
        answer = asyncio.run(self._get({}, 0, 0, spool))
        self._check(answer.state, pinned)

    def _check(self, state: FileState, pinned: FileState) -> None:
        if state != pinned:
            raise SnapshotChanged(f"{self.place}: the file was replaced while the run was reading it")

    async def _get(self, headers: Mapping[str, str], offset: int, length: int, spool: TempFile | None) -> _Answer:
        url = f"{self.place.scheme}://{self.place.owner}/{quote(self.place.path)}"
        if self.place.query:
            url += f"?{urlencode(self.place.query)}"
        try:
            async with (
                open_session(self.trusted) as session,
                session.get(
                    url,
                    headers={**headers, "Accept-Encoding": "identity"},
                    allow_redirects=False,
                    auto_decompress=False,
                    timeout=TIMEOUT,
                ) as response,
            ):
                if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset == 0:
                    return _Answer(
                        FileState(0, response.headers.get("ETag", "")), ranged=True, body=b""
                    )  # no first byte
                self._judge(response.status)
                answered = _state(response.headers, offset)
                if spool is not None:
                    await _pour(response.content, spool)
                    return _Answer(answered, ranged=False, body=b"")
                ranged = response.status == HTTPStatus.PARTIAL_CONTENT
                return _Answer(answered, ranged=ranged, body=await _body(response.content, length) if ranged else b"")
        except NotPublic:
            raise SourceForbidden(f"{self.place}: the host is not a public one, and not among TRUSTED_HOSTS") from None
        except Broken:
            raise Interrupted("the connection broke") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Interrupted(type(error).__name__) from None

    def _judge(self, status: int) -> None:
        match status:
            case HTTPStatus.OK | HTTPStatus.PARTIAL_CONTENT:
                return
            case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
                raise Missing(f"{self.place}: there is no such file ({status})")
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                raise SourceForbidden(f"{self.place}: the server does not let us read it ({status})")
            case HTTPStatus.PRECONDITION_FAILED:
                raise SnapshotChanged(f"{self.place}: the file was replaced while the run was reading it")
            case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise SnapshotChanged(f"{self.place}: the file became shorter while the run was reading it")
            case _ if status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Interrupted(str(status))
            case _ if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
                raise Unsupported(f"{self.place}: the server points elsewhere ({status}); name that place itself")
            case _:
                raise Unsupported(f"{self.place}: the server answers {status}")


def _state(headers: Mapping[str, str], offset: int) -> FileState:
    begin, _, total = headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    if total and begin.partition("-")[0] != str(offset):
        raise Interrupted("other bytes than were asked for")
    size = total or headers.get("Content-Length", "")
    return FileState(int(size) if size.isdecimal() else -1, headers.get("ETag") or headers.get("Last-Modified") or "")


async def _body(content: aiohttp.StreamReader, length: int) -> bytes:
    """Read an answer; what came before a connection broke is good."""
    parts = bytearray()
    try:
        while len(parts) < length and (piece := await content.read(PIECE_BYTES)):
            parts += piece
    except (aiohttp.ClientError, TimeoutError, OSError):
        if not parts:
            raise
    if not parts:
        raise Interrupted("an empty answer")
    return bytes(parts[:length])


async def _pour(content: aiohttp.StreamReader, spool: TempFile) -> None:
    async for piece in content.iter_chunked(PIECE_BYTES):
        spool.file.write(piece)
