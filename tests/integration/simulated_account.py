"""Forty minutes of an account in simulated time: askers that wake late, and the real pacing script on a real server.

With `two_hosts`, each asks over one of two hosts, which are found to be one account `united_after` so many seconds.

Wake-ups are late by 0 to 5 ms and a share of them by 50 to 250 ms; after a go, arrival jitters by 0 to 30 ms and half that
share again by 50 to 250 ms. What arrives is judged by windows as strict as anybody could count them.
"""

import heapq
import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from redis import Redis

from producer.app import SCRIPT_ROOMS
from tests.integration.walking import CLOCK, CLOCK_KEY, Immediate, immediately
from wire.chunk_queue.rate_limiter import Go, Question, RateLimiter, RequestKind, Wait
from wire.store.keys import key
from wire.store.redis import Store, load_scripts

ACCOUNT: Final = "acme.test"
OTHER: Final = "acme.activehosted.test"
STALL_EVERY_SECONDS: Final = 20.0
START_MS: Final = 1_700_000_000_000


@dataclass
class Arrivals:
    """When requests reached the account, in seconds."""

    imports: list[float] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)

    @property
    def everything(self) -> list[float]:
        """All of them in order."""
        return sorted(self.imports + self.polls)


class Simulation:
    """An account whose askers are simulated and whose pacer is real."""

    def __init__(
        self,
        port: int,
        *,
        seed: int = 3,
        late_share: float = 0.02,
        stall_seconds: float = 0,
        two_hosts: bool = False,
        united_after: float = 0,
        **limits: float,
    ) -> None:
        self.redis = Redis(port=port)
        self.redis.flushall()
        self.random = random.Random(seed)
        self.late_share = late_share
        self.stall_seconds = stall_seconds
        self.two_hosts, self.united_after = two_hosts, united_after
        self.set_time(0)
        if limits:
            self.redis.hset(key("account", ACCOUNT), mapping={name: str(limit) for name, limit in limits.items()})
        self.pacer = RateLimiter(Store(Immediate(self.redis), clock=CLOCK, scripts=load_scripts(*SCRIPT_ROOMS)))  # type: ignore[arg-type]
        self.arrivals = Arrivals()

    def set_time(self, seconds: float) -> None:
        """Set the store's time."""
        self.redis.set(CLOCK_KEY, self.milliseconds(seconds))

    @staticmethod
    def milliseconds(seconds: float) -> int:
        """The store's time so many seconds after the start."""
        return START_MS + round(seconds * 1000)

    def ask(self, now: float, kind: RequestKind | Question) -> Go | Wait:
        """Ask the real script at this time."""
        self.set_time(now)
        if self.two_hosts and now >= self.united_after:
            self.united_after = float("inf")
            immediately(self.pacer._store.run("unite_accounts", OTHER, ACCOUNT, ""))
        host = self.random.choice((ACCOUNT, OTHER)) if self.two_hosts else ACCOUNT
        answer = immediately(self.pacer.ask(host, kind))
        assert isinstance(answer, Go | Wait)
        return answer

    def run(
        self,
        seconds: float,
        *,
        importers: int = 4,
        pollers: int = 4,
        kind: RequestKind = "import",
        polls_per_import: float = 9,
    ) -> Arrivals:
        """Let so many askers ask for so long; polls are asked for up to so many per import."""
        asked: list[tuple[float, int, RequestKind]] = []
        kinds: list[RequestKind] = [kind] * importers + ["other"] * pollers
        for requester, wanted in enumerate(kinds):
            heapq.heappush(asked, (self.random.random() * 0.1, requester, wanted))
        while asked:
            now, requester, wanted = heapq.heappop(asked)
            if now > seconds:
                break
            polls, imports = self.arrivals.polls, self.arrivals.imports
            if wanted == "other" and importers and len(polls) >= len(imports) * polls_per_import:
                heapq.heappush(asked, (now + 0.1, requester, wanted))
                continue
            match self.ask(now, wanted):
                case Go():
                    jitter = self.random.random() * 0.03 + self._late(self.late_share / 2)
                    (polls if wanted == "other" else imports).append(now + jitter)
                    again = now + 0.05 + self.random.random() * 0.3
                case Wait(wait):
                    again = now + wait + self.random.random() * 0.005 + self._late(self.late_share)
            heapq.heappush(asked, (self._after_stall(again), requester, wanted))
        return self.arrivals

    def close(self) -> None:
        """Let go of the connection."""
        self.redis.close()

    def _after_stall(self, again: float) -> float:
        """Nobody wakes in the first seconds of every twenty, if the machine stalls."""
        return max(again, again // STALL_EVERY_SECONDS * STALL_EVERY_SECONDS + self.stall_seconds)

    def _late(self, share: float) -> float:
        return self.random.uniform(0.05, 0.25) if self.random.random() < share else 0.0


def sliding_breaches(times: Iterable[float], most: int, window: float) -> int:
    """Count arrivals that find `most` others in the window before them."""
    breaches, recent = 0, deque[float]()
    for at in sorted(times):
        while recent and recent[0] <= at - window:
            recent.popleft()
        if len(recent) >= most:
            breaches += 1
        else:
            recent.append(at)
    return breaches


def fixed_breaches(times: Iterable[float], most: int, window: float, offset: float) -> int:
    """Count arrivals over `most` in windows that begin every `window` seconds, shifted by `offset`."""
    counts: dict[int, int] = {}
    for at in times:
        number = int((at - offset) // window)
        counts[number] = counts.get(number, 0) + 1
    return sum(max(0, count - most) for count in counts.values())


def bucket_breaches(times: Iterable[float], most: int, window: float) -> int:
    """Count arrivals that find a bucket of `most` tokens, refilled evenly over the window, empty."""
    breaches, tokens, last = 0, float(most), 0.0
    for at in sorted(times):
        tokens, last = min(most, tokens + (at - last) * most / window), at
        if tokens < 1:
            breaches += 1
        else:
            tokens -= 1
    return breaches


def every_window(times: list[float], most: int, window: float) -> Iterator[int]:
    """The breaches under each kind of window."""
    yield sliding_breaches(times, most, window)
    yield bucket_breaches(times, most, window)
    for offset in range(4):
        yield fixed_breaches(times, most, window, offset * window / 4)
