"""Signs webhooks as Standard Webhooks say, version `v1`: HMAC-SHA256 over id, time and body. Pure.

Source: https://www.standardwebhooks.com, "Signature scheme". Its own package does no more, and brings an HTTP client along.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr

PREFIX: Final = "whsec_"
BYTES_MIN: Final = 24
BYTES_MAX: Final = 64
BYTES: Final = 32
"""Of a secret that we make; those that are given to us have 24 to 64, as the scheme recommends."""


def secret_of(key: bytes) -> SecretStr:
    """Write a key as people exchange it."""
    return SecretStr(PREFIX + base64.b64encode(key).decode())


def check_secret(secret: SecretStr) -> SecretStr:
    """Return a secret that somebody set; ValueError says what it must be, and repeats nothing of it."""
    try:
        key = _key(secret)
    except (ValueError, binascii.Error):
        key = b""
    if not BYTES_MIN <= len(key) <= BYTES_MAX:
        raise ValueError(f"must be {PREFIX} and {BYTES_MIN} to {BYTES_MAX} bytes in Base64")
    return secret


def headers(secret: SecretStr, message: str, now_seconds: int, body: bytes) -> Mapping[str, str]:
    """Write the headers by which a receiver knows that a body is ours, and new."""
    signed = f"{message}.{now_seconds}.".encode() + body
    signature = base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()
    return {"webhook-id": message, "webhook-timestamp": str(now_seconds), "webhook-signature": f"v1,{signature}"}


def _key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value()
    if not text.startswith(PREFIX):
        raise ValueError
    return base64.b64decode(text.removeprefix(PREFIX), validate=True)
