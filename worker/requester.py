"""Asks ActiveCampaign for one held chunk: waits its turn, sends once, measures, and tells the account of a throttle."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Final, Generic, TypeVar

from wire.activecampaign.client import Client
from wire.activecampaign.errors import (
    TROUBLES,
    Because,
    NoUsableAnswer,
    ObjectNotFound,
    Refused,
    Rejected,
    Throttled,
    TooLarge,
    Trouble,
    Unreadable,
)
from wire.activecampaign.results import AcceptedImport, AddressChanged, BatchInfo, LookedUp, Memberships, User
from wire.chunk_queue.chunk import LeasedChunk, RequestCost
from wire.chunk_queue.rate_limiter import Drop, LimitName, RateLimiter, RequestKind, Wait
from wire.http.hosts import scheme_for
from wire.http.session import Session
from wire.store.results import StoreError
from wire.vault import SecretError, Vault
from worker.reports import EndpointName, Listen, PacingReport, RequestReport
from worker.store_retry import until_answered
from worker.verdict import blocks

PATIENCE_SECONDS: Final = 2.0
"""A longer wait is not slept through in a worker's thread: the chunk goes back until then."""

SMOOTHING: Final = 0.2
"""The share of a new round trip in the account's average."""

GoodAnswer = AcceptedImport | BatchInfo | LookedUp | Memberships | AddressChanged | User
T = TypeVar("T", bound=GoodAnswer)
T_co = TypeVar("T_co", bound=GoodAnswer, covariant=True)


@dataclass(frozen=True, slots=True)
class NotNow:
    """Nothing was sent: it was not to be, or not for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answered(Generic[T_co]):
    """What came back, and what it cost."""

    outcome: T_co | Trouble
    wire: RequestCost

    @property
    def proves(self) -> bool:
        """Whether the account understood and allowed the request: host and key are good."""
        return isinstance(self.outcome, GoodAnswer | Rejected | TooLarge)

    @property
    def can_be_read(self) -> bool:
        """Whether it was said in words of ActiveCampaign's, so that the answers of this account can be read."""
        return self.proves or isinstance(self.outcome, ObjectNotFound)

    @property
    def nothing_queued(self) -> bool:
        """Whether this answer to an import says that nothing of it was queued; silence and a strange yes do not."""
        match self.outcome:
            case Throttled() as throttled:
                return throttled.status != HTTPStatus.SERVICE_UNAVAILABLE
            case Rejected() | TooLarge() | ObjectNotFound():
                return True
            case Refused() as refused:
                return refused.definite or refused.because is not Because.NOT_ACTIVECAMPAIGN
            case NoUsableAnswer() as unreachable:
                return not unreachable.sent
            case _:
                return False


class Requester:
    """Sends the requests of held chunks over one session."""

    def __init__(
        self, session: Session, pacer: RateLimiter, vault: Vault, trusted_hosts: frozenset[str], listen: Listen
    ) -> None:
        self._session = session
        self._pacer = pacer
        self._vault = vault
        self._trusted = trusted_hosts
        self._listen = listen

    async def import_contacts(self, leased: LeasedChunk, body: bytes, count: int) -> Answered[AcceptedImport] | NotNow:
        """Queue an import of `count` contacts."""
        kind: RequestKind = "single" if count == 1 else "import"
        return await self._ask(leased, kind, "import", lambda client: client.import_contacts(body))

    async def import_info(self, leased: LeasedChunk) -> Answered[BatchInfo] | NotNow:
        """Ask how far the held chunk's batch is."""
        return await self._ask(leased, "other", "info", lambda client: client.import_info(leased.fence))

    async def find_contact(self, leased: LeasedChunk, email: str) -> Answered[LookedUp] | NotNow:
        """Look for a contact by an address, before a held chunk is imported."""
        return await self._ask(leased, "other", "find", lambda client: client.look_up(email))

    async def memberships(self, leased: LeasedChunk, contact_id: str) -> Answered[Memberships] | NotNow:
        """Ask which lists a contact has left."""
        return await self._ask(leased, "other", "lists", lambda client: client.memberships(contact_id))

    async def change_address(
        self, leased: LeasedChunk, contact_id: str, email: str
    ) -> Answered[AddressChanged] | NotNow:
        """Give a contact another address."""
        return await self._ask(leased, "other", "update", lambda client: client.change_address(contact_id, email))

    async def whose_key(self, leased: LeasedChunk) -> Answered[User] | NotNow:
        """Ask whose key this is: a question that changes nothing, in place of a held chunk's import."""
        return await self._ask(leased, "other", "me", lambda client: client.me())

    async def _ask(
        self, leased: LeasedChunk, kind: RequestKind, endpoint: EndpointName, call: Callable[[Client], Awaitable[T]]
    ) -> Answered[T] | NotNow:
        try:
            client = self._client(leased)
        except SecretError:
            # The key was sealed with a secret that this worker does not have: a person has to mend it.
            return Answered(Refused(Because.CREDENTIALS, definite=True), RequestCost(requests=0))
        asked = monotonic()
        try:
            may = await self._pacer.wait(leased.account, kind, leased, patience_seconds=PATIENCE_SECONDS)
        except StoreError:
            return NotNow(0)  # it is written down that nothing was sent, when the store answers
        match may:
            case Drop():
                return NotNow(0)
            case Wait(seconds):
                return NotNow(seconds)
            case go:
                sent = monotonic()
                self._listen(PacingReport(sent - asked))
        outcome: T | Trouble
        try:
            outcome = await call(client)
        except TROUBLES as trouble:
            outcome = trouble
        seconds = monotonic() - sent
        throttled = isinstance(outcome, Throttled)
        status = "error" if outcome.status is None else str(outcome.status)
        self._listen(
            RequestReport(
                connection=leased.run.connection_name,
                endpoint=endpoint,
                status=status,
                seconds=seconds,
                request_id=outcome.request_id,
                throttled=throttled,
                run=leased.run.id,
                chunk=leased.chunk,
            )
        )
        if isinstance(outcome, Throttled):
            limit: LimitName = "any" if kind == "other" else kind
            told = partial(self._pacer.throttled, leased.account, limit, outcome.retry_after_seconds, go.at)
            await until_answered(told)
        wire = RequestCost(1, int(throttled), _smoothed(leased.trip_ms, seconds * 1000))
        if isinstance(outcome, Unreadable):
            return Answered(outcome, replace(wire, unread=blocks.unreadable_answers(outcome.form)))
        answered = Answered(outcome, wire)
        return replace(answered, wire=replace(wire, read=answered.can_be_read))

    def _client(self, leased: LeasedChunk) -> Client:
        host: str = leased.connection["host"]
        key = self._vault.open(leased.run.connection, leased.secret)
        return Client(self._session, host, key, scheme=scheme_for(host, self._trusted))


def _smoothed(average_ms: float | None, new_ms: float) -> float:
    return round(new_ms if average_ms is None else average_ms + SMOOTHING * (new_ms - average_ms), 1)
