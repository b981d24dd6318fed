"""Posts messages to webhooks, over the session that is held to public hosts; redirects lead out of that and are not followed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import aiohttp
from pydantic import SecretStr

from producer.notifications.attempts import Attempt, AttemptOutcome
from producer.notifications.signing import headers
from wire.activecampaign.errors import ActiveCampaignError, Refused
from wire.http.hosts import InvalidHost, is_trusted, read_host
from wire.http.retry_after import retry_after_seconds
from wire.http.session import Session

TIMEOUT: Final = aiohttp.ClientTimeout(total=20)
"""Standard Webhooks give a receiver 15 to 30 seconds."""

AGENT: Final = "segment-export"


def read_url(text: str, trusted: frozenset[str]) -> str:
    """Return a webhook's URL as it is called; ValueError unless its host is https and public, or trusted."""
    scheme, colon, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    if not colon or "#" in text or "?" in authority:
        raise ValueError("must be a URL like https://hooks.example.com/segment-export")
    try:
        host = read_host(f"{scheme}://{authority}", trusted)
    except InvalidHost:
        raise ValueError("must be https, and at a public host by its name, without a user or password") from None
    return f"{scheme.lower() if is_trusted(host, trusted) else 'https'}://{host}{slash}{path}"


class Webhooks:
    """Sends one message at a time, once."""

    def __init__(self, session: Session, clock_seconds: Callable[[], float] = time.time) -> None:
        self._session = session
        self._clock_seconds = clock_seconds

    async def send(self, url: str, secret: SecretStr, message: str, body: bytes) -> Attempt:
        """Post a signed message and say what came of it."""
        now = int(self._clock_seconds())
        signed = {**headers(secret, message, now, body), "Content-Type": "application/json", "User-Agent": AGENT}
        try:
            async with self._session.post(
                url, data=body, headers=signed, allow_redirects=False, timeout=TIMEOUT
            ) as response:
                return _judged(response)
        except Refused:
            return Attempt(AttemptOutcome.FAILED, "the host is not public, or is not spoken to by https")
        except (aiohttp.ClientError, ActiveCampaignError, TimeoutError, ValueError) as error:
            return Attempt(AttemptOutcome.FAILED, f"no answer: {type(error).__name__}")


def _judged(response: aiohttp.ClientResponse) -> Attempt:
    status = response.status
    if HTTPStatus(200) <= status < HTTPStatus(300):
        return Attempt(AttemptOutcome.DELIVERED, f"HTTP {status}")
    if status == HTTPStatus.GONE:
        return Attempt(AttemptOutcome.DEAD, "HTTP 410: the receiver wants no more of this")
    if HTTPStatus(300) <= status < HTTPStatus(400):
        return Attempt(
            AttemptOutcome.FAILED, f"HTTP {status}: redirects are not followed, give the address it leads to"
        )
    date = response.headers.get("Date")
    wait = retry_after_seconds(response.headers.get("Retry-After"), date=date, now=datetime.now(UTC))
    return Attempt(AttemptOutcome.FAILED, f"HTTP {status}", wait or 0)
