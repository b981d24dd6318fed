"""What goes wrong, and when: closed sets of faults, rules in one line of text, and a deck that deals them the same way every time.

A rule is `KIND`, `KIND:PROBABILITY` or `KIND:xTIMES`, and may end in `@ENDPOINT`:

    login_page            every call is answered by the login page
    reset_after:0.05      one call in twenty is done and its connection cut, on average
    forbidden:x3@info     the next three polls are forbidden

What a fault looks like on the wire is said in `answers`; whether the request was done before it, in `answering`.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from tests.sandbox.endpoints import Endpoint
from tests.sandbox.readers import Unreadable


class Fault(StrEnum):
    """What can happen to a call whose key is good."""

    LOGIN_PAGE = "login_page"
    EMPTY = "empty"
    UNAUTHORIZED = "unauthorized"
    PAYMENT_REQUIRED = "payment_required"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    INTERNAL_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    CUT = "cut"
    SILENCE = "silence"
    EMPTY_BODY = "empty_body"
    UTF_16 = "utf16"
    OUTAGE_PAGE = "outage_page"
    LAPSED = "lapsed"


class Loss(StrEnum):
    """What can happen to a batch that was accepted."""

    FAILED = "failed"
    INTERRUPTED = "interrupted"
    FALSE = "false"
    UNKNOWN = "unknown"
    ENDLESS = "endless"


K = TypeVar("K", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Rule(Generic[K]):
    """What happens, to which calls, with what probability or how often; `text` is how it was written."""

    kind: K
    probability: float
    times: int | None
    endpoint: Endpoint | None
    text: str

    def __str__(self) -> str:
        return self.text


def rules(kinds: type[K]) -> Callable[[object], tuple[Rule[K], ...]]:
    """A reader for a list of rules over one closed set; a lone text is a list of one."""

    def read(value: object) -> tuple[Rule[K], ...]:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple):
            raise Unreadable("expected a list of rules")
        return tuple(_rule(kinds, str(text)) for text in texts)

    return read


def _rule(kinds: type[K], text: str) -> Rule[K]:
    what, at, endpoint = text.partition("@")
    kind, colon, often = what.partition(":")
    try:
        return Rule(
            kinds(kind),
            probability=1.0 if not colon or often.startswith("x") else _probability(often),
            times=int(often[1:]) if often.startswith("x") else None,
            endpoint=Endpoint(endpoint) if at else None,
            text=text,
        )
    except ValueError as problem:
        known = ", ".join(kinds)
        raise Unreadable(f"expected KIND[:PROBABILITY|:xTIMES][@ENDPOINT], KIND one of {known}: {problem}") from problem


def _probability(text: str) -> float:
    probability = float(text)
    if not 0 <= probability <= 1:
        raise ValueError(f"{text} is not between 0 and 1")
    return probability


class Deck(Generic[K]):
    """Deals faults by rules; with the same seed, rules and calls it deals the same ones.

    Every rule has dice of its own, so adding one does not change what another deals. The first rule that strikes wins.
    """

    def __init__(self, dealt_by: Sequence[Rule[K]], seed: int) -> None:
        self._rules = [(rule, random.Random(f"{seed} {number} {rule}")) for number, rule in enumerate(dealt_by)]
        self._left = [rule.times for rule in dealt_by]

    def deal(self, endpoint: Endpoint) -> K | None:
        """What happens to this call, or None."""
        for number, (rule, dice) in enumerate(self._rules):
            if rule.endpoint not in (None, endpoint):
                continue
            left = self._left[number]
            if left == 0 or dice.random() >= rule.probability:
                continue
            if left is not None:
                self._left[number] = left - 1
            return rule.kind
        return None
