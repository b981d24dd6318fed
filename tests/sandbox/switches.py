"""Every quirk of the account by its name, default and meaning: the one place that the command line and the control API read.

A default is what is documented or was recorded; where two answers are possible it is the one that is harder on a client.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final

from tests.sandbox import readers
from tests.sandbox.faults import Fault, Loss, Rule, rules
from tests.sandbox.readers import Reader, Span, Unreadable


class Window(StrEnum):
    """How the account counts."""

    SLIDING = "sliding"
    FIXED = "fixed"
    BUCKET = "bucket"


class Throttle(StrEnum):
    """How it answers too much: the importer's own 400 (and 429 elsewhere), or one status for all."""

    IMPORTER_400 = "400"
    TOO_MANY_429 = "429"
    UNAVAILABLE_503 = "503"


class RetryAfter(StrEnum):
    """The form of the header on 429 and 503."""

    SECONDS = "seconds"
    DATE = "date"
    ABSENT = "absent"


class Police(StrEnum):
    """What becomes of requests inside a Retry-After that was told."""

    OFF = "off"
    RECORD = "record"
    REFUSE = "refuse"


class BadKey(StrEnum):
    """How a wrong key is answered."""

    FORBIDDEN = "403"
    UNAUTHORIZED = "401"
    LOGIN_PAGE = "login_page"


class SuccessKey(StrEnum):
    """How the answer to an accepted import spells its first key."""

    UPPER = "Success"
    LOWER = "success"


class Named(StrEnum):
    """Which bad contacts a refused request names."""

    ALL = "all"
    FIRST = "first"


class IndexBase(StrEnum):
    """What the first contact of a request is called."""

    ONE = "1"
    ZERO = "0"


class TooLarge(StrEnum):
    """How a body over the limit is answered."""

    STATUS_413 = "413"
    STATUS_400 = "400"


class Dotless(StrEnum):
    """When an address whose domain has no dot is refused."""

    AT_POST = "post"
    LATER = "later"


class LetterCase(StrEnum):
    """How `failure` spells an address."""

    LOWER = "lower"
    UPPER = "upper"
    AS_SENT = "as_sent"


class SuccessIds(StrEnum):
    """Whose ids `success` holds."""

    CREATED = "created"
    ALL = "all"


class ExcludeAt(StrEnum):
    """Where `exclude_automations` is believed."""

    EITHER = "either"
    TOP = "top"
    CONTACT = "contact"
    BOTH = "both"


