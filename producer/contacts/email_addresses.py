r"""
Reads email addresses: what is sent, what tells two people apart, and what is wrong; asks no server.

An address is accepted if `email-validator` accepts its syntax and ActiveCampaign's published rules do (local part not
empty and without `" ( ) , : ; < > @ [ \ ]`; a domain with a `.` and at least two letters after it and no special
characters). It is sent as it was read, trimmed and in NFC; an international domain in its ASCII form, as those rules
allow no other. A person is known by that address without letter case.

Pure.
"""

import re
import unicodedata
from typing import NamedTuple

import email_validator

from producer.contacts.mapped_rows import RowFault

# Syntax is all that is asked here: `.test` and its kind are what sandboxes and rehearsals are made of.
# The library's documented way is to change its list.
email_validator.SPECIAL_USE_DOMAIN_NAMES = []

ADDRESS_BYTES_MAX = 254
"""RFC 5321, section 4.5.3.1.3, less the brackets around a path."""

ORDINARY = re.compile(
    r"(?=.{6,254}\Z)"
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:(?=[^.]{1,63}\.)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,63}"
)
"""The quick test, for `fullmatch`: whatever passes would also pass the full one and be sent unchanged."""

_IN_ACTIVECAMPAIGN_A_DOMAIN = re.compile(r"[a-z0-9.-]+\.(?:[a-z]{2,}|xn--[a-z0-9-]+)")

# What copying from a web page leaves at the ends, and Python's strip() does not take for white space.
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


class Address(NamedTuple):
    """An address to send."""

    sent: str

    @property
    def key(self) -> str:
        """What tells people apart."""
        return self.sent.lower()


class UnusableAddress(NamedTuple):
    """What is wrong with an address."""

    code: RowFault
    reason: str


def read_address(text: str) -> Address | UnusableAddress:
    """Read one address, by the quick test where that is enough and by all rules where it is not."""
    trimmed = text.strip()
    if ORDINARY.fullmatch(trimmed):
        return Address(trimmed)
    return check_address(text)


def check_address(text: str) -> Address | UnusableAddress:
    """Read one address by all rules."""
    trimmed = _trimmed(text)
    if not trimmed:
        return UnusableAddress(RowFault.EMAIL_MISSING, "There is no email address.")
    # Asked first, so that no rule below sees a megabyte.
    if len(trimmed.encode()) > ADDRESS_BYTES_MAX:
        return UnusableAddress(RowFault.EMAIL_TOO_LONG, f"The email address is longer than {ADDRESS_BYTES_MAX} bytes.")
    try:
        found = email_validator.validate_email(trimmed, check_deliverability=False)
    except email_validator.EmailNotValidError as error:
        return UnusableAddress(RowFault.EMAIL_INVALID, str(error))
    domain = found.ascii_domain or ""
    if not _IN_ACTIVECAMPAIGN_A_DOMAIN.fullmatch(domain):
        return UnusableAddress(
            RowFault.EMAIL_INVALID, "The part after the @-sign does not end in a top-level domain of letters."
        )
    return Address(f"{found.local_part}@{domain}")


def address_key(text: str) -> str | None:
    """Return what tells this person from others, also where the address is invalid; None where there is none."""
    match read_address(text):
        case Address() as address:
            return address.key
        case UnusableAddress():
            return _trimmed(text).lower() or None


def _trimmed(text: str) -> str:
    bare = text.strip().strip(_INVISIBLE).strip()
    return bare if bare.isascii() else unicodedata.normalize("NFC", bare)
