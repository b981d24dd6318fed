"""Keeps an API key between "Connect" and "Save", sealed, for a quarter of an hour, for one session and nobody else.

So that whoever looks at what was found need not enter the key again, and no page ever holds it.
"""

import secrets
from hashlib import sha256
from typing import Final

from pydantic import SecretStr

from producer.access.session_store import PendingKeyStore
from producer.services.context import Services
from wire.vault import SecretError

LASTS_MS: Final = 15 * 60 * 1000


class PendingKeys:
    """Keys on their way."""

    def __init__(self, store: PendingKeyStore) -> None:
        self._store = store

    async def keep(self, services: Services, session: str, api_key: SecretStr) -> str:
        """Keep a key for a session; return the word by which it has it again. StoreError."""
        word = secrets.token_hex(16)
        digest = _digest(session, word)
        await self._store.save(digest, services.vault.seal(digest, api_key), LASTS_MS)
        return word

    async def kept(self, services: Services, session: str, word: str) -> SecretStr | None:
        """Return the key; None if its time is over, or the word is another session's. StoreError."""
        digest = _digest(session, word)
        sealed = await self._store.read(digest) if word else None
        try:
            return None if sealed is None else services.vault.open(digest, sealed)
        except SecretError:
            return None


def _digest(session: str, word: str) -> str:
    return sha256(f"{session} {word}".encode(errors="surrogateescape")).hexdigest()
