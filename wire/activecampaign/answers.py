"""Judges one answer of ActiveCampaign by status and form: the JSON that was asked for, or what went wrong; pure.

An answer is good only with a 2xx status, a body that is JSON, and in it what was asked for; `results` looks after the
last, and `words` reads what is said with a 4xx.
"""

from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from wire import codec
from wire.activecampaign import words
from wire.activecampaign.errors import (
    Because,
    Heard,
    NotFound,
    Refused,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
    Unreachable,
)
from wire.activecampaign.retry_after import retry_after_seconds

_NO_JSON: Final = object()


@dataclass(frozen=True, slots=True)
class Answer:
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


def document_of(answer: Answer, *, now: datetime) -> Any:
    """Return the JSON of a good answer; raise the `Trouble` that any other is. `now` knows its time zone."""
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise _by_status(answer, now)
    if answer.body is None:
        raise _broken_off(answer)
    document = _json(answer.body)
    if document is not _NO_JSON:
        return document
    # Cut JSON may have been a yes; a page of HTML never was one.
    begun = answer.body.lstrip()[:1]
    if begun in (b"", b"{", b"[", b'"') or ("json" in answer.content_type and begun != b"<"):
        raise _broken_off(answer)
    raise _foreign(answer)


def lacking(answer: Answer) -> Refused:
    """Make the error for whole JSON that lacks what was asked for: as a 403, it says little if it comes once."""
    return Refused(Because.NOT_ACTIVECAMPAIGN, answer.heard, definite=False)


def _foreign(answer: Answer) -> Refused:
    """Make the error for a page, or for a redirect to one: something else than ActiveCampaign answers here."""
    return Refused(Because.NOT_ACTIVECAMPAIGN, answer.heard, definite=True)


def _by_status(answer: Answer, now: datetime) -> Trouble:
    found: Trouble
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            found = Refused(Because.CREDENTIALS, answer.heard, definite=True)
        case HTTPStatus.PAYMENT_REQUIRED:
            found = Refused(Because.PAYMENT, answer.heard, definite=True)
        case HTTPStatus.FORBIDDEN:
            # Now and then also with a good key, so that one says little.
            found = Refused(Because.PERMISSION, answer.heard, definite=False)
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            found = Throttled(answer.heard, retry_after_seconds=_retry_after(answer, now))
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            found = TooLarge(answer.heard)
        case status if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            # To a login page, or to another host, which would be handed the key.
            found = _foreign(answer)
        case status if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            found = _by_form(answer, now)
        case _:
            found = Unavailable(answer.heard, retry_after_seconds=_retry_after(answer, now))
    return found


def _by_form(answer: Answer, now: datetime) -> Trouble:
    """Tell words of ActiveCampaign from pages of the edge or of another host, which know nothing of contacts."""
    if answer.body is None:
        return _broken_off(answer)
    document = _json(answer.body)
    missing = answer.status == HTTPStatus.NOT_FOUND
    if document is _NO_JSON or answer.status == HTTPStatus.REQUEST_TIMEOUT:
        foreign = Refused(Because.NOT_ACTIVECAMPAIGN, answer.heard, definite=False)
        return foreign if missing else Unavailable(answer.heard)
    if missing:
        return NotFound(answer.heard)
    return words.judge(document, answer.heard, _retry_after(answer, now))


def _retry_after(answer: Answer, now: datetime) -> float | None:
    """Read the header; where it says nothing, the edge's JSON, which has it in the body."""
    seconds = retry_after_seconds(answer.retry_after, date=answer.date, now=now)
    document = _json(answer.body or b"")
    if seconds is None and isinstance(document, dict) and "retry_after" in document:
        return retry_after_seconds(str(document["retry_after"]), date=None, now=now)
    return seconds


def _json(body: bytes) -> Any:
    try:
        return codec.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return _NO_JSON


def _broken_off(answer: Answer) -> Unreachable:
    return Unreachable("the answer broke off", answer.heard)
