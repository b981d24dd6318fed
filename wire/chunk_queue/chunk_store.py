"""The record of chunks and runs in Python's words: every method is one script, and a script only writes what it checked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any, Final, Literal

from producer.audit.trail import SYSTEM, Author, said_by
from wire.chunk_queue.chunk import Held, Kind, Offer, Outcome, OverTheWire, Stopped
from wire.chunk_queue.membership_entry import FINGERPRINT_BYTES, NO_ENTRIES, Entries
from wire.chunk_queue.run import Run, run_from
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Argument, Store

LEASE_MS: Final = 20_000
"""A living process renews every five seconds; a dead one's chunks are taken again when this is over."""

Reading = Literal["ok", "lost", "over"]
Appending = Literal["ok", "lost", "over", "forgotten"]
Steering = Literal["pause", "resume", "cancel"]
Report = Literal["rejects", "held_back", "moved"]
Steered = Literal["done", "already", "over", "unknown", "closed"]


@dataclass(frozen=True, slots=True)
class Brake:
    """Why a run must not begin to send before a person has accepted what it would do."""

    code: Literal["brake", "contract", "leavers_guard", "leavers_by_hand"]
    reason: str


@dataclass(frozen=True, slots=True)
class Appended:
    """What the record says after chunks were offered to it.

    `forgotten`: look again for whom to pass over; `bells`: how many are on their way to the account's workers.
    """

    reading: Appending
    held_bytes: int = 0
    ready_chunks: int = 0
    bells: int = 0


@dataclass(frozen=True, slots=True)
class Taking:
    """What a chunk of an account is asked for under: the bell that was heard, '' for none, and a token of its own."""

    account: str
    bell: str
    token: str


