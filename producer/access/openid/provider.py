"""Asks the provider: its description, its keys, a token for a code, and whom it is about; it believes no ID token.

Through the session that everything goes through: https to public addresses only, except trusted hosts. No redirect is
followed, and no answer is read past a bound.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlsplit

import aiohttp
from pydantic import ValidationError

from producer.access.openid.config import Discovered, OpenIdConfig
from producer.access.openid.errors import Declined, Down, Untrusted
from producer.access.openid.id_token import Keys, keys_from
from wire.activecampaign.errors import ActiveCampaignError
from wire.http.hosts import InvalidHost, read_host
from wire.http.session import Session

DISCOVERY: Final = "/.well-known/openid-configuration"
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
ANSWER_BYTES_MAX: Final = 1 << 20
WORD_CHARACTERS_MAX: Final = 40


class Granted(NamedTuple):
    """What a code is worth."""

    id_token: str
    access_token: str | None


class Provider:
    """One provider, asked anew each time: whatever it changes holds from the next login on."""

    def __init__(self, session: Session, config: OpenIdConfig, trusted_hosts: frozenset[str] = frozenset()) -> None:
        self._session = session
        self._config = config
        self._trusted = trusted_hosts
        self._discovering: asyncio.Task[Discovered] | None = None

    async def discover(self) -> Discovered:
        """Read the provider's description of itself; Down, Untrusted.

        Whoever asks meanwhile hears the same answer: anybody may begin a login, and nobody shall flood a provider with it.
        """
        if self._discovering is None or self._discovering.done():
            self._discovering = asyncio.create_task(self._discover())
        return await asyncio.shield(self._discovering)

    async def _discover(self) -> Discovered:
        document = await self._get(self._config.issuer.rstrip("/") + DISCOVERY)
        try:
            found = Discovered.model_validate(document)
        except ValidationError:
            raise Down("the provider's description of itself is not as OpenID Connect says") from None
        if found.issuer != self._config.issuer:
            raise Untrusted("the provider calls itself another issuer than OIDC_ISSUER")
        for place in (found.authorization_endpoint, found.end_session_endpoint):
            # These are for the browser: no session of ours looks where they lead.
            if place is not None:
                self._check(place)
        return found

    async def keys(self, found: Discovered) -> Keys:
        """Read the provider's keys; Down, Untrusted."""
        return keys_from(await self._get(found.jwks_uri))

    async def redeem(self, found: Discovered, *, code: str, verifier: str) -> Granted:
        """Redeem a code; Down, Declined."""
        config = self._config
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": config.redirect_uri,
            "code_verifier": verifier,
        }
        headers = {}
        secret = config.client_secret.get_secret_value()
        if "client_secret_basic" in found.token_endpoint_auth_methods_supported:
            # Both are encoded as in a form before they are put together. Source: RFC 6749, section 2.3.1.
            pair = f"{quote_plus(config.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": config.client_id, "client_secret": secret}
        status, document = await self._ask("POST", found.token_endpoint, headers=headers, data=form)
        if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            raise Declined(f"the provider gives nothing for the code: {form_value(document, 'error')}")
        id_token = document.get("id_token") if isinstance(document, dict) else None
        if status != HTTPStatus.OK or not isinstance(id_token, str):
            raise Down(f"the provider answers {status} and no ID token")
        access_token = document.get("access_token")
        return Granted(id_token, access_token if isinstance(access_token, str) else None)

    async def about(self, found: Discovered, access_token: str, subject: str) -> Mapping[str, Any]:
        """Read further claims of a person, for providers that keep ID tokens short; Down, Untrusted."""
        if found.userinfo_endpoint is None:
            return {}
        document = await self._get(found.userinfo_endpoint, {"Authorization": f"Bearer {access_token}"})
        if not isinstance(document, dict):
            raise Down("the provider says nothing of a person that can be read")
        if document.get("sub") != subject:
            raise Untrusted("the provider tells of another person than the ID token: sub")
        return document

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        status, document = await self._ask("GET", url, headers=headers)
        if status != HTTPStatus.OK:
            raise Down(f"the provider answers {status}")
        return document

    async def _ask(self, method: str, url: str, **said: Any) -> tuple[int, Any]:
        try:
            async with self._session.request(method, url, allow_redirects=False, timeout=TIMEOUT, **said) as response:
                body = await response.content.read(ANSWER_BYTES_MAX)
                while more := await response.content.read(ANSWER_BYTES_MAX):
                    body += more
                    if len(body) > ANSWER_BYTES_MAX:
                        raise Down("the provider's answer has no end")
                return response.status, json.loads(body)
        except (aiohttp.ClientError, TimeoutError, OSError, ActiveCampaignError) as error:
            raise Down(f"the provider does not answer: {type(error).__name__}") from None
        except ValueError:
            raise Down(f"the provider answers {response.status} and no JSON") from None

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            read_host(f"{parts.scheme}://{parts.netloc}", self._trusted)
        except InvalidHost as error:
            raise Untrusted(f"the provider sends people where nobody is sent: {error}") from None


def form_value(document: Any, name: str) -> str:
    """One of the protocol's own words in an answer (`invalid_grant`); nothing that is not plainly such a word."""
    said = document.get(name) if isinstance(document, dict) else None
    return (
        said
        if isinstance(said, str) and said.replace("_", "").isalnum() and len(said) <= WORD_CHARACTERS_MAX
        else "no word of why"
    )
