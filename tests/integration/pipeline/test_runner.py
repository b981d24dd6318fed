"""Runs are read from files into a real store: surveyed, appended, taken over from readers that died, and failed in words."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, cast

import orjson
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from structlog.testing import capture_logs

from deploy.local.valkey import Valkey
from producer.accounts.contact_limit import ContactLimit
from producer.app import SCRIPT_ROOMS
from producer.intake.new_run import Order, Retention, row
from producer.people.membership import Membership
from producer.pipeline import enqueue
from producer.pipeline import runner as reading
from producer.pipeline.forecast import Allowance
from producer.pipeline.known_people import KnownPeopleReader
from producer.pipeline.runner import Runner
from producer.pipeline.survey import Survey, run_survey
from producer.runs.store import RunStore
from producer.snapshots import FileSnapshot
from tests.integration.serving import connection, export
from tests.integration.walking import CLOCK, CLOCK_KEY, START, Immediate
from wire.activecampaign.requests import emails_of
from wire.chunk_queue.chunk import ChunkOutcome, NewChunk
from wire.chunk_queue.chunk_store import ChunkStore
from wire.chunk_queue.run import Run, RunState, Trigger, state
from wire.store import codec
from wire.store.redis import Store, load_scripts
from wire.store.results import Unreachable

ACCOUNT = "acme.api-us1.com"
LEASE_MS = 20_000


@dataclass
class Producers:
    """A record on time that a test moves, and producer processes that read from one folder."""

    redis: Redis
    folder: Path
    now: int = START
    imports_per_minute: float = 100.0
    surveys: list[tuple[str, Survey]] = field(default_factory=list)
    appended: Callable[[], Awaitable[None]] | None = None
    contract: ContactLimit | None = None

    def __post_init__(self) -> None:
        self.redis.flushall()
        self.pass_time(0)
        self.store = Store(cast("AsyncRedis", Immediate(self.redis)), clock=CLOCK, scripts=load_scripts(*SCRIPT_ROOMS))
        self.run_store = RunStore(self.store)
        self.chunk_store = ChunkStore(self.store)

    def pass_time(self, milliseconds: int) -> None:
        self.now += milliseconds
        self.redis.set(CLOCK_KEY, self.now)

    def process(self, run_store: RunStore | None = None) -> Runner:
        """A producer process."""
        return Runner(
            run_store or self.run_store,
            KnownPeopleReader(Membership(self.store), self.run_store),
            roots=(self.folder,),
            allowance=self._allowance,
            contract=self._contract,
            appended=self._appended,
            surveyed=lambda run, found: self.surveys.append((run.export_name, found)),
        )

    def write(self, *lines: str, name: str = "segment.csv") -> Path:
        """Write a snapshot with the columns Email and Name."""
        file = self.folder / name
        file.write_text("".join(f"{line}\n" for line in ("Email,Name", *lines)))
        return file

    def people(self, count: int) -> Path:
        """Write a snapshot of so many people."""
        return self.write(*(f"p{number}@example.org,N{number}" for number in range(count)))

    async def open_run(self, snapshot: Path, name: str = "r1", **order: Any) -> str:
        """Open a run over a snapshot."""
        fields = row(name, export(), connection(), Order(str(snapshot), Trigger.DEMAND, **order), Retention())
        assert await self.store.run("demand", "", "", 1000, "0", codec.text(fields)) == name.encode()
        return name

    async def run(self, name: str = "r1") -> Run:
        """Look at a run."""
        (found,) = await self.run_store.look([name])
        return found

    async def chunks(self) -> list[list[str]]:
        """Take every chunk that is ready, and its addresses."""
        found: list[list[str]] = []
        while held := await self.chunk_store.take(ACCOUNT, "bell", f"token-{len(found)}"):
            found.append(emails_of(held.contacts))
            assert await self.chunk_store.settle(
                held,
                ChunkOutcome(to="over", count=0, books={"applied": held.count}),
            )
        return found

    async def _allowance(self, run: Run) -> Allowance:
        return Allowance(self.imports_per_minute)

    async def _contract(self, run: Run) -> ContactLimit | None:
        return self.contract

    async def _appended(self, account: str) -> None:
        assert account == ACCOUNT
        if self.appended is not None:
            await self.appended()


async def read(reading: Runner) -> None:
    """Let a process read whatever may begin, to its end."""
    await reading.run_all()
    await asyncio.gather(*reading._tasks)


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    """Let other tasks take their turns until this is so."""
    for _ in range(100_000):
        if await reached():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


@pytest.fixture
def producers(valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Producers]:
    """An empty record; whoever waits for room looks again at once, and each chunk is a step of its own."""
    monkeypatch.setattr(enqueue, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(enqueue, "MOST_AT_ONCE", 1)
    with Redis(port=valkey.port) as redis:
        yield Producers(redis, tmp_path)


def play(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def everybody(count: int) -> list[str]:
    return [f"p{number}@example.org" for number in range(count)]


# From the file to the lane -------------------------------------------------------------------------------------------


def test_a_run_is_surveyed_and_appended(producers: Producers) -> None:
    """Its figures, rejects and forecast are in the record, and its contacts in the lane, in order."""

    async def scenario() -> None:
        file = producers.write("ann@example.org,Ann", "nobody,No", "ANN@example.org,Anna", "bob@example.org,Bob")
        await producers.open_run(file)
        await read(producers.process())
        run = await producers.run()
        books = run.books
        assert (books.read, books.invalid, books.duplicate, books.selected) == (4, 1, 1, 2)
        assert books.close(over=False)
        assert run.forecast is not None
        assert run.forecast["requests"] == 1
        assert (run.chunks, run.ready_chunks, run.packed) == (1, 1, 2)
        assert (state(run), run.reading_ended) == (RunState.DELIVERING, producers.now)
        (page,) = await producers.run_store.rejects("r1")
        assert (orjson.loads(page)["row"], orjson.loads(page)["email"]) == (2, "nobody")
        assert [(name, survey.read) for name, survey in producers.surveys] == [("vips", 4)]
        assert await producers.chunks() == [["ann@example.org", "bob@example.org"]]
        assert state(await producers.run()) is RunState.SUCCEEDED

    play(scenario())


def test_nothing_is_appended_before_the_survey_is_in_the_record(producers: Producers) -> None:
    """The second reading stands on what the first one wrote."""

    async def scenario() -> None:
        await producers.open_run(producers.people(300))
        seen = []

        async def look() -> None:
            run = await producers.run()
            seen.append((run.surveyed, run.books.selected))

        producers.appended = look
        await read(producers.process())
        assert seen == [(START, 300)] * 2

    play(scenario())


def test_a_dry_run_ends_with_its_forecast_and_sends_nothing(producers: Producers) -> None:
    """All of it unsent."""

    async def scenario() -> None:
        await producers.open_run(producers.people(300), dry_run=True)
        await read(producers.process())
        run = await producers.run()
        assert (state(run), run.books.unsent, run.chunks) == (RunState.SUCCEEDED, 300, 0)
        assert run.forecast is not None
        assert run.forecast["requests"] == 2

    play(scenario())


def test_a_snapshot_that_selects_nobody_ends_its_run(producers: Producers) -> None:
    """There is nothing to wait for."""

    async def scenario() -> None:
        await producers.open_run(producers.write("nobody,No"))
        await read(producers.process())
        run = await producers.run()
        assert (state(run), run.books.invalid) == (RunState.SUCCEEDED, 1)

    play(scenario())


# What cannot be read -------------------------------------------------------------------------------------------------


def test_a_snapshot_that_cannot_be_read_fails_its_run_with_file_and_row(producers: Producers) -> None:
    """Nothing was sent, and the message quotes nobody."""

    async def scenario() -> None:
        file = producers.write("ann@example.org,Ann", "bob@example.org,Bob,too much", "cid@example.org,Cid")
        await producers.open_run(file)
        with capture_logs() as lines:
            await read(producers.process())
        run = await producers.run()
        assert (state(run), run.chunks) == (RunState.FAILED, 0)
        assert run.error is not None
        assert f"{file}, row 2" in run.error
        assert "@" not in run.error
        assert "@" not in repr(lines)

    play(scenario())


def test_a_mapped_column_that_is_missing_fails_the_run_with_its_name(producers: Producers) -> None:
    """And the file's."""

    async def scenario() -> None:
        file = producers.folder / "segment.csv"
        file.write_text("Mail,Name\nann@example.org,Ann\n")
        await producers.open_run(file)
        await read(producers.process())
        run = await producers.run()
        assert state(run) is RunState.FAILED
        assert run.error == f"{file}: no column 'Email'; there is 'Mail', 'Name'"

    play(scenario())


