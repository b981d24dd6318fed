"""What a worker does when it hears a bell: take what is due, ask ActiveCampaign, judge, write down, ring on.

Nothing here is raised to be retried. An outcome is offered until the store answers, written once, and answered as the first
time. What was asked for and not answered is given back when the store answers again.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import random
from time import monotonic
from typing import Final

import structlog

from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk
from wire.chunk_queue.chunk_store import ChunkStore, Taking
from wire.chunk_queue.wakeups import Wakeups
from wire.store.results import StoreError
from worker import confirm, deliver, probe
from worker.address_lookup import AddressLookup
from worker.lost_answers import LostAnswers
from worker.reports import Listen, SettleReport
from worker.requester import NotNow, Requester
from worker.store_retry import until_answered
from worker.verdict import judge_batch, judge_delivery

ANSWER_SECONDS: Final = 1.0
"""How long one bell is answered, chunk after chunk: a quick account costs few bells, a slow one keeps no thread from others."""

NOT_SENT: Final = "NotSent"

_log = structlog.get_logger(__name__)


class ChunkWorker:
    """Works on one chunk after the other for each bell; knows which chunks are in this process's hands."""

    def __init__(
        self,
        chunk_store: ChunkStore,
        requester: Requester,
        wakeups: Wakeups,
        listen: Listen,
        *,
        jitter: Callable[[], float] = random,
        clock_seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._chunk_store = chunk_store
        self._requester = requester
        self._wakeups = wakeups
        self._listen = listen
        self._jitter = jitter
        self._clock_seconds = clock_seconds
        self._address_lookup = AddressLookup(requester, jitter, clock_seconds)
        self._lost = LostAnswers(chunk_store)
        self._leased: dict[str, LeasedChunk] = {}
        self._since: dict[str, float] = {}

    def leased_chunks(self) -> tuple[LeasedChunk, ...]:
        """The chunks whose leases this process is to renew."""
        return tuple(self._leased.values())

    def oldest_held(self) -> float | None:
        """Since when the chunk that is longest in hand is there, by the monotonic clock."""
        return min(tuple(self._since.values()), default=None)

    async def handle_wakeup(self, account: str, wakeup: str) -> None:
        """Answer a bell: work on what is due, and ring on if there may be more when it was answered long enough."""
        until = self._clock_seconds() + ANSWER_SECONDS
        try:
            leased = await self._take(Taking(account, wakeup, secrets.token_hex(16)))
            while leased is not None:
                with self._holding(leased):
                    outcome, verdict = await (
                        self._confirm(leased) if leased.lane == "confirm" else self._deliver(leased)
                    )
                    goes_on = self._clock_seconds() < until
                    leased = await self._settle(leased, outcome, verdict, goes_on=goes_on)
                if not goes_on:
                    await self._wakeups.wake([account])
        except StoreError as error:
            _log.warning("store_failed", account=account, error=str(error))

    async def give_back(self) -> None:
        """Let the record forget every bell that was heard and not answered; StoreError if it does not answer yet."""
        await self._lost.give_back()

    async def _take(self, taking: Taking) -> LeasedChunk | None:
        try:
            return await self._chunk_store.take(taking.account, taking.wakeup, taking.token)
        except StoreError:
            self._lost.add(taking)
            raise

    @contextmanager
    def _holding(self, leased: LeasedChunk) -> Iterator[None]:
        self._leased[leased.token] = leased
        self._since[leased.token] = monotonic()
        try:
            yield
        finally:
            del self._leased[leased.token]
            del self._since[leased.token]

    async def _deliver(self, leased: LeasedChunk) -> tuple[ChunkOutcome, str]:
        if leased.kind == "moving":
            return await self._address_lookup.look_up(leased)
        if leased.careful:
            return await probe.ask_first(self._requester, leased)
        body, count = deliver.to_send(leased)
        answer = await self._requester.import_contacts(leased, body, count)
        if isinstance(answer, NotNow):
            return deliver.back(leased, answer.seconds), NOT_SENT
        verdict = judge_delivery(answer.outcome, deliver.facts(leased, self._jitter()))
        outcome = deliver.outcome(
            verdict, leased, answer.wire, answered=answer.proves, nothing_queued=answer.nothing_queued
        )
        return outcome, type(verdict).__name__

    async def _confirm(self, leased: LeasedChunk) -> tuple[ChunkOutcome, str]:
        answer = await self._requester.import_info(leased)
        if isinstance(answer, NotNow):
            return confirm.back(leased, answer.seconds), NOT_SENT
        facts = confirm.facts(leased, self._jitter())
        verdict = judge_batch(answer.outcome, facts)
        outcome = confirm.outcome(verdict, leased, answer.wire, facts.emails, answered=answer.proves)
        return outcome, type(verdict).__name__

    async def _settle(
        self, leased: LeasedChunk, outcome: ChunkOutcome, verdict: str, *, goes_on: bool
    ) -> LeasedChunk | None:
        """Write an outcome down, and take what else is due in the same step, if it goes on."""

        async def settle() -> tuple[bool, LeasedChunk | None]:
            token = secrets.token_hex(16) if goes_on else None
            try:
                return await self._chunk_store.settle_and_take(leased, outcome, token)
            except StoreError:
                if token is not None:
                    self._lost.add(Taking(leased.account, "", token))
                raise

        kept, following = await until_answered(settle)
        batch = outcome.batch or (leased.fence if leased.lane == "confirm" else None)
        run = leased.run
        self._listen(SettleReport(run.id, run.export_name, leased.chunk, batch, verdict, outcome.books, kept))
        return following
