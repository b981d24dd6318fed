"""Logs people in: begun with a redirect, finished with what comes back; between the two the browser keeps a sealed note.

The note holds what only whoever began can know (state, nonce, PKCE's verifier) and is good for ten minutes, on every
producer that has the same SECRET_KEYS. What comes back is worth something only beside it: nobody can be logged in by
a link that somebody else sends them.
"""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from producer.access.openid.config import Discovered, OpenIdConfig
from producer.access.openid.errors import Declined, OpenIdError, Stale, Untrusted
from producer.access.openid.id_token import verified_claims
from producer.access.openid.provider import Provider, form_value
from producer.access.openid.roles import Person, claim, identify_person
from wire.process.units import SECOND_MS
from wire.vault import SecretError, Vault

BEGUN_SECONDS: Final = 600
"""How long somebody may take to log in at the provider."""

PURPOSE: Final = "a login by OpenID Connect"
RANDOM_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a browser goes to log in, and the note that it keeps until it comes back."""

    url: str
    note: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Who logged in, and where they were going."""

    person: Person
    wanted: str


@dataclass(frozen=True, slots=True)
class _Note:
    state: str
    nonce: str
    verifier: str
    wanted: str
    until: int


class Login:
    """Begins and finishes logins at one provider; times are in milliseconds since 1970."""

    def __init__(self, provider: Provider, vault: Vault, config: OpenIdConfig) -> None:
        self._provider = provider
        self._vault = vault
        self._config = config

    @property
    def host(self) -> str:
        """The provider by a name that people may know."""
        return urlsplit(self._config.issuer).hostname or self._config.issuer

    async def begin(self, now: int, wanted: str = "") -> Begun:
        """Begin a login of somebody who was going somewhere; Down, Untrusted."""
        found = await self._provider.discover()
        state, nonce, verifier = (secrets.token_urlsafe(RANDOM_BYTES) for _ in range(3))
        note = _Note(state, nonce, verifier, wanted, now + BEGUN_SECONDS * SECOND_MS)
        asked = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": self._config.redirect_uri,
            "scope": " ".join(self._config.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        sealed = self._vault.seal(PURPOSE, SecretStr(json.dumps(asdict(note))))
        return Begun(_extended(found.authorization_endpoint, asked), sealed.decode())

    async def finish(self, note: str, query: Mapping[str, str], now: int) -> Finished:
        """Finish a login with what the provider sent back; OpenIdError."""
        kept = self._kept(note, now)
        if not compare_digest(query.get("state", "").encode(errors="surrogatepass"), kept.state.encode()):
            raise Stale("what came back belongs to another login than the one begun in this browser")
        if "error" in query:
            raise Declined(f"the provider says: {form_value(query, 'error')}")
        if "code" not in query:
            raise Stale("what came back is no answer to a login")
        found = await self._provider.discover()
        issuer = query.get("iss")
        if issuer != found.issuer and (issuer is not None or found.authorization_response_iss_parameter_supported):
            raise Untrusted("another provider answers than was asked: iss")  # RFC 9207
        granted = await self._provider.redeem(found, code=query["code"], verifier=kept.verifier)
        claims = dict(await self._believed(found, granted.id_token, kept.nonce, now))
        if granted.access_token and claim(claims, self._config.roles_claim) is None:
            claims |= await self._provider.about(found, granted.access_token, claims["sub"])
        return Finished(identify_person(claims, self._config), kept.wanted)

    async def goodbye(self, back_to: str) -> str | None:
        """Where somebody logs out at the provider, too; None where it has no such place, or does not answer."""
        try:
            found = await self._provider.discover()
        except OpenIdError:
            return None
        if found.end_session_endpoint is None:
            return None
        said = {"client_id": self._config.client_id, "post_logout_redirect_uri": self._config.public_url + back_to}
        return _extended(found.end_session_endpoint, said)

    def _kept(self, note: str, now: int) -> _Note:
        try:
            kept = _Note(**json.loads(self._vault.open(PURPOSE, note.encode()).get_secret_value()))
        except (SecretError, ValueError, TypeError):
            raise Stale("no login was begun in this browser") from None
        if now > kept.until:
            raise Stale("the login was begun too long ago")
        return kept

    async def _believed(self, found: Discovered, id_token: str, nonce: str, now: int) -> Mapping[str, Any]:
        keys = await self._provider.keys(found)
        return verified_claims(id_token, keys, self._config, nonce=nonce, now=now // SECOND_MS)


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _extended(url: str, said: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(said)}"
