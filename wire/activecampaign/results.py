"""What a good answer holds, read into frozen values; the asking is `client`'s.

ActiveCampaign writes numbers as text here and there, and PHP's empty list for an empty object, so every reader is
tolerant of form; what it lacks of substance makes the answer no good. Every result carries the answer's HTTP `status`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar, get_args

from wire.activecampaign.numbers_as_text import whole
from wire.activecampaign.responses import ApiAnswer, lacking

T = TypeVar("T")

BatchState = Literal["waiting", "claimed", "active", "completed", "failed", "interrupted", "unknown"]
_UNSUBSCRIBED: Final = 2
_LONGEST_ID: Final = 500
"""Characters. A batch's is a UUID of 36, and is asked for in a URL."""

_STATES: Final[dict[str, BatchState]] = {state: state for state in get_args(BatchState)}


@dataclass(frozen=True, slots=True)
class AcceptedImport:
    """An import was queued as this batch. How many it says it queued is not believed: callers count their own."""

    batch_id: str
    status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class BatchInfo:
    """How far a batch is; `failures` are addresses as ActiveCampaign writes them, letter case not guaranteed.

    `unknown`: it does not know the batch, or not yet (in its first second it says `false`).
    """

    state: BatchState
    failures: tuple[str, ...] = field(repr=False)
    status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class User:
    """Whose key this is."""

    id: str
    username: str
    status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class ContactList:
    """A list contacts can be subscribed to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ListMarks:
    """What does not change of a list, and tells its account from others: `created` as the account writes it, or empty."""

    id: str
    stringid: str
    created: str


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of contacts besides the built-in ones."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as ActiveCampaign knows it."""

    id: str


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """A contact has the address that it was to have."""

    contact_id: str
    status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a search by an address found: the one contact who has it, or None."""

    contact: Contact | None
    status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Memberships:
    """The lists that a contact has left by an opt-out."""

    left: frozenset[str]
    status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """How many contacts the contract allows and how many count toward it; None where it does not say."""

    subscriber_limit: int | None
    subscriber_total: int | None
    status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class ResultPage(Generic[T]):
    """Some of many; `next_offset` asks for more, None where there are none."""

    items: tuple[T, ...]
    next_offset: int | None
    status: int
    request_id: str | None


def read_accepted(document: Any, answer: ApiAnswer) -> AcceptedImport:
    """Read the answer to an import. `success` has two spellings and several values, so the batch id is believed."""
    return AcceptedImport(_id(_object(document, answer).get("batchId"), answer), answer.status, answer.request_id)


def read_batch(document: Any, answer: ApiAnswer) -> BatchInfo:
    """Read the answer to import/info."""
    fields = _object(document, answer)
    if "status" not in fields:
        raise lacking(answer)
    named = fields.get("failure") or ()
    state = _STATES.get(str(fields["status"]).lower(), "unknown")
    return BatchInfo(state, _texts(named), answer.status, answer.request_id)


def _texts(found: object) -> tuple[str, ...]:
    """Read a list of texts: PHP writes one with gaps as an object, and one of one may be the text itself."""
    match found:
        case str():
            return (found,)
        case dict():
            return tuple(map(str, found.values()))
        case list():
            return tuple(map(str, found))
        case _:
            return ()


def read_user(document: Any, answer: ApiAnswer) -> User:
    """Read the answer to users/me."""
    user = _object(_object(document, answer).get("user"), answer)
    return User(_id(user.get("id"), answer), str(user.get("username", "")), answer.status, answer.request_id)


def read_list(document: Any, answer: ApiAnswer) -> ContactList:
    """Read one list's own answer."""
    return contact_list(_object(document, answer).get("list"), answer)


def read_account(document: Any, answer: ApiAnswer) -> AccountInfo:
    """Read the answer to settings/account, which is flat."""
    fields = _object(document, answer)
    if "subscriber_limit" not in fields and "subscriber_total" not in fields:
        raise lacking(answer)
    limit, total = whole(fields.get("subscriber_limit")), whole(fields.get("subscriber_total"))
    return AccountInfo(limit, total, answer.status, answer.request_id)


def read_page(
    name: str, item: Callable[[Any, ApiAnswer], T], document: Any, answer: ApiAnswer, *, offset: int, limit: int
) -> ResultPage[T]:
    """Read some of many from under `name`. Without a total, a full page promises more."""
    fields = _object(document, answer)
    found = fields.get(name)
    if not isinstance(found, list):
        raise lacking(answer)
    meta = fields.get("meta")
    total = whole(meta.get("total")) if isinstance(meta, dict) else None
    end = offset + len(found)
    more = bool(found) and (end < total if total is not None else len(found) == limit)
    items = tuple(item(each, answer) for each in found)
    return ResultPage(items, end if more else None, answer.status, answer.request_id)


def contact_list(found: Any, answer: ApiAnswer) -> ContactList:
    """Read a list from among others."""
    fields = _object(found, answer)
    return ContactList(_id(fields.get("id"), answer), str(fields.get("name", "")))


def list_marks(found: Any, answer: ApiAnswer) -> ListMarks:
    """Read what does not change of a list from among others."""
    fields = _object(found, answer)
    return ListMarks(_id(fields.get("id"), answer), str(fields.get("stringid") or ""), str(fields.get("cdate") or ""))


def custom_field(found: Any, answer: ApiAnswer) -> CustomField:
    """Read a custom field from among others."""
    fields = _object(found, answer)
    return CustomField(_id(fields.get("id"), answer), str(fields.get("title", "")))


def read_contact(document: Any, answer: ApiAnswer, *, email: str) -> Contact | None:
    """Pick who has this address from what a search found: a filter that is not understood finds everybody."""
    found = _object(document, answer).get("contacts")
    if not isinstance(found, list):
        raise lacking(answer)
    for each in found:
        fields = _object(each, answer)
        if str(fields.get("email", "")).lower() == email.lower():
            return Contact(_id(fields.get("id"), answer))
    return None


def read_lookup(document: Any, answer: ApiAnswer, *, email: str) -> LookedUp:
    """Read the same answer where nobody else may be in it: others say that the filter was not understood."""
    contact = read_contact(document, answer, email=email)
    if contact is None and _object(document, answer)["contacts"]:
        raise lacking(answer)
    return LookedUp(contact, answer.status, answer.request_id)


def read_memberships(document: Any, answer: ApiAnswer) -> Memberships:
    """Read the answer to contacts/{id}/contactLists. Status 2 is an opt-out. Source: the API reference, list memberships."""
    found = _object(document, answer).get("contactLists")
    if not isinstance(found, list):
        raise lacking(answer)
    standings = [_object(each, answer) for each in found]
    left = frozenset(_id(one.get("list"), answer) for one in standings if whole(one.get("status")) == _UNSUBSCRIBED)
    return Memberships(left, answer.status, answer.request_id)


def read_changed(document: Any, answer: ApiAnswer, *, email: str) -> AddressChanged:
    """Read the answer to a change of a contact's address, which it must show to be believed."""
    contact = _object(_object(document, answer).get("contact"), answer)
    if str(contact.get("email", "")).lower() != email.lower():
        raise lacking(answer)
    return AddressChanged(_id(contact.get("id"), answer), answer.status, answer.request_id)


def _object(found: Any, answer: ApiAnswer) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise lacking(answer)
    return found


def _id(found: object, answer: ApiAnswer) -> str:
    if isinstance(found, bool) or not isinstance(found, str | int) or not 0 < len(str(found)) <= _LONGEST_ID:
        raise lacking(answer)
    return str(found)
