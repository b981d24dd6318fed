"""Keeps who may call the API: named tokens with a role and an end, of which only digests are stored.

What is handed out is `sgx_ID_SECRET`. The id finds the record; the secret, 256 random bits, is compared by its digest in
constant time, so that a search tells nothing about it. Nothing is remembered outside of the store: a revoked token is
nobody's from the moment on that `revoke` returned.

* TokenError
  x TokenNameTaken   another token has the name: revoke it first.
  x NoSuchToken      there is none of that name.
"""

import re
import secrets
from contextlib import suppress
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from pydantic import SecretStr

from producer.access.token import NoSuchToken, Token, TokenNameTaken
from producer.audit.entry import SYSTEM, Author, audit_text, author_as_text, differences
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store
from wire.store.results import Unwritable

MARK: Final = "sgx"
"""What tokens begin with, so that scanners for leaked secrets can know them."""

SECRET_BYTES: Final = 32
PRESENTED: Final = re.compile(rf"{MARK}_([0-9a-f]{{1,32}})_([0-9a-f]{{{2 * SECRET_BYTES}}})")

USE_NOTED_EVERY_MS: Final = 60_000
"""How exactly `used` is kept: a write for every call would be on disk for nobody's sake."""


class Tokens:
    """Issues, knows and revokes tokens; a change is one script, on disk when its method returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def issue(self, token: Token, *, by: Author = SYSTEM) -> SecretStr:
        """Keep a new token and return what its owner has to show, this once; TokenNameTaken."""
        secret = secrets.token_hex(SECRET_BYTES)
        document = codec.text(token.document())
        said = author_as_text(by, changes=differences({}, audit_text(token.document())))
        word = await self._store.keep(
            "save_token", token.id, token.name, document, _digest(secret), token.expires, said
        )
        if word != b"saved":
            raise TokenNameTaken(f"there is a token {token.name!r} already")
        return SecretStr(f"{MARK}_{token.id}_{secret}")

    async def known(self, presented: str) -> Token | None:
        """Tell whose a presented token is; None for one that is nobody's, was revoked, or whose time is over."""
        said = PRESENTED.fullmatch(presented)
        if said is None:
            return None
        token_id, secret = said.groups()
        found = await self._store.run("read_token", token_id, USE_NOTED_EVERY_MS)
        if found is None:
            return None
        document, digest, is_due = found
        if not compare_digest(digest, _digest(secret)):
            return None
        if is_due:
            with suppress(Unwritable):  # a full store keeps nobody out
                await self._store.run("note_token_use", token_id)
        return Token.from_document(codec.decode(document))

    async def standing(self, token_id: str) -> Token | None:
        """Tell what stands under a token's id, for a session that began with it; None once it is nobody's."""
        found = await self._store.run("read_token", token_id, USE_NOTED_EVERY_MS)
        return None if found is None else Token.from_document(codec.decode(found[0]))

    async def all(self) -> list[Token]:
        """Read all tokens by name, those whose time is over among them."""
        ids = await self._store.hash(key("tokens"))
        found = await self._store.hashes([key("token", of.decode()) for _, of in sorted(ids.items())])
        return [_token(fields["document"], fields.get("used")) for fields in found if fields]

    async def revoke(self, name: str, *, by: Author = SYSTEM) -> Token:
        """Make a token nobody's and return what it was; NoSuchToken."""
        found = await self._store.keep("revoke_token", name, author_as_text(by))
        if found is None:
            raise NoSuchToken(f"there is no token {name!r}")
        document, used = found
        return _token(document, used)


def _token(document: bytes, used: bytes | None) -> Token:
    return Token.from_document(codec.decode(document), int(used) if used else None)


def _digest(secret: str) -> bytes:
    """Digest a secret: one that nobody could guess needs neither salt nor many rounds."""
    return sha256(secret.encode()).hexdigest().encode()
