"""The queue of batches: what is accepted now, worked off later, and asked after in between. The clock is handed in.

A batch waits for its turn, then is `claimed`, `active` and over; its contacts are applied when it is over, in the order in which
batches end. Nothing runs in the background: `advance` does what has become due. The states are documented; how long each lasts
is not (one probe took six seconds for one contact).
"""

import heapq
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import uuid4

from tests.sandbox.account import Account, Imported, Incoming, KeptOut
from tests.sandbox.endpoints import Endpoint
from tests.sandbox.faults import Deck, Loss
from tests.sandbox.switches import LetterCase, SuccessIds, Switches
from tests.sandbox.validation import matches

_REMEMBERED_DAYS: Final = 7


class State(StrEnum):
    """A batch's status as ActiveCampaign spells it."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(slots=True)
class Batch:
    """An accepted import: its times in unix seconds, its contacts until they are applied, then whom it applied and named."""

    id: str
    size: int
    accepted: float
    begins: float
    ends: float
    loss: Loss | None
    contacts: list[Incoming]
    success: list[str] = field(default_factory=list)
    failure: list[str] = field(default_factory=list)

    def state(self, now: float) -> State:
        """Where it stands; of the time it takes, a third is waiting and a sixth claimed."""
        if now >= self.ends and self.loss is not Loss.ENDLESS:
            match self.loss:
                case Loss.FAILED:
                    return State.FAILED
                case Loss.INTERRUPTED:
                    return State.INTERRUPTED
                case _:
                    return State.COMPLETED
        done = now - self.begins
        whole = self.ends - self.begins
        if done < whole / 3:
            return State.WAITING
        return State.CLAIMED if done < whole / 2 else State.ACTIVE


class Importer:
    """Accepts batches and works them off; `acceptances` counts how often each address was accepted, whatever was answered."""

    def __init__(self, account: Account, switches: Switches, seed: int) -> None:
        self.batches: dict[str, Batch] = {}
        self.kept_out: Counter[KeptOut] = Counter()
        self.applied = 0
        self.open_batches = 0
        self.acceptances: Counter[str] = Counter()
        self._account = account
        self._dice = random.Random(f"{seed} importer")
        self._seed = seed
        self._switches = switches
        self._losses = Deck(switches.batch_faults, seed)
        self._due: list[tuple[float, int, Batch]] = []
        self._last_turn = 0.0

    def set(self, switches: Switches, *, deal_anew: bool) -> None:
        """Work by these switches from now on; batches keep the times and fates they have."""
        if deal_anew:
            self._losses = Deck(switches.batch_faults, self._seed)
        self._switches = switches

    def accept(self, contacts: list[Incoming], now: float) -> Batch:
        """Queue contacts as a batch."""
        drain = self._switches.drain_batches_per_minute
        turn = now if drain is None else max(now, self._last_turn + 60 / drain)
        self._last_turn = turn
        batch = Batch(
            id=str(uuid4()),
            size=len(contacts),
            accepted=now,
            begins=turn,
            ends=turn + self._switches.batch_seconds.draw(self._dice),
            loss=self._losses.deal(Endpoint.IMPORT),
            contacts=contacts,
        )
        self.batches[batch.id] = batch
        self.acceptances.update(incoming.details.email.lower() for incoming in contacts)
        self.open_batches += 1
        if batch.loss is not Loss.ENDLESS:
            heapq.heappush(self._due, (batch.ends, len(self.batches), batch))
        return batch

    def advance(self, now: float) -> None:
        """Work off every batch whose time has come."""
        while self._due and self._due[0][0] <= now:
            self._work_off(heapq.heappop(self._due)[2])

    def status(self, batch_id: str, now: float) -> tuple[State | Literal[False], Batch] | None:
        """What asking after a batch would tell, or None if it was never heard of or got lost."""
        batch = self.batches.get(batch_id)
        if batch is None or batch.loss is Loss.UNKNOWN:
            return None
        if batch.loss is Loss.FALSE or now < batch.accepted + self._switches.false_seconds:
            return False, batch
        return batch.state(now), batch

    def outstanding(self, now: float) -> Iterator[tuple[date, int, int]]:
        """Days with batches that are not over: day, batches, contacts."""
        return _by_day(batch for batch in self.batches.values() if now < batch.ends or batch.loss is Loss.ENDLESS)

    def recently_completed(self, now: float) -> Iterator[tuple[date, int, int]]:
        """The last seven days with batches that were completed: day, batches, contacts."""
        since = now - _REMEMBERED_DAYS * 86_400
        return _by_day(batch for batch in self.batches.values() if since < batch.ends <= now and batch.loss is None)

    def _work_off(self, batch: Batch) -> None:
        match batch.loss:
            case None:
                applied = batch.contacts
            case Loss.INTERRUPTED:
                applied = batch.contacts[: len(batch.contacts) // 2]
            case Loss.FAILED | Loss.FALSE | Loss.UNKNOWN | Loss.ENDLESS:
                applied = []
        for incoming in applied:
            self._apply(incoming, batch)
        batch.contacts = []
        self.open_batches -= 1

    def _apply(self, incoming: Incoming, batch: Batch) -> None:
        email = incoming.details.email
        if matches(self._switches.refuse_later, email) or "." not in email.rpartition("@")[2]:
            imported = Imported(None, created=False, kept_out=KeptOut.REFUSED_LATER)
        else:
            imported = self._account.import_contact(
                incoming,
                subscriber_limit=self._switches.subscriber_limit,
                update_opted_out=self._switches.update_opted_out,
            )
        if imported.kept_out is not None:
            self.kept_out[imported.kept_out] += 1
            batch.failure.append(_spelt(email, self._switches.failure_case))
            return
        self.applied += 1
        if imported.created or self._switches.success_ids is SuccessIds.ALL:
            batch.success.append(str(imported.contact_id))


def _by_day(batches: Iterator[Batch]) -> Iterator[tuple[date, int, int]]:
    counted: Counter[date] = Counter()
    contacts: Counter[date] = Counter()
    for batch in batches:
        day = datetime.fromtimestamp(batch.accepted, UTC).date()
        counted[day] += 1
        contacts[day] += batch.size
    return ((day, counted[day], contacts[day]) for day in sorted(counted))


def _spelt(email: str, letter_case: LetterCase) -> str:
    match letter_case:
        case LetterCase.LOWER:
            return email.lower()
        case LetterCase.UPPER:
            return email.upper()
        case LetterCase.AS_SENT:
            return email
