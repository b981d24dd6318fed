"""Judges an ID token: who signed it, for whom, when, and for which login; pure, and all cryptography is joserfc's.

Pure.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from producer.access.openid.config import OpenIdConfig
from producer.access.openid.errors import Untrusted

Keys: TypeAlias = KeySet
"""The keys of a provider: the one name of joserfc's that others need."""

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
"""Signatures with a key that only the provider has: never `none`, and none made with the client's secret."""

LEEWAY_SECONDS: Final = 60
"""By how much a provider's clock may differ from ours."""


def keys_from(document: Any) -> Keys:
    """Read a provider's keys, without those for encryption and of kinds that nobody here knows; Untrusted."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise Untrusted("the provider's keys are no JSON Web Key Set")
    keys = [key for each in listed if isinstance(each, dict) and (key := _key(each)) is not None]
    return KeySet(keys)


def verified_claims(id_token: str, keys: Keys, config: OpenIdConfig, *, nonce: str, now: int) -> Mapping[str, Any]:
    """Return the claims of an ID token; Untrusted. `now` in seconds since 1970.

    Source: OpenID Connect Core 1.0, section 3.1.3.7.
    """
    claims = _signed(id_token, keys)
    rules = jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": config.issuer},
        aud={"essential": True, "value": config.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        rules.validate(claims)
    except JoseError as error:
        # The error's own words name the claim and the rule, never what was in it.
        raise Untrusted(
            f"the ID token is not for this login: {error.error} {getattr(error, 'claim', '')}".strip()
        ) from None
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    party = claims.get("azp")
    if party != config.client_id and (party is not None or len(audiences) > 1):
        raise Untrusted("the ID token was issued to another client: azp")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise Untrusted("the ID token does not say whom it is about: sub")
    return claims


def _signed(id_token: str, keys: Keys) -> dict[str, Any]:
    try:
        return dict(jwt.decode(id_token, keys, algorithms=list(ALGORITHMS)).claims)
    except (JoseError, ValueError, TypeError) as error:
        raise Untrusted(f"the ID token's signature is none of the provider's: {type(error).__name__}") from None


def _key(document: dict[str, Any]) -> Key | None:
    if document.get("use", "sig") != "sig":
        return None
    try:
        return JWKRegistry.import_key(document)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
