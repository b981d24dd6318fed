"""What ActiveCampaign can tell us besides yes, as exceptions sorted by what the caller does next.

* ActiveCampaignError
  x Unreachable    no usable answer: the outcome is unknown, unless it was never `sent`. Try again, backing off.
  x Unreadable     an answer came and cannot be read: it may have been a yes. A few tries, then a person.
  x Unavailable    it says that it cannot, 5xx. Try again, backing off.
  x Throttled      everybody on this account waits `retry_after_seconds`; nothing has failed.
  x Refused        key, permission, contract or host (`because`). Nothing is accepted until a person acts.
  x NotFound       the list, or whatever was asked for, is not there. What needs it waits until a person acts.
  x Rejected       contacts, for `reasons`. Send the others, or halves.
  x TooLarge       the request is too large. Send halves.

`status` is the HTTP status, None where there was no answer; `request_id` is what ActiveCampaign's support asks for.
No message and no repr holds a header, a key, or words of ActiveCampaign's own: those can quote an address.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias


class Because(StrEnum):
    """Why nothing is accepted."""

    CREDENTIALS = "credentials"
    PAYMENT = "payment"
    PERMISSION = "permission"
    CONTRACT = "contract"
    NOT_ACTIVECAMPAIGN = "not_activecampaign"
    HOST_NOT_ALLOWED = "host_not_allowed"


class Heard(NamedTuple):
    """What there was of an answer."""

    status: int | None = None
    request_id: str | None = None


NOTHING: Final = Heard()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why contacts were rejected: `index` is one of the request, as ActiveCampaign counts them; None names nobody."""

    index: int | None
    text: str = field(repr=False)


class ActiveCampaignError(Exception):
    """A request came to nothing."""

    def __init__(self, sentence: str, heard: Heard) -> None:
        marks = (f"HTTP {heard.status}" if heard.status else "", f"request {heard.request_id}" * bool(heard.request_id))
        known = ", ".join(filter(None, marks))
        super().__init__(f"{sentence} ({known})" if known else sentence)
        self.status = heard.status
        self.request_id = heard.request_id


class NoUsableAnswer(ActiveCampaignError):
    """There is no usable answer; `sent` is False only where ActiveCampaign cannot have seen the request."""

    def __init__(self, what: str, heard: Heard = NOTHING, *, sent: bool = True) -> None:
        super().__init__(f"No usable answer: {what}", heard)
        self.sent = sent


class Unreadable(ActiveCampaignError):
    """An answer came, and nothing can be read from it; `form` says what it was like, without any of its words."""

    def __init__(self, form: str, heard: Heard = NOTHING) -> None:
        super().__init__(f"Unreadable answer: {form}", Heard(request_id=heard.request_id))
        self.status = heard.status
        self.form = form


class Unavailable(ActiveCampaignError):
    """ActiveCampaign or its edge cannot answer for the moment; `retry_after_seconds`, at most 300, where it says so."""

    def __init__(self, heard: Heard = NOTHING, *, retry_after_seconds: float | None = None) -> None:
        super().__init__("ActiveCampaign is unavailable", heard)
        self.retry_after_seconds = retry_after_seconds


class Throttled(ActiveCampaignError):
    """A rate limit was hit; `retry_after_seconds`, at most 300, or None where it does not say."""

    def __init__(self, heard: Heard = NOTHING, *, retry_after_seconds: float | None = None) -> None:
        super().__init__("Rate limit exceeded", heard)
        self.retry_after_seconds = retry_after_seconds


class Refused(ActiveCampaignError):
    """Nothing is accepted over this connection; not `definite` where such an answer now and then comes by mistake."""

    def __init__(self, because: Because, heard: Heard = NOTHING, *, definite: bool) -> None:
        super().__init__(f"Refused: {because}", heard)
        self.because = because
        self.definite = definite


class ObjectNotFound(ActiveCampaignError):
    """What was asked for is not there."""

    def __init__(self, heard: Heard = NOTHING) -> None:
        super().__init__("Not found", heard)


class Rejected(ActiveCampaignError):
    """All of the request was rejected for what is in it; `reasons` may name contacts, may name none, may be missing."""

    def __init__(self, reasons: Sequence[Reason] = (), heard: Heard = NOTHING) -> None:
        super().__init__(f"Rejected, reasons given: {len(reasons)}", heard)
        self.reasons = tuple(reasons)


class TooLarge(ActiveCampaignError):
    """The request has too many bytes or contacts."""

    def __init__(self, heard: Heard = NOTHING) -> None:
        super().__init__("The request is too large", heard)


Trouble: TypeAlias = (
    NoUsableAnswer | Unreadable | Unavailable | Throttled | Refused | ObjectNotFound | Rejected | TooLarge
)
"""The closed set of them, for `match`."""

TROUBLES: Final = (NoUsableAnswer, Unreadable, Unavailable, Throttled, Refused, ObjectNotFound, Rejected, TooLarge)
"""The same for `except`, where a type checker then knows the set."""
