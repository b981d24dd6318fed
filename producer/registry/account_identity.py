"""What tells one ActiveCampaign account from another: the API key, and its oldest lists. Pure.

An account answers under more than one host, and no field of it is known to be its id. The same key is of the same account. So,
practically, are the same lists, by id, `stringid` and `cdate`. Of key and lists keyed hashes are kept, so that neither can be
read or guessed from the record.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import SecretStr

KEY_BYTES: Final = 32
KEY_DIGEST_BYTES: Final = 32
LIST_DIGEST_BYTES: Final = 8
LISTS_MOST: Final = 20


class KnownBy(StrEnum):
    """By what we know which account a connection is of."""

    HOST = "host"
    API_KEY = "api_key"
    LISTS = "lists"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class ListIdentity:
    """One of an account's oldest lists; `created` and `stringid` are digests, empty where the account did not say."""

    id: str
    created: str
    stringid: str


@dataclass(frozen=True, slots=True)
class AccountIdentity:
    """What a connection's host and key showed; `lists` None: they could not be read."""

    host: str
    key: str
    lists: tuple[ListIdentity, ...] | None = None

    def document(self) -> dict[str, Any]:
        """What is kept of it."""
        lists = None if self.lists is None else [[one.id, one.created, one.stringid] for one in self.lists]
        return {"host": self.host, "key": self.key, "lists": lists}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "AccountIdentity":
        """Read what `document` wrote."""
        lists = document["lists"]
        return cls(
            document["host"], document["key"], None if lists is None else tuple(ListIdentity(*one) for one in lists)
        )


def digest_of_key(api_key: SecretStr, secret: bytes) -> str:
    """Hash an API key so that only who holds the secret can tell whether another is the same."""
    written = b"key\0" + api_key.get_secret_value().encode(errors="surrogatepass")
    return hmac.digest(secret, written, "sha256")[:KEY_DIGEST_BYTES].hex()


def identity_of_list(list_id: str, stringid: str, created: str, secret: bytes) -> ListIdentity:
    """Hash what does not change of a list."""
    return ListIdentity(
        list_id, _digest("created", list_id, _instant(created), secret), _digest("stringid", list_id, stringid, secret)
    )


def oldest(lists: Iterable[ListIdentity]) -> tuple[ListIdentity, ...]:
    """Keep the oldest of these, by their ids."""
    numbered = {one.id: one for one in lists if one.id.isdecimal()}
    return tuple(sorted(numbered.values(), key=lambda one: int(one.id))[:LISTS_MOST])


def are_different(one: AccountIdentity, other: AccountIdentity) -> bool:
    """Whether these two cannot be the same account: under one id they have lists that were made at different times.

    Where the keys are not the same either, another `stringid` says so, too: a list may be renamed between two looks.
    """
    for mine, theirs in _common_lists(one, other):
        if mine.created and theirs.created and mine.created != theirs.created:
            return True
        if one.key != other.key and mine.stringid and theirs.stringid and mine.stringid != theirs.stringid:
            return True
    return False


def same_account(one: AccountIdentity, other: AccountIdentity) -> KnownBy | None:
    """By what these two are known to be the same account; None where they are not."""
    if are_different(one, other):
        return None
    if one.key == other.key:
        return KnownBy.API_KEY
    return KnownBy.LISTS if any(mine.created and mine == theirs for mine, theirs in _common_lists(one, other)) else None


def _common_lists(one: AccountIdentity, other: AccountIdentity) -> Iterable[tuple[ListIdentity, ListIdentity]]:
    theirs = {each.id: each for each in other.lists or ()}
    return [(each, theirs[each.id]) for each in one.lists or () if each.id in theirs]


def _digest(what: str, list_id: str, value: str, secret: bytes) -> str:
    if not value:
        return ""
    return hmac.digest(secret, f"{what}\0{list_id}\0{value}".encode(errors="surrogatepass"), "sha256")[
        :LIST_DIGEST_BYTES
    ].hex()


def _instant(text: str) -> str:
    """Write a time in UTC: the same one is told in the time zone of the account, which may be changed."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found.isoformat() if found.tzinfo is None else found.astimezone(UTC).isoformat()
