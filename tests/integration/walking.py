"""A small world around the real scripts: an ActiveCampaign, two producers and three workers that take one step at a time.

Every step is one that can be cut off from the next by a kill, a lost answer, an expired lease or a store that goes back a
second. The world checks after every step what must always hold, and at the end what must have come true.
"""

from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self, TypeVar, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ResponseError

from producer.app import SCRIPT_ROOMS
from producer.people.membership import Membership
from producer.runs.store import RunStore
from tests.unit.records import contacts
from wire.activecampaign.requests import emails_of
from wire.chunk_queue.chunk import Book, ChunkOutcome, ChunkPiece, LeasedChunk, NewChunk, RequestCost
from wire.chunk_queue.chunk_store import ChunkStore
from wire.chunk_queue.membership_entry import FINGERPRINT_BYTES, MembershipEntries, MembershipEntry, MemberState
from wire.chunk_queue.rate_limiter import Drop, Go, RateLimiter, RequestKind
from wire.chunk_queue.run import Run, RunState, state
from wire.store import codec
from wire.store.keys import PREFIX, key
from wire.store.redis import Store, load_scripts

T = TypeVar("T")

CLOCK_KEY: Final = "walk:clock"
CLOCK: Final = f"local function clock() return tonumber(redis.call('GET', '{CLOCK_KEY}')) end\n"
START: Final = 1_700_000_000_000
ACCOUNT: Final = "acme.test"
LIST: Final = "12"
LEASE_MS: Final = 20_000

# b: refused by name at the door; o: accepted, and named in failure[] at the end; the others are good.
SEGMENT: Final = (("a1", "b1", "a2", "o1"), ("c1", "o2", "c2", "b2"))
CONTACTS: Final = tuple(name for chunk in SEGMENT for name in chunk)
REFUSED: Final = {name for name in CONTACTS if name[0] in "bo"}


class Immediate:
    """The client's async methods answered at once by its synchronous twin: a walk needs no event loop between its steps."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def pipeline(self, **options: Any) -> "ImmediatePipeline":
        return ImmediatePipeline(self._redis.pipeline(**options))

    def __getattr__(self, name: str) -> Any:
        async def answer(*args: Any, **options: Any) -> Any:
            return getattr(self._redis, name)(*args, **options)

        return answer


class ImmediatePipeline:
    """The same for a pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pipeline.reset()

    async def execute(self) -> Any:
        return self._pipeline.execute()


