"""Who is forgotten: known by keyed hashes, so that nobody of them is sent again, and nobody can be read from the record. Pure."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

DIGEST_BYTES: Final = 16
KEY_BYTES: Final = 32


def digest_of(address: str, key: bytes) -> str:
    """Hash an address so that only who holds the key can tell whose it is."""
    return hmac.digest(key, address.encode(errors="surrogatepass"), "sha256")[:DIGEST_BYTES].hex()


def by_id(person: bytes) -> str:
    """How the keyed hash of an id stands among those of addresses."""
    return f"id:{person.hex()}"


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """Everybody who is forgotten, at one moment: `address in forgotten`, or `has` their person."""

    key: bytes = b""
    digests: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.digests)

    def has(self, person: bytes) -> bool:
        """Whether somebody is forgotten by their id, of which this is the keyed hash (`wire.chunk_queue.membership_entry`)."""
        return bool(self.digests) and by_id(person) in self.digests

    def __contains__(self, address: str) -> bool:
        return bool(self.digests) and digest_of(address, self.key) in self.digests


ReadSuppressionList = Callable[[], Awaitable[SuppressionList]]


async def empty_suppression_list() -> SuppressionList:
    """Forget nobody."""
    return SuppressionList()
