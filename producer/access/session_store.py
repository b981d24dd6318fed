"""Keeps sessions of the page and API keys on their way into a connection, each by the digest of a secret, for a limited time."""

from wire.store.keys import key
from wire.store.redis import Store


class SessionStore:
    """Sessions of the page. A document says what a session stands on; the cookie itself is never stored."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def save(self, digest: str, document: str, lasts_ms: int) -> None:
        """Keep a session; on disk when it returns. Raises StoreError."""
        await self._store.keep("save_session", digest, document, lasts_ms)

    async def read(self, digest: str) -> bytes | None:
        """Read a session's document; None if there is none. Raises StoreError."""
        return await self._store.value(key("session", digest))

    async def end(self, digest: str) -> None:
        """End a session; on disk when it returns. Raises StoreError."""
        await self._store.keep("end_session", digest)


class PendingKeyStore:
    """Sealed API keys between "Connect" and "Save"."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def save(self, digest: str, sealed: bytes, lasts_ms: int) -> None:
        """Keep a sealed key; on disk when it returns. Raises StoreError."""
        await self._store.keep("save_draft", digest, sealed, lasts_ms)

    async def read(self, digest: str) -> bytes | None:
        """Read a sealed key; None if its time is over. Raises StoreError."""
        return await self._store.value(key("draft", digest))
