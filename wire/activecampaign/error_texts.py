"""Reads what ActiveCampaign says with a 400 and its kind: throttled, too large, over the contract, contacts rejected.

It has half a dozen envelopes for this and documents few of the sentences; the others are read generously. Pure.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from wire.activecampaign.errors import Because, Heard, Reason, Refused, Rejected, Throttled, TooLarge
from wire.activecampaign.numbers_as_text import whole

# Documented: "Rate limit exceeded." and "Up to 100 imports may be requested per minute." (bulk import, 400).
_RATE: Final = re.compile(r"rate limit|too many requests|per minute", re.IGNORECASE)

_SIZE: Final = re.compile(
    r"too (?:large|big|many contacts)|\b(?:payload|body|request)\b.{0,40}\bsize\b|\bbytes\b"
    r"|contacts (?:per|in (?:a|one|each)) (?:request|import|batch)",
    re.IGNORECASE,
)

_MOST_READ: Final = 20_000
"""Characters. A sentence about the request stands near the beginning, and no worker is held up by megabytes."""

_CONTRACT: Final = re.compile(
    r"\b(?:contact|subscriber)s?[ _-](?:limit|quota|allowance)"
    r"|\b(?:limit|quota|maximum|number) of (?:active )?(?:contacts|subscribers)|upgrade (?:your )?(?:plan|account)",
    re.IGNORECASE,
)


def judge(document: Any, heard: Heard, retry_after_seconds: float | None) -> Throttled | TooLarge | Refused | Rejected:
    """Return what the JSON of a 400 says. Words about one contact never speak for the request."""
    fields = document if isinstance(document, dict) else {}
    reasons = (*_reasons(fields.get("failureReasons")), *_reasons(fields.get("errors")))
    message = str(fields.get("message") or "")
    said = " ".join([message, *(reason.text for reason in reasons if reason.index is None)])[:_MOST_READ]
    if _RATE.search(said):
        return Throttled(heard, retry_after_seconds=retry_after_seconds)
    if _SIZE.search(said):
        return TooLarge(heard)
    if _CONTRACT.search(said):
        return Refused(Because.CONTRACT, heard, definite=True)
    return Rejected(reasons or tuple(_reasons(message)), heard)


def _reasons(found: object) -> Iterator[Reason]:
    """Read reasons in all their forms: a text, an object, or a list of either."""
    match found:
        case str() if found:
            yield Reason(None, found)
        case {"failureReason": text, **rest}:
            yield Reason(whole(rest.get("contact")), str(text))
        case {"title": title, **rest}:
            yield Reason(None, ": ".join(str(part) for part in (title, rest.get("detail")) if part))
        case list():
            for each in found:
                yield from _reasons(each)
        case _:
            return
