"""Seals and opens API keys with `cryptography`'s MultiFernet; it stores nothing.

* SecretError
  x Unreadable   no key of ours opens the token: a key was dropped from SECRET_KEYS too early, or the token is damaged.
  x Misplaced    the token was sealed for another connection: somebody moved it in the store.

Fernet has no associated data, so the connection's id is part of what is sealed and is compared when it is opened.
"""

from collections.abc import Sequence
from hmac import compare_digest

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr


class SecretError(Exception):
    """A sealed API key cannot be used."""


class UnreadableSecret(SecretError):
    """None of our keys opens the token."""


class Misplaced(SecretError):
    """The token belongs to another connection."""


class Vault:
    """Seals with the first key and opens with any."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        fernets = [Fernet(key.get_secret_value()) for key in keys]
        self._first = fernets[0]
        self._fernet = MultiFernet(fernets)

    def seal(self, connection_id: str, api_key: SecretStr) -> bytes:
        """Encrypt an API key for one connection."""
        return self._fernet.encrypt(f"{connection_id}\n{api_key.get_secret_value()}".encode())

    def open(self, connection_id: str, token: bytes) -> SecretStr:
        """Decrypt the API key of a connection; SecretError if it is not this connection's, or not ours."""
        try:
            plain = self._fernet.decrypt(token)
        except InvalidToken:
            raise UnreadableSecret(f"no key of ours opens what is sealed for {connection_id}") from None
        owner, _, api_key = plain.partition(b"\n")
        if not compare_digest(owner, connection_id.encode()):
            raise Misplaced(f"what is sealed for {connection_id} belongs to another")
        return SecretStr(api_key.decode())

    def is_current(self, token: bytes) -> bool:
        """Whether a token is sealed with the first key."""
        try:
            self._first.decrypt(token)
        except InvalidToken:
            return False
        return True

    def rotate(self, token: bytes) -> bytes:
        """Seal again with the first key; Unreadable if none opens it."""
        try:
            return self._fernet.rotate(token)
        except InvalidToken:
            raise UnreadableSecret("no key of ours opens the token") from None
