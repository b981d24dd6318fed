"""Keeps who is signed in to the page: a cookie of 256 random bits, of which only the digest is stored.

A session is as good as what it stands on. One that began with a token asks after that token at every request, so that it
ends when the token is revoked or its time is over; one that began with ADMIN_TOKEN ends when the setting changes.
"""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as keyed_digest
from typing import Final

from pydantic import SecretStr

from producer.access.session_store import SessionStore
from producer.access.token import Role
from producer.access.tokens import PRESENTED, Tokens
from producer.services.identity import BOOTSTRAP, Identity
from wire.store import codec

COOKIE_BYTES: Final = 32
LASTS_MS: Final = 12 * 60 * 60 * 1000
"""A working day: whoever leaves a browser open has left the page by the next one."""


@dataclass(frozen=True, slots=True)
class SessionGrounds:
    """What a session stands on: a `token` by its id, the `settings` by a mark, or a `provider` that vouched for somebody.

    `name` and `role` are what the provider said; a token's are asked for anew, since they are the token's own.
    """

    by: str
    mark: str = ""
    name: str = ""
    role: str = ""


class Sessions:
    """Begins, knows and ends sessions of the page."""

    def __init__(
        self, store: SessionStore, tokens: Tokens, admin_token: SecretStr, *, lasts_ms: int = LASTS_MS
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._admin_token = admin_token
        self._lasts_ms = lasts_ms

    async def begin_with_token(self, presented: str, identity: Identity) -> str:
        """Begin a session for whom a token was found to be; return the cookie. StoreError."""
        said = PRESENTED.fullmatch(presented)
        if identity.name == BOOTSTRAP or said is None:
            return await self._begin(lambda cookie: SessionGrounds("settings", self._mark(cookie)))
        token_id = said[1]
        return await self._begin(lambda _: SessionGrounds("token", token_id))

    async def begin_with_provider(self, identity: Identity) -> str:
        """Begin a session for somebody whom an identity provider vouched for; return the cookie. StoreError."""
        return await self._begin(lambda _: SessionGrounds("provider", name=identity.name, role=identity.role))

    async def known(self, cookie: str) -> Identity | None:
        """Tell whose a cookie is; None if nobody's, or if what its session stood on is gone. StoreError."""
        found = await self._store.read(_digest(cookie)) if cookie else None
        if found is None:
            return None
        grounds = SessionGrounds(**codec.decode(found))
        match grounds.by:
            case "settings":
                stands = compare_digest(grounds.mark, self._mark(cookie))
                return Identity(BOOTSTRAP, Role.ADMIN) if stands else None
            case "token":
                token = await self._tokens.standing(grounds.mark)
                return None if token is None else Identity(token.name, token.role)
            case _:
                return Identity(grounds.name, Role(grounds.role))

    async def end(self, cookie: str) -> None:
        """End a session, wherever its cookie may have been copied to. StoreError."""
        await self._store.end(_digest(cookie))

    async def _begin(self, grounds: Callable[[str], SessionGrounds]) -> str:
        cookie = secrets.token_hex(COOKIE_BYTES)
        document = codec.text(asdict(grounds(cookie)))
        await self._store.save(_digest(cookie), document, self._lasts_ms)
        return cookie

    def _mark(self, cookie: str) -> str:
        """Tie a session to ADMIN_TOKEN: with the cookie as key, which is not stored, nobody can guess their way back."""
        return keyed_digest(cookie.encode(), self._admin_token.get_secret_value().encode(), "sha256").hex()


def _digest(cookie: str) -> str:
    return sha256(cookie.encode(errors="surrogateescape")).hexdigest()
