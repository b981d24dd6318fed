"""Who asks: the identity behind a token, with its role and where it asks from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from pydantic import SecretStr

from producer.access.token import Role
from producer.access.tokens import Tokens
from producer.audit.entry import Author

BOOTSTRAP: Final = "admin"
"""The name of whoever holds ADMIN_TOKEN; no issued token may have it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whoever stands behind a token; `remote`, `via`: the address they ask from, and by what (`producer.api.client_address`)."""

    name: str
    role: Role
    remote: str = ""
    via: str = ""

    @property
    def author(self) -> Author:
        """As whom the trail knows them."""
        return Author(self.name, self.role.value, self.remote, self.via)

    @property
    def is_admin(self) -> bool:
        """Whether everything is open to them."""
        return self.role is Role.ADMIN


Identify = Callable[[str], Awaitable[Identity | None]]
"""From the token presented to whose it is; None if nobody's."""


class Identities:
    """The bootstrap token, whose holder is an administrator whatever the store says, and the tokens that were issued."""

    def __init__(self, admin_token: SecretStr, tokens: Tokens) -> None:
        self._digest = _digest(admin_token.get_secret_value())
        self._tokens = tokens

    async def __call__(self, presented: str) -> Identity | None:
        """Compare in constant time: digests, so that not even the length can be measured. StoreError."""
        if compare_digest(self._digest, _digest(presented)):
            return Identity(BOOTSTRAP, Role.ADMIN)
        token = await self._tokens.known(presented)
        return None if token is None else Identity(token.name, token.role)


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogateescape")).digest()