def test_a_file_that_is_not_there_fails_the_run(producers: Producers) -> None:
    """And lets the next run into the list begin."""

    async def scenario() -> None:
        await producers.open_run(producers.folder / "nowhere.csv")
        await producers.open_run(producers.people(3), "r2")
        await read(producers.process())
        assert state(await producers.run("r1")) is RunState.FAILED
        await read(producers.process())
        assert (await producers.run("r2")).ready_chunks == 1

    play(scenario())


def test_a_fault_of_our_own_fails_the_run_and_says_no_more_than_its_type(producers: Producers) -> None:
    """Its text may hold a contact; the traceback is in the log."""

    async def scenario() -> None:
        async def broken() -> None:
            raise ZeroDivisionError("ann@example.org")

        await producers.open_run(producers.people(3))
        producers.appended = broken
        with capture_logs() as lines:
            await read(producers.process())
        run = await producers.run()
        assert run.ending == "failed"
        assert run.error == "the snapshot could not be read: ZeroDivisionError"
        assert [line["event"] for line in lines if line["log_level"] == "error"] == ["reading_failed", "run_failed"]

    play(scenario())


# Readers that die ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("appended_before", [1, 2, 3])
def test_another_reader_goes_on_where_a_killed_one_stood(producers: Producers, appended_before: int) -> None:
    """Without a contact lost or twice, and without another survey."""

    async def scenario() -> None:
        await producers.open_run(producers.people(900))
        reached, never = asyncio.Event(), asyncio.Event()
        count = 0

        async def hang() -> None:
            nonlocal count
            count += 1
            if count == appended_before:
                reached.set()
                await never.wait()

        producers.appended = hang
        first = producers.process()
        assert await first.run_once()
        await reached.wait()
        for task in first._tasks:
            task.cancel()
        await asyncio.gather(*first._tasks, return_exceptions=True)
        assert (await producers.run()).sequence == appended_before

        producers.appended = None
        second = producers.process()
        assert not await second.run_once(), "the dead reader's lease still holds"
        producers.pass_time(LEASE_MS)
        await read(second)
        assert len(producers.surveys) == 1
        assert [email for chunk in await producers.chunks() for email in chunk] == everybody(900)
        assert state(await producers.run()) is RunState.SUCCEEDED

    play(scenario())


