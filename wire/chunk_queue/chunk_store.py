"""The record of chunks as a worker sees it: take, renew, settle. Every method is one script; it writes only what it checked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk, RequestCost, StopReason
from wire.chunk_queue.membership_entry import FINGERPRINT_BYTES
from wire.chunk_queue.run import run_from
from wire.store import codec
from wire.store.codec import Argument
from wire.store.redis import Store

LEASE_MS: Final = 20_000
"""A living process renews every five seconds; a dead one's chunks are taken again when this is over."""


@dataclass(frozen=True, slots=True)
class Taking:
    """What a chunk of an account is asked for under: the bell that was heard, '' for none, and a token of its own."""

    account: str
    wakeup: str
    token: str


class ChunkStore:
    """Leases chunks, renews their leases and settles their outcomes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, account: str, wakeup: str, token: str, lease_ms: int = LEASE_MS) -> LeasedChunk | None:
        """Answer a bell: take what is due on the account, or nothing."""
        asked_at = monotonic()
        reply = await self._store.run("take", account, wakeup, token, lease_ms)
        return _leased(reply, token, asked_at) if reply else None

    async def give_back(self, takings: Sequence[Taking]) -> int:
        """Undo takings whose answer was lost, and forget their bells; return how many chunks were given back.

        Under their tokens nothing is taken any more, even if the store carries out late what it was asked.
        """
        words = [word for taking in takings for word in (taking.account, taking.wakeup, taking.token)]
        return int(await self._store.run("give_back", *words))

    async def renew(self, process: str, threads: int, chunks: Iterable[LeasedChunk], lease_ms: int = LEASE_MS) -> None:
        """Renew the leases of a living process and count it as alive; an empty name counts nothing."""
        words: list[Argument] = [process, threads, lease_ms]
        for leased in chunks:
            words += [leased.account, leased.run.id, leased.chunk, leased.lane, leased.fence]
        await self._store.run("renew", *words)

    async def settle(self, leased: LeasedChunk, outcome: ChunkOutcome) -> bool:
        """Write an outcome; False if the chunk was no longer ours, and nothing was written.

        Offered again within a minute, as its answer was lost, it changes nothing and is answered as before.
        """
        kept, _ = await self.settle_and_take(leased, outcome, None)
        return kept

    async def settle_and_take(
        self, leased: LeasedChunk, outcome: ChunkOutcome, token: str | None, lease_ms: int = LEASE_MS
    ) -> tuple[bool, LeasedChunk | None]:
        """Write an outcome, and in the same step take what else is due on the account, if there is a token for it.

        What is offered again takes nothing.
        """
        pieces = [
            {"id": p.id, "count": len(p.rows), "fields": {"facts": codec.text(dict(p.facts))}} for p in outcome.pieces
        ]
        fields = {} if outcome.facts is None else {"facts": codec.text(dict(outcome.facts))}
        if outcome.moved:
            fields["moving"] = "moved"
        if outcome.batch is not None:
            fields["batch"] = outcome.batch
        document: dict[str, Any] = {
            "token": leased.token,
            "to": outcome.to,
            "books": dict(outcome.books),
            "count": outcome.count,
            "due_in_ms": outcome.due_in_ms,
            "fields": fields,
            "pieces": pieces,
            "answered": outcome.answered,
            "ended": outcome.ended,
            "nothing_queued": outcome.nothing_queued,
            "probe": outcome.probe,
        }
        if token is not None:
            document["next"] = {"token": token, "lease": lease_ms}
        if outcome.stop is not None:
            document["block"] = {name: getattr(outcome.stop, name) for name in StopReason.__dataclass_fields__}
        if outcome.wire is not None:
            wire = {name: getattr(outcome.wire, name) for name in RequestCost.__dataclass_fields__}
            document["wire"] = {name: value for name, value in wire.items() if value is not None}
        if outcome.first_poll_ms is not None:
            document["first_poll_ms"] = outcome.first_poll_ms
        words: list[Argument] = [
            leased.run.id,
            leased.chunk,
            leased.lane,
            leased.fence,
            codec.text(document),
            *outcome.entries.words(),
            outcome.rejects,
            b"" if outcome.contacts is None else codec.squeeze(outcome.contacts),
            b"" if outcome.contacts is None else packed_rows(outcome.rows),
            b"" if outcome.contacts is None else outcome.prints,
        ]
        for piece in outcome.pieces:
            words += [codec.squeeze(piece.contacts), packed_rows(piece.rows), piece.prints]
        asked_at = monotonic()
        kept, *following = await self._store.run("settle", *words)
        taken = _leased(following[0], token, asked_at) if token and following and following[0] else None
        return bool(kept == b"settled"), taken


def _leased(reply: list[Any], token: str, asked_at: float) -> LeasedChunk:
    lane, run, chunk_id, now, trip, first_poll, pace, chunk_list, record, connection_list, careful = reply
    chunk, connection = codec.fields(chunk_list), codec.fields(connection_list)
    unread = "unread" if lane == b"deliver" and chunk.get("moving") != b"moving" else "unread_looks"
    return LeasedChunk(
        lane=codec.word(lane),
        run=run_from(run.decode(), codec.fields(record)),
        chunk=chunk_id.decode(),
        token=token,
        fence=token if lane == b"deliver" else chunk["batch"].decode(),
        count=int(chunk["count"]),
        contacts=codec.unsqueeze(chunk["contacts"]),
        rows=tuple(codec.decode(codec.unsqueeze(chunk["rows"]))),
        prints=chunk.get("prints") or bytes(FINGERPRINT_BYTES * int(chunk["count"])),
        kind="leaving" if "leaving" in chunk else codec.word(chunk.get("moving", b"")),
        facts=codec.decode(chunk.get("facts", b"{}")),
        now=now,
        first_taken=int(chunk.get("first_taken", now)),
        accepted_at=int(chunk.get("accepted_at", now)),
        trip_ms=float(trip) if trip else None,
        first_poll_ms=float(first_poll) if first_poll else None,
        connection=codec.decode(connection.get("document", b"{}")),
        secret=connection.get("secret", b""),
        pace=pace,
        asked_at=asked_at,
        unread=int(chunk.get(unread, 0)),
        careful=bool(careful),
    )


def packed_rows(rows: Sequence[int]) -> bytes:
    """Write the rows of a chunk's contacts as they are kept."""
    return codec.squeeze(codec.encode(list(rows)))
