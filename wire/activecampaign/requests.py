"""The one place that knows how an import request is written, and how to take one apart again; sends nothing.

Contacts travel as bytes: each is encoded once, when it is mapped, and chunks only join and part them.

Pure.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from wire.store import codec

MAX_CONTACTS: Final = 250
"""Contacts in one import request. Source: ActiveCampaign's API reference, bulk import, "contacts <= 250"."""

MAX_BODY_BYTES: Final = 399_999
"""Bytes of the body of one import request. Source: ActiveCampaign's API reference, bulk import, "payload < 400,000"."""

_EMAIL: Final = re.compile(rb'\{"email":"(?<=[\[,]\{"email":")([^"]*)"')
"""What a contact begins with, and nothing else does: a former address is behind a colon, and quotes within a text are escaped.
It looks back for the bracket or comma, as a pattern that begins with a plain text is found six times as fast."""


FORMER: Final = "former"
"""The one key of a contact that is none of ActiveCampaign's."""


How = Literal["update", "check", "updated", "newcomer", "nobody"]
"""What is to become of the contact of a former address. `update`: it is to have the new one; `check`: it keeps the old one, and
may have opted out. And when that is done: it is `updated`, or the person is a `newcomer`, or `nobody` has the old address."""


class Former(NamedTuple):
    """The address that a person is known by at ActiveCampaign, and what is to become of that contact."""

    email: str
    how: How


def contact_json(  # noqa: PLR0913  a contact is what a contact is
    *,
    email: str,
    first_name: str | None,
    last_name: str | None,
    phone: str | None,
    fields: Sequence[tuple[int, str]],
    tags: Sequence[str],
    list_id: str | int,
    automations: bool,
    membership: Literal["subscribe", "unsubscribe"] | None = "subscribe",
) -> bytes:
    """Encode one contact as it stands in an import request, in raw UTF-8; what is empty is left out, never sent blank.

    `fields` are pairs of a custom field's id and its value. The contact is subscribed to the list, or taken off it, or its
    `membership` is left alone; the importer itself keeps out who has opted out. Keys are in snake case: ActiveCampaign
    drops others silently. The list's
    id is text, as the vendor's schema has it (its example has a number, and either is accepted); a field's is a number.
    ValueError if `list_id` is no number, TypeError if a text has no UTF-8 form.
    """
    contact: dict[str, Any] = {"email": email}
    if first_name:
        contact["first_name"] = first_name
    if last_name:
        contact["last_name"] = last_name
    if phone:
        contact["phone"] = phone
    if values := [{"id": number, "value": value} for number, value in fields if value]:
        contact["fields"] = values
    if named := [tag for tag in tags if tag]:
        contact["tags"] = named
    if membership is not None:
        contact[membership] = [{"listid": str(int(list_id))}]
    if not automations:
        # The official example has it here, the prose at the top of the body: it is sent in both places.
        contact["exclude_automations"] = True
    return codec.encode(contact)


def address_body(email: str) -> bytes:
    """Write the body of the request that gives a contact another address."""
    return codec.encode({"contact": {"email": email}})


def import_body(contacts: Sequence[bytes], *, automations: bool) -> bytes:
    """Join contacts to the body of an import request; without contacts it is what a body costs besides them."""
    end = b"]}" if automations else b'],"exclude_automations":true}'
    return b'{"contacts":[' + b",".join(contacts) + end


def contacts_of(body: bytes) -> list[bytes]:
    """Take a body apart into the contacts that `import_body` joined, byte for byte."""
    return [codec.encode(contact) for contact in codec.decode(body)["contacts"]]


def email_of(contact: bytes) -> str:
    """Read the address of one contact."""
    email: str = codec.decode(contact)["email"]
    return email


def moved(contact: bytes, former: str, how: How) -> bytes:
    """Note in a contact under which address the person was known before. It never travels to ActiveCampaign (`unmoved`)."""
    return codec.encode({**codec.decode(contact), FORMER: {"email": former, "how": how}})


def unmoved(contact: bytes) -> bytes:
    """Take such a note out again."""
    return codec.encode({name: value for name, value in codec.decode(contact).items() if name != FORMER})


def former_of(contact: bytes) -> Former | None:
    """Read such a note; None if there is none."""
    noted = codec.decode(contact).get(FORMER)
    return None if noted is None else Former(**noted)


def addresses_of(body: bytes) -> list[tuple[str, ...]]:
    """Read under which addresses each of a body's contacts is known, in order: the former one behind the one of now."""
    contacts = codec.decode(body)["contacts"]
    return [(one["email"], one[FORMER]["email"]) if FORMER in one else (one["email"],) for one in contacts]


def emails_of(body: bytes) -> list[str]:
    """Read the addresses of a body's contacts, in order."""
    written = _EMAIL.findall(body)
    together = b"\n".join(written)
    if b"\\" in together:
        return [contact["email"] for contact in codec.decode(body)["contacts"]]
    return together.decode().split("\n") if written else []


_ENVELOPE_BYTES = max(len(import_body((), automations=automations)) for automations in (False, True))

CONTACT_BYTES_MAX: int = MAX_BODY_BYTES - _ENVELOPE_BYTES
"""A larger contact fits into no request; `Mapper` makes it an invalid row, so that it is never selected."""
