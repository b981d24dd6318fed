"""A chunk in a worker's hands, and what became of it, as values; `wire.chunk_queue.chunk_store` hands out the one and writes the other.

A chunk is `ready`, `leased` under a token, or `accepted` under a batch id; when its contacts have their fates it is gone.
The lanes say what a worker does with it: `deliver` what is ready, `confirm` what is accepted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from wire.chunk_queue.membership_entry import FINGERPRINT_BYTES, NO_ENTRIES, MembershipEntries
from wire.chunk_queue.run import Run

Stage = Literal["deliver", "confirm"]
Book = Literal["applied", "refused", "unconfirmed", "unsent", "accepted", "unmatched", "updated", "newcomers"]

ChunkKind = Literal["", "leaving", "moving", "moved"]
"""Of a chunk. `leaving`: its contacts are gone from the segment. `moving`: they are known by a former address, and looked up
before they are imported; `moved`: that is done."""


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk as it is appended: the JSON of its request, the rows of its contacts and their prints, in order.

    `cursor`: where reading goes on after it. `passed`: how many forgotten people are passed over in it; where nobody else is
    left, the record only goes on.
    """

    cursor: int
    contacts: bytes
    rows: Sequence[int]
    prints: bytes = b""
    passed: int = 0


@dataclass(frozen=True, slots=True)
class LeasedChunk:
    """A chunk in our hands, with all that is needed to act on it, as one script saw it.

    `fence` is what the outcome must prove: the lease's token for a delivery, the batch id for a confirmation. `prints` are
    what membership is to know of the contacts, one after the other: the fingerprint, and behind it the person, where the export
    has ids. `pace` is what its request was answered by the pacer as it was handed out, as `wire.chunk_queue.rate_limiter`
    reads it, and `asked_at` when that was, on the monotonic clock.
    `unread`: how many answers about it in a row could not be read. `careful`: a harmless question is asked in place of the import.
    Times are milliseconds of the run's own clock, which stands still while the run does.
    """

    lane: Stage
    run: Run
    chunk: str
    token: str
    fence: str
    count: int
    contacts: bytes
    rows: tuple[int, ...]
    prints: bytes
    kind: ChunkKind
    facts: dict[str, Any]
    now: int
    first_taken: int
    accepted_at: int
    trip_ms: float | None
    first_poll_ms: float | None
    connection: dict[str, Any]
    secret: bytes
    pace: Sequence[Any] = ()
    asked_at: float = 0.0
    unread: int = 0
    careful: bool = False

    @property
    def account(self) -> str:
        """The ActiveCampaign account, by one of its hosts."""
        return self.run.account

    @property
    def leaving(self) -> bool:
        """Whether its contacts are gone from the segment."""
        return self.kind == "leaving"

    def print_of(self, position: int) -> bytes:
        """What membership is to know of the contact at this place."""
        return fingerprint_at(self.prints, position, of=self.count)

    def fingerprint(self, position: int) -> bytes:
        """The fingerprint of the contact at this place."""
        return self.print_of(position)[:FINGERPRINT_BYTES]

    def person(self, position: int) -> bytes:
        """The person behind the contact at this place; empty where the export has no ids."""
        return self.print_of(position)[FINGERPRINT_BYTES:]


def fingerprint_at(prints: bytes, position: int, *, of: int) -> bytes:
    """Cut what belongs to one contact out of the prints `of` so many."""
    width = len(prints) // of
    return prints[position * width : (position + 1) * width]


@dataclass(frozen=True, slots=True)
class ChunkPiece:
    """A part of a chunk that was split, a chunk from now on."""

    id: str
    contacts: bytes
    rows: tuple[int, ...]
    prints: bytes = b""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why a connection or a run is to be stopped.

    `definite`: blocked at once; otherwise the third such answer blocks. `by_hand`: never probed, a person lifts it; `asks`:
    and must say that they accept it.
    """

    scope: Literal["connection", "run"]
    code: str
    reason: str
    definite: bool = True
    by_hand: bool = False
    asks: bool = True


@dataclass(frozen=True, slots=True)
class RequestCost:
    """What was asked of ActiveCampaign on the way to an outcome, counted whether or not the outcome still counts.

    `lookups`: of single contacts, and no imports. `read`: an answer could be read. `unread`: the last one could not, and what is
    said when that blocks the connection.
    """

    requests: int = 1
    throttles: int = 0
    trip_ms: float | None = None
    lookups: bool = False
    read: bool = False
    unread: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkOutcome:
    """What became of a held chunk.

    `ready` and `accepted` keep the chunk, with `count` contacts that stay in it; `split` puts `pieces` in its place; `over`
    ends it. `books` has the fates of contacts that leave the chunk: with those that stay they must be all of it. `entries`
    are what membership is to know of them, by address. `nothing_queued`: ActiveCampaign cannot have the contacts by what
    was sent just now. `moved`: those who have another address were looked up, and may be imported.
    `probe`: a harmless question was asked in place of the import.
    """

    to: Literal["ready", "accepted", "split", "over"]
    books: Mapping[Book, int] = field(default_factory=dict)
    count: int = 0
    due_in_ms: int = 0
    batch: str | None = None
    facts: Mapping[str, Any] | None = None
    contacts: bytes | None = None
    rows: tuple[int, ...] = ()
    prints: bytes = b""
    pieces: Sequence[ChunkPiece] = ()
    rejects: bytes = b""
    entries: MembershipEntries = NO_ENTRIES
    nothing_queued: bool = False
    moved: bool = False
    probe: bool = False
    stop: StopReason | None = None
    answered: bool = False
    ended: bool = False
    first_poll_ms: float | None = None
    wire: RequestCost | None = None
