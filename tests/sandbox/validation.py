"""Whether a bulk request is taken, all or nothing; what then becomes of its contacts is decided later, in `account`.

Keys, limits, wording and the rules for addresses are the vendor's (bulk importer documentation). Two things it leaves open: a key
in the wrong case is dropped without a word (recorded), and so is any key that is not documented.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tests.sandbox.account import Details, Incoming
from tests.sandbox.switches import Dotless, ExcludeAt, IndexBase, Named, Switches

MAX_CONTACTS: Final = 250
MAX_BYTES: Final = 399_999

_KNOWN_KEYS: Final = frozenset(
    {
        *("email", "first_name", "last_name", "phone", "customer_acct_name", "tags", "fields"),
        *("subscribe", "unsubscribe", "exclude_automations"),
    }
)
_DOTTED: Final = re.compile(r'[^"(),:;<>@\[\\\]]+@(?:[^\W_]|[-.])*\.(?=(?:[-\d]*[^\W\d_]){2})(?:[^\W_]|-)+')
_DOTLESS: Final = re.compile(r'[^"(),:;<>@\[\\\]]+@(?:[^\W_]|-)+')
_BAD_EMAIL: Final = "Field 'email' incorrect format"


class BadContact(ValueError):
    """One contact is not valid; the message is its `failureReason`."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Every contact is good; `dropped_keys` counts what was passed over in silence."""

    contacts: list[Incoming]
    dropped_keys: Counter[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """None is taken; the reasons as `failureReasons` holds them."""

    failure_reasons: list[Any]


def is_plausible(email: str, dotless: Dotless = Dotless.AT_POST) -> bool:
    """Whether the importer's published rules let an address pass the POST."""
    if _DOTTED.fullmatch(email):
        return True
    return dotless is Dotless.LATER and _DOTLESS.fullmatch(email) is not None


def contact_count(document: object) -> int:
    """How many contacts a request holds, good or bad: what decides by which limits it is counted."""
    match document:
        case {"contacts": [*contacts]}:
            return len(contacts)
        case _:
            return 0


def validate(document: object, switches: Switches) -> Taken | Refused:
    """Read a request's parsed JSON (None: it could not be parsed)."""
    if not isinstance(document, dict):
        return Refused(["Invalid or unparsable json"])
    contacts = document.get("contacts")
    if not isinstance(contacts, list) or not contacts:
        return Refused(["'contacts' is a required field."])
    if len(contacts) > MAX_CONTACTS:
        return Refused([f"Up to {MAX_CONTACTS} contacts may be included in one request."])
    excluded_at_top = _is_set(document.get("exclude_automations"))
    dropped: Counter[str] = Counter(document.keys() - {"contacts", "callback", "exclude_automations"})
    taken: list[Incoming] = []
    reasons: list[dict[str, object]] = []
    for index, contact in enumerate(contacts, start=int(switches.index_base is IndexBase.ONE)):
        try:
            taken.append(_read(contact, switches, excluded_at_top=excluded_at_top, dropped=dropped))
        except BadContact as problem:
            reasons.append({"contact": index, "failureReason": str(problem)})
            if switches.named is Named.FIRST:
                break
    return Refused(reasons) if reasons else Taken(taken, dropped)


def _read(contact: object, switches: Switches, *, excluded_at_top: bool, dropped: Counter[str]) -> Incoming:
    if not isinstance(contact, dict):
        raise BadContact("Contact incorrect format")
    dropped.update(contact.keys() - _KNOWN_KEYS)
    email = contact.get("email")
    if not isinstance(email, str) or not is_plausible(email, switches.dotless_domains):
        raise BadContact(_BAD_EMAIL)
    if matches(switches.refuse_at_post, email):
        raise BadContact(_BAD_EMAIL)
    details = Details(
        email,
        _text(contact, "first_name"),
        _text(contact, "last_name"),
        _text(contact, "phone"),
        tuple((_number(one, "fields", "id"), _value(one)) for one in _objects(contact, "fields")),
        _tags(contact),
    )
    return Incoming(
        details,
        tuple(_number(one, "subscribe", "listid") for one in _objects(contact, "subscribe")),
        tuple(_number(one, "unsubscribe", "listid") for one in _objects(contact, "unsubscribe")),
        automations=not _excludes(
            switches.exclude_automations_at,
            at_top=excluded_at_top,
            in_contact=_is_set(contact.get("exclude_automations")),
        ),
    )


def matches(pattern: str, email: str) -> bool:
    """Whether a switch's regular expression is found in an address; the empty one never is."""
    return bool(pattern) and _compiled(pattern).search(email) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _excludes(believed_at: ExcludeAt, *, at_top: bool, in_contact: bool) -> bool:
    match believed_at:
        case ExcludeAt.EITHER:
            return at_top or in_contact
        case ExcludeAt.TOP:
            return at_top
        case ExcludeAt.CONTACT:
            return in_contact
        case ExcludeAt.BOTH:
            return at_top and in_contact


def _is_set(value: object) -> bool:
    return value in (True, "1", "true")


def _text(contact: Mapping[str, object], key: str) -> str | None:
    value = contact.get(key)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise BadContact(f"Field '{key}' incorrect format")


def _tags(contact: Mapping[str, object]) -> tuple[str, ...]:
    tags = contact.get("tags")
    if tags is None:
        return ()
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadContact("Field 'tags' incorrect format")
    return tuple(tags)


def _objects(contact: Mapping[str, object], key: str) -> Sequence[object]:
    objects = contact.get(key)
    if objects is None:
        return ()
    if not isinstance(objects, list):
        raise BadContact(f"Field '{key}' incorrect format")
    return objects


def _number(one: object, where: str, key: str) -> int:
    if isinstance(one, dict) and isinstance(number := one.get(key), int | str) and str(number).isdecimal():
        return int(number)
    raise BadContact(f"Field '{where}' incorrect format")


def _value(one: object) -> str:
    value = one.get("value") if isinstance(one, dict) else None
    if not isinstance(value, str | int | float):
        raise BadContact("Field 'fields' incorrect format")
    return str(value)
