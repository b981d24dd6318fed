"""What the sandbox saw, to be read afterwards: requests, accepted imports, violations. It judges nothing.

Times are unix seconds on a clock that never goes back. Bodies are kept only when a switch asks for it.
"""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Final

from tests.sandbox.endpoints import Endpoint
from tests.sandbox.limits import Limit

_REQUESTS_KEPT: Final = 200_000
"""Eleven hours of an account that is used to the full; counts and imports are complete beyond it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A call and how it ended; `status` is what was sent, or the fault that left it unanswered."""

    time: float
    method: str
    path: str
    endpoint: Endpoint
    status: str
    request_id: str
    contacts: int
    fault: str | None
    body: Any = None


@dataclass(frozen=True, slots=True)
class Import:
    """An import that was queued."""

    time: float
    contacts: int
    batch: str


@dataclass(frozen=True, slots=True)
class Violation:
    """A request too many, and the limit it would have broken."""

    time: float
    limit: Limit
    endpoint: Endpoint
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class Impatience:
    """A request inside a Retry-After, and how much of it was left."""

    time: float
    endpoint: Endpoint
    left_seconds: float


class Peak:
    """The most events in any stretch of one period, kept as they come."""

    def __init__(self, period_seconds: float) -> None:
        self.most = 0
        self._period = period_seconds
        self._inside: deque[float] = deque()

    def saw(self, time: float) -> None:
        """Note an event; times do not go back."""
        self._inside.append(time)
        while self._inside[0] <= time - self._period:
            self._inside.popleft()
        self.most = max(self.most, len(self._inside))


class Journal:
    """Everything in the order in which it came."""

    def __init__(self) -> None:
        self.requests: deque[Request] = deque(maxlen=_REQUESTS_KEPT)
        self.imports: list[Import] = []
        self.violations: list[Violation] = []
        self.impatience: list[Impatience] = []
        self.counts: Counter[tuple[Endpoint, str]] = Counter()
        self.faults: Counter[str] = Counter()
        self.dropped_keys: Counter[str] = Counter()
        self.contacts_accepted = 0
        self.busiest_minute_imports = Peak(60)
        self.busiest_second_requests = Peak(1)

    def saw(self, request: Request) -> None:
        """Note a request and how it was answered."""
        self.requests.append(request)
        self.counts[request.endpoint, request.status] += 1
        self.busiest_second_requests.saw(request.time)
        if request.fault is not None:
            self.faults[request.fault] += 1

    def accepted(self, one: Import, dropped_keys: Counter[str]) -> None:
        """Note an import that was queued."""
        self.imports.append(one)
        self.contacts_accepted += one.contacts
        self.busiest_minute_imports.saw(one.time)
        self.dropped_keys.update(dropped_keys)

    def per_endpoint(self) -> dict[str, dict[str, int]]:
        """How often each endpoint answered what."""
        table: dict[str, dict[str, int]] = {}
        for (endpoint, status), count in sorted(self.counts.items()):
            table.setdefault(endpoint, {})[status] = count
        return table