def immediately(step: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        step.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    raise AssertionError("a step waited for something")


@dataclass
class Producer:
    """A producer's memory: the run it reads, and where it believes the record stands."""

    token: str
    run: Run
    surveyed: bool
    sequence: int


@dataclass
class Worker:
    """A worker's memory: the chunk in its hands and what ActiveCampaign answered."""

    held: LeasedChunk
    answer: tuple[str, Any] | None = None


@dataclass
class World:
    """The store, ActiveCampaign, and what the processes remember."""

    port: int
    scripts: Mapping[str, str] | None = None
    producers: list[Producer | None] = field(default_factory=lambda: [None, None])
    workers: list[Worker | None] = field(default_factory=lambda: [None, None, None])
    batches: list[list[str]] = field(default_factory=list)
    events: int = 0
    tokens: int = 0
    checkpoint: tuple[int, dict[bytes, tuple[int, bytes]]] | None = None
    cancelled: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.redis = Redis(port=self.port)
        self.redis.flushall()
        self.now = START
        self.redis.set(CLOCK_KEY, self.now)
        self.redis.hset(
            key("account", ACCOUNT),
            mapping={"imports_per_minute": 1e7, "single_imports_per_minute": 1e7, "requests_per_second": 1e6},
        )
        self.store = Store(
            cast("AsyncRedis", Immediate(self.redis)), clock=CLOCK, scripts=self.scripts or load_scripts(*SCRIPT_ROOMS)
        )
        self.run_store = RunStore(self.store)
        self.chunk_store = ChunkStore(self.store)
        self.pacer = RateLimiter(self.store)

    def close(self) -> None:
        """Let go of the connection."""
        self.redis.close()

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        """Run one async step."""
        return immediately(step)

    def pass_time(self, milliseconds: int) -> None:
        """Let the store's time go on."""
        self.now += milliseconds
        self.redis.set(CLOCK_KEY, self.now)

    def token(self) -> str:
        """A new token, as random as it needs to be here."""
        self.tokens += 1
        return f"token-{self.tokens}"

    # Steps of the processes ------------------------------------------------------------------------------------------

    def refresh(self, event: int) -> bytes:
        """Publish the event of this number; the same number is the same event."""
        self.events = max(self.events, event)
        spec = codec.text({})
        run = self.addressed(event) | {
            "id": f"run-{event}-{self.token()}", "export_name": "e", "segment": "s",
            "list": LIST, "connection_name": "c", "snapshot": "/s", "trigger": "event",
            "mode": "changes", "dry_run": "0", "spec": spec, "budget_ms": "5400000", "record_ms": "90000000000",
            "rejects_ms": "90000000000",
        }  # fmt: skip
        reply: bytes = self.do(
            self.store.run(
                "refresh", f"digest-{event}", "same", 10**9, "s", "/s", "", "id", "0", "", "", codec.text(run)
            )
        )
        return reply

    def addressed(self, event: int) -> dict[str, str]:
        """Whose the run of an event is."""
        return {"export": "e1", "account": ACCOUNT, "connection": "c1"}

    def produce(self, index: int) -> None:
        """Let a producer take its next step."""
        producer = self.producers[index]
        if producer is None:
            token = self.token()
            run = self.do(self.run_store.begin(token, LEASE_MS))
            if run is not None:
                self.producers[index] = Producer(token, run, run.surveyed is not None, run.sequence)
            return
        if not producer.surveyed:
            figures = {"read": len(CONTACTS), "selected": len(CONTACTS)}
            told: str = self.do(
                self.run_store.surveyed(
                    producer.run.id, producer.token, figures=figures, selection=b"", forecast={}, rejects=[], pin="p"
                )
            )
            producer.surveyed = True
        elif producer.sequence < len(SEGMENT):
            at = producer.sequence
            names = SEGMENT[at]
            told = self.do(
                self.run_store.append(
                    producer.run.id,
                    producer.token,
                    [NewChunk(at + 1, contacts(*names), range(4), prints_of(names))],
                    at=(at, at),
                )
            ).reading
            producer.sequence += 1
        else:
            at = producer.sequence
            self.do(self.run_store.end_reading(producer.run.id, producer.token, at=(at, at)))
            told = "over"
        if told != "ok":
            self.producers[index] = None

    def work(self, index: int) -> None:
        """Let a worker take its next step: take, ask and send, or write down.

        The first one is slow, and asks again when it comes to sending. The others send what was let go as they took it at
        once, and take again as they write down.
        """
        worker = self.workers[index]
        if worker is None:
            self.hold(index, self.do(self.chunk_store.take(self.heard(), "bell", self.token(), LEASE_MS)))
        elif worker.answer is None:
            worker.answer = self.send(worker.held)
            if worker.answer is None:
                self.workers[index] = None
        else:
            self.workers[index] = None
            outcome, token = outcome_of(worker.held, worker.answer), self.token() if index else None
            try:
                _, following = self.do(self.chunk_store.settle_and_take(worker.held, outcome, token, LEASE_MS))
            except ResponseError as error:
                raise AssertionError(f"a script contradicts itself: {error}") from error
            self.hold(index, following)

    def heard(self) -> str:
        """The account that a wake-up names."""
        return ACCOUNT

    def hold(self, index: int, held: LeasedChunk | None) -> None:
        """Give a worker what was handed out to it, and let it be sent if it was let go."""
        self.workers[index] = Worker(held) if held else None
        if held and index and held.pace[1] == b"go":
            self.workers[index] = Worker(held, self.sent(held))

    def send(self, held: LeasedChunk) -> tuple[str, Any] | None:
        """Ask the pacer, and send at once; None if it was not to be sent."""
        kind: RequestKind = "other" if held.lane == "confirm" else "import"
        match self.do(self.pacer.ask(held.account, kind, held)):
            case Go():
                return self.sent(held)
            case Drop():
                return ("dropped", None) if held.lane == "deliver" else None
            case _:
                return None

    def sent(self, held: LeasedChunk) -> tuple[str, Any]:
        """Send, and return what is answered."""
        if held.lane == "confirm":
            return "ended", [name for name in self.batches[int(held.fence)] if name[0] == "o"]
        run = self.look(held.run.id)
        assert run is None or not (run.paused or run.ending), "sent for a run that was paused or ending"
        names = names_of(held)
        bad = next((at for at, name in enumerate(names) if name[0] == "b"), None)
        if bad is not None:
            return "named", bad
        self.batches.append(names)
        return "accepted", len(self.batches) - 1

    def steer(self, action: Any) -> None:
        """Let a person act on the oldest run that is not over."""
        for run in self.runs():
            if not run.over:
                self.do(self.run_store.steer(run.id, action))
                if action == "cancel":
                    self.cancelled.add(run.id)
                return

    def kill_producers(self) -> None:
        """Kill the producers: what they remember is gone, their leases stay."""
        self.producers = [None, None]

    def kill_worker(self, index: int) -> None:
        """Kill a worker, perhaps between an answer and its being written down."""
        self.workers[index] = None

    def lose_answer(self, index: int) -> None:
        """Let what ActiveCampaign answered a worker be lost on the way."""
        worker = self.workers[index]
        if worker is not None and worker.answer is not None and worker.held.lane == "deliver":
            worker.answer = ("lost", None)

    # Accidents -------------------------------------------------------------------------------------------------------

    def remember(self) -> None:
        """Copy the store as it is."""
        keys = list(self.redis.scan_iter(match=PREFIX + "*", count=1000))
        pipe = self.redis.pipeline(transaction=False)
        for name in keys:
            pipe.pttl(name)
            pipe.dump(name)
        found = pipe.execute()
        self.checkpoint = self.now, dict(zip(keys, zip(found[::2], found[1::2], strict=True), strict=True))

    def go_back(self) -> None:
        """Put the store back to the copy, if that is no more than a second old: processes remember what it forgot."""
        if self.checkpoint is None or self.now - self.checkpoint[0] > 1000:
            return
        pipe = self.redis.pipeline(transaction=False)
        for name in self.redis.scan_iter(match=PREFIX + "*", count=1000):
            pipe.delete(name)
        for name, (ttl, value) in self.checkpoint[1].items():
            pipe.restore(name, max(ttl, 0), value)
        pipe.execute()
        self.checkpoint = None

    # What must hold --------------------------------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        """Every run there is, oldest first."""
        return self.do(self.run_store.look([run for run, _ in self.do(self.store.ranked(key("runs")))]))

    def look(self, run: str) -> Run | None:
        """One run, if there is such a one."""
        found = self.do(self.run_store.look([run]))
        return found[0] if found else None

    def check(self) -> None:
        """What holds after every step."""
        runs = self.runs()
        begun = [run.id for run in runs if run.begun is not None and not run.over]
        self.check_turns(begun)
        assert len(runs) <= self.events, "an event opened two runs"
        for run in runs:
            assert run.books.pending >= 0, f"more fates than contacts: {run.books}"
            assert not run.unbalanced, f"the books do not balance: {run.books}"
            chunks = list(self.redis.scan_iter(match=key("chunk", run.id, "*"), count=1000))
            assert len(chunks) == int(self.redis.hget(key("run", run.id), "open") or 0)
            assert len(chunks) == run.ready_chunks + run.accepted_chunks
            if run.over:
                assert run.books.close(over=True), f"over, but the books do not close: {run.books}"
                assert not chunks

    def check_turns(self, begun: list[str]) -> None:
        """One run at a time works on the list."""
        assert len(begun) <= 1, f"{begun} work on one list at the same time"

    def drain(self) -> None:
        """Let everything go on without accidents until it is over, then check what must have come true."""
        for _ in range(400):
            runs = self.runs()
            if all(run.over for run in runs):
                break
            for run in runs:
                if run.paused or run.block:
                    self.do(self.run_store.steer(run.id, "resume", accept=True))
            for index in range(len(self.producers)):
                self.produce(index)
            for index in range(len(self.workers)):
                self.work(index)
            self.do(self.store.run("wake", "r"))
            self.pass_time(5_000)
        self.check()
        for run in self.runs():
            self.check_end(run)
        self.check_membership()

    def check_end(self, run: Run) -> None:
        """What must be true of a run that is over."""
        assert run.over, f"never ended: {state(run)} {run.books}"
        if run.ending is not None:
            assert run.ending != "failed", run.error
            return
        delivered = self.delivered
        assert set(CONTACTS) - {name for name in CONTACTS if name[0] == "b"} <= delivered, (
            "a good contact was never sent"
        )
        assert run.books.selected == len(CONTACTS)
        assert run.books.refused == len(REFUSED), run.books
        assert run.books.applied == len(CONTACTS) - len(REFUSED), run.books
        assert state(run) is RunState.PARTIAL

    @property
    def delivered(self) -> set[str]:
        """Whom ActiveCampaign was sent, and accepted."""
        return {name for batch in self.batches for name in batch}

    def check_membership(self) -> None:
        """What must be known when all is over: nobody who was sent is forgotten, nobody is believed who was not applied."""
        self.refresh(self.events + 1)
        token = self.token()
        run = self.do(self.run_store.begin(token, LEASE_MS))
        assert run is not None
        membership = Membership(self.store)
        assert self.do(membership.fold(run, token))
        known = {name: self.do(membership.entry(run, address(name))) for name in CONTACTS}
        finished = [over for over in self.runs() if over.over and over.ending is None]
        for name, entry in known.items():
            standing = entry and entry.standing
            if name in self.delivered:
                assert standing is not None, f"{name} was sent, and is forgotten"
            if entry and standing is MemberState.MEMBER:
                assert name in self.delivered - REFUSED, f"{name} is believed to be applied"
                assert entry.fingerprint == print_of(name)
            assert standing is not None or not finished, f"{name} had a fate, and is forgotten"


def print_of(name: str) -> bytes:
    """The fingerprint of a contact."""
    return name.encode().ljust(FINGERPRINT_BYTES, b".")


def prints_of(names: Iterable[str]) -> bytes:
    """The fingerprints of contacts."""
    return b"".join(map(print_of, names))


def address(name: str) -> str:
    """What tells a contact from others."""
    return f"{name}@example.org"


def names_of(held: LeasedChunk) -> list[str]:
    """Who is in a chunk."""
    return [email.partition("@")[0] for email in emails_of(held.contacts)]


def entry_of(held: LeasedChunk, name: str, standing: MemberState) -> tuple[str, MembershipEntry]:
    """What membership is to know of a contact."""
    return address(name), MembershipEntry(standing, print_of(name), held.run.number)


def outcome_of(held: LeasedChunk, answer: tuple[str, Any]) -> ChunkOutcome:
    """What a worker writes down for an answer, in its simplest form."""
    names = names_of(held)
    asked = RequestCost(requests=1)
    match answer:
        case "lost", _:
            return ChunkOutcome(to="ready", count=held.count, due_in_ms=1, wire=asked)
        case "dropped", _:
            return ChunkOutcome(to="ready", count=held.count)
        case "accepted", batch:
            return ChunkOutcome(
                to="accepted",
                count=held.count,
                batch=str(batch),
                books={"accepted": held.count},
                due_in_ms=1,
                wire=asked,
            )
        case "named", at if len(names) == 4:
            # The first refusal splits, so that pieces are walked through too.
            halves = [names[:2], names[2:]]
            pieces = [
                ChunkPiece(f"{held.chunk}.{i}", contacts(*half), tuple(range(len(half))), prints_of(half))
                for i, half in enumerate(halves)
            ]
            return ChunkOutcome(to="split", pieces=pieces, nothing_queued=True, wire=asked)
        case "named", at:
            rest = [name for index, name in enumerate(names) if index != at]
            gone = ChunkOutcome(
                to="over",
                books={"refused": 1},
                rejects=b"{}\n",
                entries=MembershipEntries.of([entry_of(held, names[at], MemberState.REFUSED)]),
                nothing_queued=True,
                wire=asked,
            )
            if not rest:
                return gone
            return replace(
                gone,
                to="ready",
                count=len(rest),
                contacts=contacts(*rest),
                rows=tuple(range(len(rest))),
                prints=prints_of(rest),
            )
        case "ended", failures:
            books: dict[Book, int] = {"applied": held.count - len(failures), "refused": len(failures)}
            standings = [MemberState.REFUSED if name in failures else MemberState.MEMBER for name in names]
            entries = MembershipEntries.of(entry_of(held, *known) for known in zip(names, standings, strict=True))
            return ChunkOutcome(to="over", books=books, entries=entries, ended=True, wire=asked)
        case _:
            raise AssertionError(answer)