class Ledger:
    """Appends, hands out and settles chunks, and ends runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Reading a run ---------------------------------------------------------------------------------------------------

    async def begin(self, token: str, lease_ms: int = LEASE_MS, *, again: bool = False) -> Run | None:
        """Take a run to read under `token`, if one may begin or has lost its reader.

        `again`: the same was asked before, and the answer was lost: the run that was taken then is taken.
        """
        found = await self._store.run("begin", token, lease_ms, "again" if again else "")
        return run_from(found[0].decode(), _fields(found[1:])) if found else None

    async def keep_reading(self, readers: Mapping[str, str], lease_ms: int = LEASE_MS) -> None:
        """Renew the leases of runs (run id -> token) that this process reads."""
        await self._store.run("keep_reading", lease_ms, *(word for pair in readers.items() for word in pair))

    async def surveyed(  # noqa: PLR0913  a survey's whole result is written in one step
        self,
        run: str,
        token: str,
        *,
        figures: Mapping[str, int | str],
        selection: bytes,
        forecast: Mapping[str, Any],
        rejects: Sequence[bytes],
        pin: str,
        held_back: Sequence[bytes] = (),
        leaving: bytes = b"",
        moving: bytes = b"",
        moves: Sequence[bytes] = (),
        entries: Entries = NO_ENTRIES,
        absences: Mapping[str, Argument] | None = None,
        brake: Brake | None = None,
    ) -> Reading:
        """Write a survey's figures, selection, who leaves, whose address has changed, forecast, pages and entries.

        The pages are of rejects, of those held back and of changed addresses. `absences` replace those that were noted before;
        None keeps these, and empty ones drop them.

        With a brake the run is blocked in the same step, before anything of it is appended.
        """
        noted = {} if absences is None else absences
        word = "keep" if absences is None else "note" if absences else "drop"
        reply = await self._store.run(
            "surveyed",
            run,
            token,
            codec.text(dict(figures)),
            selection,
            leaving,
            codec.text(dict(forecast)),
            pin,
            codec.text(asdict(brake)) if brake else "",
            len(rejects),
            len(held_back),
            len(moves),
            moving,
            *rejects,
            *held_back,
            *moves,
            *entries.words(),
            word,
            *(argument for field in noted.items() for argument in field),
        )
        told: Reading = _word(reply)
        return told

    async def append(
        self,
        run: str,
        token: str,
        offers: Iterable[Offer],
        *,
        at: tuple[int, int],
        kind: Kind = "",
        forgotten: int = 0,
    ) -> Appended:
        """Append chunks if the record stands at `at` (sequence, cursor), all or none.

        `forgotten`: how many forgotten people the reader knows of.
        """
        words = [
            word
            for one in offers
            for word in (
                *(one.cursor, len(one.rows), codec.squeeze(one.contacts), packed_rows(one.rows)),
                *(one.prints, one.passed),
            )
        ]
        reply = await self._store.run("append", run, token, *at, kind, forgotten, *words)
        return Appended(_word(reply[0]), *reply[1:])

    async def end_reading(self, run: str, token: str, *, at: tuple[int, int]) -> Reading:
        """Say that all of a run is appended, if the record stands at `at` (sequence, cursor)."""
        told: Reading = _word(await self._store.run("ended_reading", run, token, "", *at))
        return told

    async def fail_reading(self, run: str, token: str, error: str) -> Reading:
        """Say why a run cannot be read: it fails, and what is not under way becomes unsent."""
        told: Reading = _word(await self._store.run("ended_reading", run, token, error))
        return told

    async def leaving(self, run: str) -> bytes:
        """Read who a survey found to be sent as leavers."""
        return await self._store.value(key("leaving", run)) or b""

    async def moving(self, run: str) -> bytes:
        """Read whose address a survey found to have changed."""
        return await self._store.value(key("moving", run)) or b""

    async def selection(self, run: str) -> bytes:
        """Read which rows a survey selected."""
        return await self._store.value(key("selection", run)) or b""

    # Working on chunks -----------------------------------------------------------------------------------------------

    async def take(self, account: str, bell: str, token: str, lease_ms: int = LEASE_MS) -> Held | None:
        """Answer a bell: take what is due on the account, or nothing."""
        asked_at = monotonic()
        reply = await self._store.run("take", account, bell, token, lease_ms)
        return _held(reply, token, asked_at) if reply else None

    async def give_back(self, takings: Sequence[Taking]) -> int:
        """Undo takings whose answer was lost, and forget their bells; return how many chunks were given back.

        Under their tokens nothing is taken any more, even if the store carries out late what it was asked.
        """
        words = [word for taking in takings for word in (taking.account, taking.bell, taking.token)]
        return int(await self._store.run("give_back", *words))

    async def renew(self, process: str, threads: int, chunks: Iterable[Held], lease_ms: int = LEASE_MS) -> None:
        """Renew the leases of a living process and count it as alive; an empty name counts nothing."""
        words: list[Argument] = [process, threads, lease_ms]
        for held in chunks:
            words += [held.account, held.run.id, held.chunk, held.lane, held.fence]
        await self._store.run("renew", *words)

    async def settle(self, held: Held, outcome: Outcome) -> bool:
        """Write an outcome; False if the chunk was no longer ours, and nothing was written.

        Offered again within a minute, as its answer was lost, it changes nothing and is answered as before.
        """
        kept, _ = await self.settle_and_take(held, outcome, None)
        return kept

    async def settle_and_take(
        self, held: Held, outcome: Outcome, token: str | None, lease_ms: int = LEASE_MS
    ) -> tuple[bool, Held | None]:
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
            "token": held.token,
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
            document["block"] = {name: getattr(outcome.stop, name) for name in Stopped.__dataclass_fields__}
        if outcome.wire is not None:
            wire = {name: getattr(outcome.wire, name) for name in OverTheWire.__dataclass_fields__}
            document["wire"] = {name: value for name, value in wire.items() if value is not None}
        if outcome.first_poll_ms is not None:
            document["first_poll_ms"] = outcome.first_poll_ms
        words: list[Argument] = [
            held.run.id,
            held.chunk,
            held.lane,
            held.fence,
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
        taken = _held(following[0], token, asked_at) if token and following and following[0] else None
        return bool(kept == b"settled"), taken

    # Looking and steering --------------------------------------------------------------------------------------------

    async def now(self) -> int:
        """The store's time, in milliseconds since 1970."""
        (now,) = await self._store.run("read_runs")
        return int(now)

    async def look(self, runs: Sequence[str]) -> list[Run]:
        """Read runs as they stand; those that are gone are left out."""
        if not runs:
            return []
        shown = await self._store.run("read_runs", *runs)
        return [
            run_from(
                run.decode(),
                _fields(record),
                ready_chunks=ready,
                accepted_chunks=accepted,
                blocks=(_fields(block), _fields(connection_block)),
            )
            for run, record, ready, accepted, block, connection_block in shown[1:]
        ]

    async def steer(
        self,
        run: str,
        action: Steering,
        *,
        accept: bool = False,
        by_contributor: bool = False,
        by: Author = SYSTEM,
    ) -> Steered:
        """Pause, resume or cancel a run; on disk when it returns. `closed`: its connection is not for contributors."""
        flags = ("1" if accept else "", "1" if by_contributor else "")
        told: Steered = _word(await self._store.keep("steer", run, action, *flags, said_by(by)))
        return told

    async def rejects(self, run: str, first: int = 0, last: int = -1, *, held_back: bool = False) -> list[bytes]:
        """Read pages of rejects, or of those held back, each some lines of NDJSON."""
        return await self.report("held_back" if held_back else "rejects", run, first, last)

    async def report(self, name: Report, run: str, first: int = 0, last: int = -1) -> list[bytes]:
        """Read pages of one of a run's reports, each some lines of NDJSON."""
        return [codec.unsqueeze(page) for page in await self._store.page(key(name, run), first, last)]


def _held(reply: list[Any], token: str, asked_at: float) -> Held:
    lane, run, chunk_id, now, trip, first_poll, pace, chunk_list, record, connection_list, careful = reply
    chunk, connection = _fields(chunk_list), _fields(connection_list)
    unread = "unread" if lane == b"deliver" and chunk.get("moving") != b"moving" else "unread_looks"
    return Held(
        lane=_word(lane),
        run=run_from(run.decode(), _fields(record)),
        chunk=chunk_id.decode(),
        token=token,
        fence=token if lane == b"deliver" else chunk["batch"].decode(),
        count=int(chunk["count"]),
        contacts=codec.unsqueeze(chunk["contacts"]),
        rows=tuple(codec.decode(codec.unsqueeze(chunk["rows"]))),
        prints=chunk.get("prints") or bytes(FINGERPRINT_BYTES * int(chunk["count"])),
        kind="leaving" if "leaving" in chunk else _word(chunk.get("moving", b"")),
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


def _fields(flat: Sequence[bytes]) -> dict[str, bytes]:
    pairs = iter(flat)
    return {name.decode(): value for name, value in zip(pairs, pairs, strict=True)}


def packed_rows(rows: Sequence[int]) -> bytes:
    """Write the rows of a chunk's contacts as they are kept."""
    return codec.squeeze(codec.encode(list(rows)))


def _word(reply: bytes) -> Any:
    """A script's one-word answer; the scripts' headers close the set."""
    return reply.decode()
