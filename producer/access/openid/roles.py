"""From a person's claims to a name and a role here; pure. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from producer.access.openid.config import ROLES_OF_PEOPLE, OpenIdConfig
from producer.access.openid.errors import NoRole
from producer.access.token import Role

NAME_CHARACTERS_MAX: Final = 100
MARK: Final = "openid:"
"""What such names begin with: none is ever the name of a token, nor the administrator's of the settings."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever logged in, under the name that stands where they agree to or change something."""

    name: str
    role: Role


def identify_person(claims: Mapping[str, Any], config: OpenIdConfig) -> Person:
    """Say who the claims are about and what they may; NoRole. Of several roles the one that may most counts."""
    said = values(claim(claims, config.roles_claim))
    given = {config.roles[value] for value in said if value in config.roles}
    role = next((role for role in ROLES_OF_PEOPLE if role in given), None)
    if role is None:
        raise NoRole(f"the claim {config.roles_claim} has {len(said)} values, and none of them stands for a role")
    return Person(MARK + _name(claims, config), role)


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """Find a claim by its name, or by the path of names to it: some providers nest (`realm_access.roles`)."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def values(said: Any) -> list[str]:
    """Read a claim that is a list, or a single word; anything else says nothing."""
    if isinstance(said, str):
        return [said]
    return [each for each in said if isinstance(each, str)] if isinstance(said, list) else []


def _name(claims: Mapping[str, Any], config: OpenIdConfig) -> str:
    told = claim(claims, config.name_claim)
    name = "".join(filter(str.isprintable, told)).strip() if isinstance(told, str) else ""
    return (name or str(claims["sub"]))[:NAME_CHARACTERS_MAX]
