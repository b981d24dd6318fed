"""The closed sets of verdicts and of the words they use; nothing is judged here.

On a delivery: Done, Later, Split, Never, Stop, Unsent. On a batch: Applied, Poll, Later, Split, Stop, Unconfirmed, Unsent.
Positions are those of contacts in the chunk, from 0. A `memory` is what the chunk, or the part, remembers from now on.

Pure.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from wire.chunk_queue.rejects import RejectCode
from worker.verdict.chunk_history import ChunkHistory


class Waiting(StrEnum):
    """What a chunk that is sent again was sent back for."""

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    UNKNOWN_OUTCOME = "unknown_outcome"
    NAMED = "named"
    BATCH_LOST = "batch_lost"


class StopCode(StrEnum):
    """What a person has to mend. The first six are `Because`, in the same words."""

    CREDENTIALS = "credentials"
    PAYMENT = "payment"
    PERMISSION = "permission"
    CONTRACT = "contract"
    NOT_ACTIVECAMPAIGN = "not_activecampaign"
    HOST_NOT_ALLOWED = "host_not_allowed"
    LIST_MISSING = "list_missing"
    REFUSES_EVERYTHING = "refuses_everything"
    REFUSES_NEARLY_ALL = "refuses_nearly_all"
    UNREADABLE_ANSWERS = "unreadable_answers"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contact that is refused, and why in a sentence, which may quote the contact: it is for the rejects only."""

    position: int
    code: RejectCode
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """Some contacts of a chunk, a chunk from now on."""

    positions: tuple[int, ...]
    memory: ChunkHistory


@dataclass(frozen=True, slots=True)
class Done:
    """ActiveCampaign queued all contacts but those set aside before, which are refused and leave the chunk."""

    batch_id: str
    refused: tuple[Refusal, ...]
    memory: ChunkHistory


@dataclass(frozen=True, slots=True)
class Later:
    """Send the chunk again, after a delay, without those its memory has set aside."""

    waiting: Waiting
    delay_seconds: float
    memory: ChunkHistory


@dataclass(frozen=True, slots=True)
class Split:
    """Send the parts instead, after a delay. Every contact is in exactly one, those that were set aside too."""

    parts: tuple[Part, ...]
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Never:
    """All contacts of the chunk are refused."""

    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Send nothing more of this scope until it is mended; the chunk stays to be sent.

    Not `definite`: the third such answer stops. `by_hand`: no probe can tell, a person lifts it; if it `asks`, they must say that
    they accept it.
    `reason` is a sentence without anything personal.
    """

    scope: Literal["connection", "run"]
    code: StopCode
    reason: str
    definite: bool
    memory: ChunkHistory
    by_hand: bool = False
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Unsent:
    """The run's patience is over; `possibly_there`: an answer is missing, so that ActiveCampaign may have the contacts."""

    possibly_there: bool


@dataclass(frozen=True, slots=True)
class Applied:
    """The batch is at its end: all are applied but the refused. `unmatched` names of it are nobody's in the chunk."""

    applied: int
    refused: tuple[Refusal, ...]
    unmatched: int


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask after the batch again, after a delay."""

    delay_seconds: float


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The batch still said that it was working when the run's patience was over."""


DeliveryVerdict: TypeAlias = Done | Later | Split | Never | Stop | Unsent
BatchVerdict: TypeAlias = Applied | Poll | Later | Split | Stop | Unconfirmed | Unsent