def test_a_reader_whose_lease_was_taken_over_appends_nothing_more(producers: Producers) -> None:
    """It was only slow, not dead."""

    async def scenario() -> None:
        await producers.open_run(producers.people(900))
        reached, go_on = asyncio.Event(), asyncio.Event()

        async def hang_once() -> None:
            producers.appended = None
            reached.set()
            await go_on.wait()

        producers.appended = hang_once
        slow = producers.process()
        assert await slow.run_once()
        await reached.wait()
        producers.pass_time(LEASE_MS)
        await read(producers.process())
        go_on.set()
        await asyncio.gather(*slow._tasks)
        assert [email for chunk in await producers.chunks() for email in chunk] == everybody(900)
        run = await producers.run()
        assert (state(run), run.chunks) == (RunState.SUCCEEDED, 4)

    play(scenario())


class Pensive(RunStore):
    """A ledger that waits before it hands out a selection."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def selection(self, run: str) -> bytes:
        """Wait, and read it."""
        self.asked.set()
        await self.go_on.wait()
        return await super().selection(run)


def test_a_reader_is_told_by_its_token_though_it_knows_where_the_record_stands(producers: Producers) -> None:
    """The one that took over has not appended anything yet."""

    async def scenario() -> None:
        await producers.open_run(producers.people(900))
        reached, go_on = asyncio.Event(), asyncio.Event()

        async def hang_once() -> None:
            producers.appended = None
            reached.set()
            await go_on.wait()

        producers.appended = hang_once
        slow = producers.process()
        assert await slow.run_once()
        await reached.wait()
        producers.pass_time(LEASE_MS)
        pensive = Pensive(producers.store)
        successor = producers.process(pensive)
        assert await successor.run_once()
        await pensive.asked.wait()
        go_on.set()
        await asyncio.gather(*slow._tasks)
        assert (await producers.run()).sequence == 1
        pensive.go_on.set()
        await asyncio.gather(*successor._tasks)
        assert [email for chunk in await producers.chunks() for email in chunk] == everybody(900)

    play(scenario())


def test_a_living_reader_keeps_its_runs(producers: Producers) -> None:
    """It renews its lease while it waits."""

    async def scenario() -> None:
        await producers.open_run(producers.people(900))
        reached, go_on = asyncio.Event(), asyncio.Event()

        async def hang_once() -> None:
            producers.appended = None
            reached.set()
            await go_on.wait()

        producers.appended = hang_once
        slow, other = producers.process(), producers.process()
        assert await slow.run_once()
        await reached.wait()
        for _ in range(4):
            producers.pass_time(LEASE_MS - 1)
            await slow._renew()
            assert not await other.run_once()
        go_on.set()
        await asyncio.gather(*slow._tasks)
        assert (await producers.run()).chunks == 4

    play(scenario())


class Faltering(RunStore):
    """A ledger whose store does not answer one append, after it has written it or before."""

    def __init__(self, store: Store, *, written: bool) -> None:
        super().__init__(store)
        self.written = written
        self.appends = 0

    async def append(self, run: str, token: str, offers: Iterable[NewChunk], **said: Any) -> Any:
        """Append, but for the second step."""
        self.appends += 1
        if self.appends != 2:
            return await super().append(run, token, offers, **said)
        if self.written:
            await super().append(run, token, offers, **said)
        raise Unreachable("the store does not answer")


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("step", [1, 2])
def test_an_append_whose_answer_was_lost_is_neither_lost_nor_repeated(
    producers: Producers,
    monkeypatch: pytest.MonkeyPatch,
    written: bool,  # noqa: FBT001  drawn
    step: int,
) -> None:
    """Whether it was written is read from the record, and the same reader goes on there as soon as the store answers."""
    monkeypatch.setattr(reading, "AGAIN_SECONDS", 0)
    monkeypatch.setattr(enqueue, "MOST_AT_ONCE", step)

    async def scenario() -> None:
        await producers.open_run(producers.people(900))
        with capture_logs() as lines:
            await read(producers.process(Faltering(producers.store, written=written)))
        assert "reading_interrupted" in [line["event"] for line in lines]
        assert state(await producers.run()) is RunState.DELIVERING
        assert [email for chunk in await producers.chunks() for email in chunk] == everybody(900)

    play(scenario())


def test_a_snapshot_that_changed_since_its_survey_fails_the_run(producers: Producers) -> None:
    """All that no worker has in hand is unsent, and the message says what happened."""

    async def scenario() -> None:
        await producers.open_run(producers.people(900))
        reached, never = asyncio.Event(), asyncio.Event()

        async def hang() -> None:
            reached.set()
            await never.wait()

        producers.appended = hang
        first = producers.process()
        assert await first.run_once()
        await reached.wait()
        for task in first._tasks:
            task.cancel()
        await asyncio.gather(*first._tasks, return_exceptions=True)

        producers.appended = None
        producers.people(901)
        producers.pass_time(LEASE_MS)
        await read(producers.process())
        run = await producers.run()
        assert state(run) is RunState.FAILED
        assert run.error is not None
        assert "changed" in run.error
        assert (run.books.unsent, run.books.pending) == (900, 0)

    play(scenario())


# Room, and people ----------------------------------------------------------------------------------------------------


def test_the_look_ahead_waits_for_room_and_goes_on_when_there_is_some(producers: Producers) -> None:
    """A minute of ready work: two requests at two a minute."""

    async def scenario() -> None:
        producers.imports_per_minute = 2
        await producers.open_run(producers.people(1250))
        reading = producers.process()
        assert await reading.run_once()

        async def two() -> bool:
            return (await producers.run()).ready_chunks == 2

        await until(two)
        for _ in range(200):
            await asyncio.sleep(0)
            assert (await producers.run()).ready_chunks <= 2
        got: list[str] = []
        for number in range(5):

            async def there() -> bool:
                return (await producers.run()).ready_chunks > 0

            await until(there)
            held = await producers.chunk_store.take(ACCOUNT, "bell", f"token-{number}")
            assert held is not None
            got += emails_of(held.contacts)
            await producers.chunk_store.settle(held, ChunkOutcome(to="over", books={"applied": held.count}))
            assert (await producers.run()).ready_chunks <= 2
        await asyncio.gather(*reading._tasks)
        assert got == everybody(1250)
        assert state(await producers.run()) is RunState.SUCCEEDED

    play(scenario())


def test_a_cancel_while_it_sends_stops_the_reader(producers: Producers) -> None:
    """What is not under way is unsent in that step."""

    async def scenario() -> None:
        await producers.open_run(producers.people(1250))

        async def cancel() -> None:
            await producers.run_store.steer("r1", "cancel")

        producers.appended = cancel
        await read(producers.process())
        run = await producers.run()
        assert (state(run), run.chunks, run.books.unsent) == (RunState.CANCELLED, 1, 1250)
        assert await producers.chunks() == []

    play(scenario())


def test_a_cancel_while_it_waits_for_room_stops_the_reader(producers: Producers) -> None:
    """Or it would look for ever."""

    async def scenario() -> None:
        producers.imports_per_minute = 2
        await producers.open_run(producers.people(1250))
        reading = producers.process()
        assert await reading.run_once()

        async def two() -> bool:
            return (await producers.run()).ready_chunks == 2

        await until(two)
        assert await producers.run_store.steer("r1", "cancel") == "done"
        await asyncio.gather(*reading._tasks)
        run = await producers.run()
        assert (state(run), run.books.unsent) == (RunState.CANCELLED, 1250)

    play(scenario())


def test_a_small_snapshot_is_surveyed_beside_a_large_one(producers: Producers, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a second large one behind it, since each takes its processor and its memory."""
    slow, go_on = producers.write(*(f"p{number}@example.org,N" for number in range(900)), name="large.csv"), Event()

    def slowly(snapshot: FileSnapshot, *rest: Any, **options: Any) -> Survey:
        if snapshot.files[0].name == slow.name:
            assert go_on.wait(30)
        return run_survey(snapshot, *rest, **options)

    monkeypatch.setattr(reading, "run_survey", slowly)
    monkeypatch.setattr(reading, "SMALL_BYTES", 1_000)

    async def scenario() -> None:
        for name, file in (("r1", slow), ("r2", slow), ("r3", producers.write("ann@example.org,Ann"))):
            await producers.open_run(file, name, dry_run=True)
        process = producers.process()
        await process.run_all()

        async def small_is_over() -> bool:
            return (await producers.run("r3")).over

        await until(small_is_over)
        assert [(await producers.run(name)).surveyed for name in ("r1", "r2")] == [None, None]
        go_on.set()
        await asyncio.gather(*process._tasks)
        assert [(await producers.run(name)).over for name in ("r1", "r2", "r3")] == [True, True, True]

    play(scenario())


def test_a_process_that_goes_down_leaves_its_runs_to_others(producers: Producers) -> None:
    """Its loop ends its readers and fails none of their runs."""

    async def scenario() -> None:
        await producers.open_run(producers.people(900))
        reached, never = asyncio.Event(), asyncio.Event()

        async def hang() -> None:
            reached.set()
            await never.wait()

        producers.appended = hang
        process = asyncio.create_task(producers.process().run())
        await reached.wait()
        process.cancel()
        await asyncio.gather(process, return_exceptions=True)
        producers.appended = None
        assert state(await producers.run()) is RunState.DELIVERING
        producers.pass_time(LEASE_MS)
        await read(producers.process())
        assert [email for chunk in await producers.chunks() for email in chunk] == everybody(900)

    play(scenario())