def _switch(read: Reader, meaning: str) -> dict[str, object]:
    return {"read": read, "meaning": meaning}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """How the account behaves now; replaced as a whole, never changed."""

    imports_per_minute: float | None = field(
        default=100.0, metadata=_switch(readers.allowance, "bulk imports a minute; single ones count too")
    )
    single_imports_per_minute: float | None = field(
        default=20.0, metadata=_switch(readers.allowance, "bulk imports with exactly one contact a minute")
    )
    requests_per_second: float | None = field(
        default=5.0, metadata=_switch(readers.allowance, "calls of any kind a second")
    )
    window: Window = field(default=Window.SLIDING, metadata=_switch(readers.choice(Window), "how the limits count"))
    throttle: Throttle = field(
        default=Throttle.IMPORTER_400,
        metadata=_switch(
            readers.choice(Throttle), "answer to too much; 400 is for the importer's limits, others get 429"
        ),
    )
    retry_after: RetryAfter = field(
        default=RetryAfter.SECONDS,
        metadata=_switch(readers.choice(RetryAfter), "form of Retry-After on 429 and 503"),
    )
    retry_after_seconds: float = field(default=30.0, metadata=_switch(readers.seconds, "what Retry-After tells"))
    police_retry_after: Police = field(
        default=Police.OFF, metadata=_switch(readers.choice(Police), "requests inside a told Retry-After")
    )
    faults: tuple[Rule[Fault], ...] = field(
        default=(),
        metadata=_switch(rules(Fault), f"KIND[:PROBABILITY|:xTIMES][@ENDPOINT]; kinds: {', '.join(Fault)}"),
    )
    byte_order_marks: int = field(
        default=0, metadata=_switch(readers.count, "how many byte order marks stand before every answer")
    )
    edge_retry_seconds: float = field(
        default=60.0, metadata=_switch(readers.seconds, "what the edge's 502 asks its client to wait")
    )
    silence_seconds: float = field(
        default=150.0, metadata=_switch(readers.seconds, "how long the fault `silence` holds an answer back")
    )
    latency_seconds: Span = field(
        default=Span(0, 0), metadata=_switch(readers.span, "LOW:HIGH, how long an answer takes")
    )
    bad_key: BadKey = field(default=BadKey.FORBIDDEN, metadata=_switch(readers.choice(BadKey), "answer to a wrong key"))
    administrator: bool = field(
        default=True, metadata=_switch(readers.flag, "whether the key may read settings/account")
    )
    subscriber_limit: int = field(
        default=5_000_000, metadata=_switch(readers.count, "active contacts the contract covers")
    )
    success_key: SuccessKey = field(
        default=SuccessKey.UPPER, metadata=_switch(readers.choice(SuccessKey), "spelling in an accepted import")
    )
    odd_counts: bool = field(
        default=False, metadata=_switch(readers.flag, "accepted imports say Success 5 and a small queued_contacts")
    )
    named: Named = field(
        default=Named.ALL, metadata=_switch(readers.choice(Named), "which bad contacts a refused import names")
    )
    index_base: IndexBase = field(
        default=IndexBase.ONE, metadata=_switch(readers.choice(IndexBase), "the first contact's number there")
    )
    too_large: TooLarge = field(
        default=TooLarge.STATUS_413, metadata=_switch(readers.choice(TooLarge), "answer to more than 399,999 bytes")
    )
    refuse_at_post: str = field(
        default="", metadata=_switch(readers.pattern, "addresses refused by the POST though they keep its rules")
    )
    refuse_later: str = field(
        default=r"^[^@]*['\s]", metadata=_switch(readers.pattern, "addresses that pass the POST and fail later")
    )
    dotless_domains: Dotless = field(
        default=Dotless.AT_POST, metadata=_switch(readers.choice(Dotless), "when x@domain is refused")
    )
    failure_case: LetterCase = field(
        default=LetterCase.LOWER, metadata=_switch(readers.choice(LetterCase), "letter case of names in `failure`")
    )
    success_ids: SuccessIds = field(
        default=SuccessIds.CREATED, metadata=_switch(readers.choice(SuccessIds), "whose ids `success` holds")
    )
    exclude_automations_at: ExcludeAt = field(
        default=ExcludeAt.EITHER,
        metadata=_switch(readers.choice(ExcludeAt), "where exclude_automations must stand to be believed"),
    )
    update_opted_out: bool = field(
        default=True, metadata=_switch(readers.flag, "whether an opted-out contact's data and other lists change")
    )
    batch_seconds: Span = field(
        default=Span(1, 3), metadata=_switch(readers.span, "LOW:HIGH, how long a batch takes once its turn has come")
    )
    false_seconds: float = field(
        default=1.0, metadata=_switch(readers.seconds, "how long a new batch's status is boolean false")
    )
    drain_batches_per_minute: float | None = field(
        default=None, metadata=_switch(readers.allowance, "how many batches the importer begins a minute")
    )
    batch_faults: tuple[Rule[Loss], ...] = field(
        default=(), metadata=_switch(rules(Loss), f"KIND[:PROBABILITY|:xTIMES]; kinds: {', '.join(Loss)}")
    )
    keep_bodies: bool = field(default=False, metadata=_switch(readers.flag, "keep import bodies in the request log"))


MEANINGS: Final[dict[str, str]] = {switch.name: switch.metadata["meaning"] for switch in fields(Switches)}
"""What each switch does, in a phrase."""

_READERS: Final[dict[str, Reader]] = {switch.name: switch.metadata["read"] for switch in fields(Switches)}


class BadSwitches(ValueError):
    """Some switches cannot be set so; `problems` has every name with what is wrong."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = dict(problems)


def changed(switches: Switches, wishes: Mapping[str, object]) -> Switches:
    """The switches after some were set, by text or JSON values.

    Raises `BadSwitches` with every unknown name and every unreadable value; then nothing has changed.
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, wish in wishes.items():
        if name not in _READERS:
            problems[name] = "no such switch"
            continue
        try:
            values[name] = _READERS[name](wish)
        except Unreadable as problem:
            problems[name] = str(problem)
    if problems:
        raise BadSwitches(problems)
    return replace(switches, **values)


def as_json(switches: Switches) -> dict[str, object]:
    """The switches as JSON values that `changed` would read back to the same."""
    return {switch.name: _as_json(getattr(switches, switch.name)) for switch in fields(Switches)}


def _as_json(value: object) -> object:
    match value:
        case Span():
            return str(value)
        case tuple():
            return [str(item) for item in value]
        case _:
            return value
