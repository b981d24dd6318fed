"""What the account says, as values: status, body, headers. Shapes follow the examples in the vendor's OpenAPI description.

There is no single envelope for errors, and numbers are often strings; both are the vendor's way and kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from math import ceil
from typing import Any, Final, Literal

from tests.sandbox.faults import Fault
from tests.sandbox.limits import Limit
from tests.sandbox.switches import BadKey, RetryAfter, Switches, Throttle


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer before it is written: `body` is JSON, an HTML page where it is text, or no byte at all where it is None."""

    status: int
    body: Mapping[str, object] | str | None
    headers: Mapping[str, str] = field(default_factory=dict)


UNREAD: Final = Answer(200, {})
"""The answer to a connection that is cut before anybody could answer."""

_LOGIN_PAGE: Final = (
    "<!DOCTYPE html>\n<html><head><title>Login</title></head><body>"
    '<form action="/admin/login.php" method="post"><input name="user"><input name="pass" type="password"></form>'
    "</body></html>\n"
)
_GATEWAY_TIMEOUT: Final = (
    "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n"
    "<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n</body>\r\n</html>\r\n"
)
_OUTAGE: Final = (
    "<!DOCTYPE html>\n<html><body><p>We are currently having some issues. Please check back soon.</p></body></html>\n"
)
_NOT_VALID: Final = "JSON payload did not pass validation. Please fix failure Reasons and retry. The import was not queued for processing."
_TOO_MANY_IMPORTS: Final = (
    "Up to {} imports may be requested per minute."
    "Please batch contacts into larger requests, or retry this request in a minute."
)


def forbidden() -> Answer:
    """A bad key, usually, and now and then a good one."""
    return Answer(403, {"message": "Forbidden"})


def login_page() -> Answer:
    """A page for people, with 200."""
    return Answer(200, _LOGIN_PAGE)


def wrong_key(kind: BadKey) -> Answer:
    """A wrong key, in the way the account is set to say so."""
    match kind:
        case BadKey.FORBIDDEN:
            return forbidden()
        case BadKey.UNAUTHORIZED:
            return Answer(401, {"message": "Unauthorized"})
        case BadKey.LOGIN_PAGE:
            return login_page()


def not_found(what: str, number: str) -> Answer:
    """An id that is not there."""
    return Answer(404, {"message": f"No Result found for {what} with id {number}"})


def problem(status: int, title: str, detail: str) -> Answer:
    """One of the several envelopes for errors."""
    return Answer(status, {"errors": [{"status": status, "title": title, "detail": detail}]})


def accepted(batch_id: str, contacts: int, switches: Switches) -> Answer:
    """An import that was queued."""
    queued, success = (max(0, contacts - 1), 5) if switches.odd_counts else (contacts, 1)
    return Answer(
        200,
        {
            switches.success_key.value: success,
            "queued_contacts": queued,
            "batchId": batch_id,
            "message": "Contact import queued",
        },
    )


def not_valid(failure_reasons: list[Any], status: int = 400) -> Answer:
    """An import of which nothing was queued."""
    return Answer(status, {"success": 0, "message": _NOT_VALID, "failureReasons": failure_reasons})


def throttled(limit: Limit, switches: Switches, now: float, seconds: float) -> Answer:
    """Too much of something; `seconds` is what Retry-After tells, where there is one."""
    headers = _retry_after(switches.retry_after, now, seconds)
    match switches.throttle:
        case Throttle.IMPORTER_400 if limit is not Limit.REQUESTS:
            rate = switches.imports_per_minute if limit is Limit.IMPORTS else switches.single_imports_per_minute
            reason = _TOO_MANY_IMPORTS.format(f"{rate or 0:g}")
            return Answer(400, {"success": 0, "message": "Rate limit exceeded.", "failureReasons": [reason]})
        case Throttle.IMPORTER_400 | Throttle.TOO_MANY_429:
            return Answer(429, {"message": "Too Many Requests"}, headers)
        case Throttle.UNAVAILABLE_503:
            return Answer(503, {"message": "Service Unavailable"}, headers)


def promised_until(answer: Answer, now: float, seconds: float) -> float:
    """Until when an answer told its client to stay away; `now` if it told nothing."""
    return now + seconds if "Retry-After" in answer.headers else now


Instead = Literal[
    Fault.LOGIN_PAGE,
    Fault.EMPTY,
    Fault.UNAUTHORIZED,
    Fault.PAYMENT_REQUIRED,
    Fault.FORBIDDEN,
    Fault.INTERNAL_ERROR,
    Fault.BAD_GATEWAY,
    Fault.UNAVAILABLE,
    Fault.GATEWAY_TIMEOUT,
    Fault.OUTAGE_PAGE,
    Fault.LAPSED,
]
"""The faults that have an answer of their own."""


_FIXED: Final = {
    Fault.EMPTY: Answer(200, {}),
    Fault.INTERNAL_ERROR: Answer(500, {"errors": "Internal Server Error"}),
    Fault.UNAVAILABLE: Answer(503, {"errors": ["Service Unavailable"]}),
    Fault.GATEWAY_TIMEOUT: Answer(504, _GATEWAY_TIMEOUT),
    Fault.OUTAGE_PAGE: Answer(200, _OUTAGE),
    Fault.LAPSED: Answer(402, None),
}


def instead(fault: Instead, switches: Switches) -> Answer:
    """The answer that a fault gives in place of the real one."""
    match fault:
        case Fault.LOGIN_PAGE:
            return login_page()
        case Fault.UNAUTHORIZED:
            return wrong_key(BadKey.UNAUTHORIZED)
        case Fault.PAYMENT_REQUIRED:
            return problem(402, "Payment Required", "The account has expired or is not paid for.")
        case Fault.FORBIDDEN:
            return forbidden()
        case Fault.BAD_GATEWAY:
            return Answer(502, _from_the_edge(502, "Bad gateway", switches.edge_retry_seconds))
        case _:
            return _FIXED[fault]


def _from_the_edge(status: int, title: str, retry_seconds: float) -> dict[str, object]:
    return {
        "type": f"https://developers.cloudflare.com/support/troubleshooting/http-status-codes/{status}/",
        "title": f"Error {status}: {title}",
        "status": status,
        "cloudflare_error": True,
        "retryable": True,
        "retry_after": ceil(retry_seconds),
    }


def _retry_after(form: RetryAfter, now: float, seconds: float) -> dict[str, str]:
    match form:
        case RetryAfter.SECONDS:
            return {"Retry-After": str(ceil(seconds))}
        case RetryAfter.DATE:
            until = datetime.fromtimestamp(ceil(now + seconds), UTC)
            return {"Retry-After": format_datetime(until, usegmt=True)}
        case RetryAfter.ABSENT:
            return {}
