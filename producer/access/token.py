"""A token, the role it gives, and what is wrong with one. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class TokenError(Exception):
    """A change of tokens was not made."""


class TokenNameTaken(TokenError):
    """The name is another's."""


class NoSuchToken(TokenError):
    """There is none of that name."""


class Role(StrEnum):
    """What somebody is to us."""

    ADMIN = "admin"
    CONTRIBUTOR = "contributor"
    VIEWER = "viewer"
    PUBLISHER = "publisher"


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret; `id` in hexadecimal digits, times in milliseconds since 1970, `used` to the minute."""

    id: str
    name: str
    role: Role
    created: int
    created_by: str
    expires: int
    used: int | None = None

    def document(self) -> dict[str, Any]:
        """What is kept of it; when it was used is kept beside, so that a script can note it."""
        return {name: value for name, value in asdict(self).items() if name != "used"}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], used: int | None = None) -> "Token":
        """Read what `document` wrote."""
        return cls(**{**document, "role": Role(document["role"])}, used=used)
