"""What an operator and a provider have agreed on, and the words of its discovery document; pure. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, SecretStr

from producer.access.token import Role

CALLBACK: Final = "/login/openid/back"
"""Where the provider sends people back to; registered there together with PUBLIC_URL."""

ROLES_OF_PEOPLE: Final = (Role.ADMIN, Role.CONTRIBUTOR, Role.VIEWER)
"""From the one that may most to the one that may least; publishers are programs, and show tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdConfig:
    """How people log in: at which provider, as whose client, and which values of which claim mean which role."""

    issuer: str
    client_id: str
    client_secret: SecretStr
    roles_claim: str
    roles: Mapping[str, Role]
    name_claim: str
    scopes: tuple[str, ...]
    public_url: str

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to."""
        return self.public_url + CALLBACK


class Discovered(BaseModel):
    """A provider's description of itself, as far as it matters here. Source: OpenID Connect Discovery 1.0, section 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False


def roles_from(text: str) -> dict[str, Role]:
    """Read `value=role,value=role`; a value may hold `=`. ValueError."""
    roles: dict[str, Role] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        value, equals, role = (each.strip() for each in part.rpartition("="))
        if not equals or not value or role not in ROLES_OF_PEOPLE:
            allowed = ", ".join(ROLES_OF_PEOPLE)
            raise ValueError(f"must be value=role, comma-separated, with a role of {allowed}, not {part!r}")
        if roles.get(value, role) != role:
            raise ValueError(f"gives {value!r} two roles")
        roles[value] = Role(role)
    if not roles:
        raise ValueError("names no role, so that nobody could log in")
    return roles
