"""Judges one answer of ActiveCampaign by status and form: the JSON that was asked for, or what went wrong; pure.

An answer is good only with a 2xx status, a body that is JSON, and in it what was asked for; `results` looks after the
last, and `words` reads what is said with a 4xx.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from wire.activecampaign import error_texts
from wire.activecampaign.errors import (
    Because,
    Heard,
    ObjectNotFound,
    Refused,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
    Unreadable,
)
from wire.http.retry_after import retry_after_seconds
from wire.store import codec

MOST_DEPTH: Final = 60
"""Levels of lists and objects in an answer. The deepest known has five; a reader in Python ends at a thousand."""

_NO_JSON: Final = object()

# Good answers were recorded that begin with two byte order marks.
_BEFORE: Final = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n]+)*")

_NO_PART_OF_A_TYPE: Final = re.compile(r"[^A-Za-z0-9.+/-]")
_LONGEST_TYPE: Final = 60


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What came back. `body` is None where it broke off; the last three are headers, None where absent."""

    status: int
    body: bytes | None = field(repr=False)
    content_type: str = ""
    request_id: str | None = None
    retry_after: str | None = None
    date: str | None = None

    @property
    def heard(self) -> Heard:
        """What an error says of it."""
        return Heard(self.status, self.request_id)


def document_of(answer: ApiAnswer, *, now: datetime) -> Any:
    """Return the JSON of a good answer; raise the `Trouble` that any other is. `now` knows its time zone."""
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise _by_status(answer, now)
    document = _json(answer.body)
    if document is _NO_JSON:
        raise _foreign(answer) if _is_page(answer) else _unreadable(answer)
    return document


def lacking(answer: ApiAnswer) -> Refused:
    """Make the error for whole JSON that lacks what was asked for: as a 403, it says little if it comes once."""
    return Refused(Because.NOT_ACTIVECAMPAIGN, answer.heard, definite=False)


def _foreign(answer: ApiAnswer) -> Refused:
    """Make the error for a page, or for a redirect to one: something else than ActiveCampaign answers here."""
    return Refused(Because.NOT_ACTIVECAMPAIGN, answer.heard, definite=True)


def _by_status(answer: ApiAnswer, now: datetime) -> Trouble:
    found: Trouble
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            found = Refused(Because.CREDENTIALS, answer.heard, definite=True)
        case HTTPStatus.PAYMENT_REQUIRED:
            found = Refused(Because.PAYMENT, answer.heard, definite=True)
        case HTTPStatus.FORBIDDEN:
            # Now and then also with a good key, so that one says little. A 403 for what is not there was seen as well.
            found = ObjectNotFound(answer.heard) if _says_not_found(answer) else _forbidden(answer)
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            found = Throttled(answer.heard, retry_after_seconds=_retry_after(answer, now, _json(answer.body)))
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            found = TooLarge(answer.heard)
        case status if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            # To a login page, or to another host, which would be handed the key.
            found = _foreign(answer)
        case status if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            found = _by_form(answer, now)
        case _:
            found = Unavailable(answer.heard, retry_after_seconds=_retry_after(answer, now, _json(answer.body)))
    return found


def _forbidden(answer: ApiAnswer) -> Refused:
    return Refused(Because.PERMISSION, answer.heard, definite=False)


def _says_not_found(answer: ApiAnswer) -> bool:
    document = _json(answer.body)
    return isinstance(document, dict) and str(document.get("message")).startswith("No Result found")


def _by_form(answer: ApiAnswer, now: datetime) -> Trouble:
    """Tell words of ActiveCampaign from pages of the edge or of another host, which know nothing of contacts."""
    document = _json(answer.body)
    missing = answer.status == HTTPStatus.NOT_FOUND
    if answer.status == HTTPStatus.REQUEST_TIMEOUT:
        return Unavailable(answer.heard)
    if document is _NO_JSON:
        return Refused(Because.NOT_ACTIVECAMPAIGN, answer.heard, definite=False) if missing else _unreadable(answer)
    if missing:
        return ObjectNotFound(answer.heard)
    return error_texts.judge(document, answer.heard, _retry_after(answer, now, document))


def _retry_after(answer: ApiAnswer, now: datetime, document: Any) -> float | None:
    """Read the header; where it says nothing, the edge's JSON, which has it in the body."""
    seconds = retry_after_seconds(answer.retry_after, date=answer.date, now=now)
    if seconds is None and isinstance(document, dict) and "retry_after" in document:
        return retry_after_seconds(str(document["retry_after"]), date=None, now=now)
    return seconds


def _json(body: bytes | None) -> Any:
    """Decode a body, whatever number of byte order marks it begins with."""
    if body is None:
        return _NO_JSON
    try:
        document = codec.decode(_text(body))
    except ValueError:
        return _NO_JSON
    return document if _is_shallow(document) else _NO_JSON


def _text(body: bytes) -> memoryview:
    before = _BEFORE.match(body)
    return memoryview(body)[before.end() if before else 0 :]


def _is_shallow(document: object) -> bool:
    level = [document]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return True
    return False


def _is_page(answer: ApiAnswer) -> bool:
    """Whether a body that is no JSON is a page for people, which never was a yes; all else may have been one.

    The content type tells nothing: PHP calls everything HTML unless it was asked not to.
    """
    return bytes(_text(answer.body or b"")[:1]) == b"<"


def _unreadable(answer: ApiAnswer) -> Unreadable:
    return Unreadable(form_of(answer), answer.heard)


def form_of(answer: ApiAnswer) -> str:
    """Say what an answer is like without a word of its body: status, length, content type."""
    length = "broken off or too long" if answer.body is None else f"{len(answer.body)} bytes"
    kind = _NO_PART_OF_A_TYPE.sub("", answer.content_type)[:_LONGEST_TYPE]
    return f"HTTP {answer.status}, {length}, {kind or 'no content type'}"
