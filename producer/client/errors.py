"""What can go wrong between us and a producer's HTTP API, and how an answer that is no success becomes one of these.

* ApiError        what was asked was not done, or nobody knows whether it was
  x Refused       the API says no, in a problem document. Mend what `faults` names.
  x Unavailable   503, a proxy's 502 or 504, no connection, no answer. Ask again, after `retry_after_seconds`.
  x NotTheApi     something else answers at this address. Look at the address.

No message and no repr of them holds the token.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from wire.store import codec

PROBLEM: Final = "application/problem+json"
BUSY: Final = frozenset({502, 503, 504})


class ApiError(Exception):
    """What was asked was not done, or nobody knows whether it was; the message is a sentence or more."""


class ApiFault(NamedTuple):
    """One thing that is wrong with a request; `pointer` is a JSON pointer into what was said."""

    pointer: str
    detail: str


class RequestRefused(ApiError):
    """The API says no."""

    def __init__(self, status: int, detail: str, faults: tuple[ApiFault, ...] = ()) -> None:
        self.status = status
        self.detail = detail
        self.faults = faults
        super().__init__("\n".join([detail, *(f"{fault.pointer or 'the body'} {fault.detail}" for fault in faults)]))


class ProducerUnavailable(ApiError):
    """Nothing useful answers now."""

    def __init__(self, detail: str, retry_after_seconds: float = 0.0) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(detail)


class NotTheApi(ApiError):
    """Something else answers at this address."""


def refusal(status: int, headers: Mapping[str, str], content: bytes, base: str) -> ApiError:
    """Say which error an answer is that is no success."""
    problem = _problem(headers.get("Content-Type", ""), content)
    if status in BUSY:
        detail = problem.get("detail") or f"{base} answers {status}."
        return ProducerUnavailable(detail, _retry_after_seconds(headers.get("Retry-After", "")))
    if not problem:
        return NotTheApi(f"{base} answers {status}, and not as the API of segment-export would.")
    faults = tuple(
        ApiFault(str(one.get("pointer", "")), str(one.get("detail", "")))
        for one in problem.get("errors") or ()
        if isinstance(one, Mapping)
    )
    return RequestRefused(status, problem.get("detail") or problem.get("title") or f"Status {status}.", faults)


def _problem(content_type: str, content: bytes) -> dict[str, Any]:
    if content_type.partition(";")[0].strip().lower() != PROBLEM:
        return {}
    try:
        document = codec.decode(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _retry_after_seconds(text: str) -> float:
    """Read seconds; the API never sends a date, and a proxy's date is as good as nothing said."""
    return float(text) if text.isascii() and text.isdecimal() else 0.0
