"""The record of runs as the producer reads and steers it. Every method is one script, and a script writes only what it has checked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from producer.audit.entry import SYSTEM, Author, author_as_text
from producer.runs.answers import Appended, LeaseAnswer, ReportName, SafeguardStop, SteerAnswer, Steering
from wire.chunk_queue.chunk import ChunkKind, NewChunk
from wire.chunk_queue.chunk_store import LEASE_MS, packed_rows
from wire.chunk_queue.membership_entry import NO_ENTRIES, MembershipEntries
from wire.chunk_queue.run import Run, run_from
from wire.store import codec
from wire.store.codec import Argument
from wire.store.keys import key
from wire.store.redis import Store


class RunStore:
    """Begins, surveys, appends, steers and reads runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, token: str, lease_ms: int = LEASE_MS, *, again: bool = False) -> Run | None:
        """Take a run to read under `token`, if one may begin or has lost its reader.

        `again`: the same was asked before, and the answer was lost: the run that was taken then is taken.
        """
        found = await self._store.run("begin", token, lease_ms, "again" if again else "")
        return run_from(found[0].decode(), codec.fields(found[1:])) if found else None

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
        entries: MembershipEntries = NO_ENTRIES,
        absences: Mapping[str, Argument] | None = None,
        brake: SafeguardStop | None = None,
    ) -> LeaseAnswer:
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
        told: LeaseAnswer = codec.word(reply)
        return told

    async def append(
        self,
        run: str,
        token: str,
        offers: Iterable[NewChunk],
        *,
        at: tuple[int, int],
        kind: ChunkKind = "",
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
        return Appended(codec.word(reply[0]), *reply[1:])

    async def end_reading(self, run: str, token: str, *, at: tuple[int, int]) -> LeaseAnswer:
        """Say that all of a run is appended, if the record stands at `at` (sequence, cursor)."""
        told: LeaseAnswer = codec.word(await self._store.run("ended_reading", run, token, "", *at))
        return told

    async def fail_reading(self, run: str, token: str, error: str) -> LeaseAnswer:
        """Say why a run cannot be read: it fails, and what is not under way becomes unsent."""
        told: LeaseAnswer = codec.word(await self._store.run("ended_reading", run, token, error))
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
                codec.fields(record),
                ready_chunks=ready,
                accepted_chunks=accepted,
                blocks=(codec.fields(block), codec.fields(connection_block)),
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
    ) -> SteerAnswer:
        """Pause, resume or cancel a run; on disk when it returns. `closed`: its connection is not for contributors."""
        flags = ("1" if accept else "", "1" if by_contributor else "")
        told: SteerAnswer = codec.word(await self._store.keep("steer", run, action, *flags, author_as_text(by)))
        return told

    async def rejects(self, run: str, first: int = 0, last: int = -1, *, held_back: bool = False) -> list[bytes]:
        """Read pages of rejects, or of those held back, each some lines of NDJSON."""
        return await self.report("held_back" if held_back else "rejects", run, first, last)

    async def report(self, name: ReportName, run: str, first: int = 0, last: int = -1) -> list[bytes]:
        """Read pages of one of a run's reports, each some lines of NDJSON."""
        return [codec.unsqueeze(page) for page in await self._store.page(key(name, run), first, last)]
