"""Turns, bells and widths: whose chunk is taken next, how many workers are called, and what keeps a lane shut."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from producer.app import SCRIPT_ROOMS
from producer.runs.store import RunStore
from tests.integration.walking import ACCOUNT, CLOCK, START, Immediate, immediately
from wire.chunk_queue.chunk import ChunkOutcome, ChunkPiece, LeasedChunk, NewChunk, RequestCost, StopReason
from wire.chunk_queue.chunk_store import ChunkStore, Taking
from wire.chunk_queue.rate_limiter import Drop, Go, RateLimiter, Wait
from wire.chunk_queue.run import Run, RunState, state
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store, load_scripts


class Bench:
    """A store with runs whose chunks have been appended, and time that is set by hand."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.now = START
        self.pass_time(0)
        self.store = Store(Immediate(redis), clock=CLOCK, scripts=load_scripts(*SCRIPT_ROOMS))  # type: ignore[arg-type]
        self.run_store = RunStore(self.store)
        self.chunk_store = ChunkStore(self.store)
        self.pacer = RateLimiter(self.store)
        self.tokens = 0

    def pass_time(self, milliseconds: int) -> None:
        self.now += milliseconds
        self.redis.set("walk:clock", self.now)

    def open_run(
        self, name: str, *, list_id: str = "12", chunks: int = 3, connection: str = "c1", step: int = 1
    ) -> str:
        """Open a run and append its chunks, so many in one step; each step takes a millisecond."""
        row = self.row(name, list_id, connection)
        self.do(self.store.run("demand", "", "", 1000, "0", codec.text(row)))
        run = self.do(self.run_store.begin(f"reader-{name}"))
        assert run is not None
        assert run.id == name
        figures = {"read": chunks * 2, "selected": chunks * 2}
        self.do(
            self.run_store.surveyed(
                name, f"reader-{name}", figures=figures, selection=b"", forecast={}, rejects=[], pin="p"
            )
        )
        offers = [NewChunk(at + 1, b"{}", (2 * at + 1, 2 * at + 2)) for at in range(chunks)]
        for at in range(0, chunks, step):
            self.do(self.run_store.append(name, f"reader-{name}", offers[at : at + step], at=(at, at)))
            self.pass_time(1)
        self.do(self.run_store.end_reading(name, f"reader-{name}", at=(chunks, chunks)))
        return name

    @staticmethod
    def row(name: str, list_id: str, connection: str = "c1") -> dict[str, str]:
        """A run as it is opened."""
        return {
            "id": name, "export": f"export-{name}", "export_name": name, "segment": "s", "account": ACCOUNT,
            "list": list_id, "connection": connection, "connection_name": "c", "snapshot": "/s", "trigger": "demand",
            "mode": "changes", "dry_run": "0", "spec": "{}", "budget_ms": "5400000", "record_ms": "90000000000",
            "rejects_ms": "90000000000",
        }  # fmt: skip

    def take(self) -> LeasedChunk | None:
        """Take what is due."""
        self.tokens += 1
        return self.do(self.chunk_store.take(ACCOUNT, "bell", f"token-{self.tokens}"))

    def taken(self) -> LeasedChunk:
        """Take what must be due."""
        held = self.take()
        assert held is not None
        return held

    def settle(self, held: LeasedChunk, outcome: ChunkOutcome) -> bool:
        return self.do(self.chunk_store.settle(held, outcome))

    def accept(self, held: LeasedChunk, batch: str, due_in_ms: int = 5000) -> None:
        assert self.settle(
            held,
            ChunkOutcome(
                to="accepted",
                count=held.count,
                batch=batch,
                books={"accepted": held.count},
                due_in_ms=due_in_ms,
                answered=True,
            ),
        )

    def look(self, run: str) -> Run:
        return self.do(self.run_store.look([run]))[0]

    def wake(self, queue: str = "") -> list[bytes]:
        found: list[bytes] = self.do(self.store.run("wake", f"b{self.now}", queue))
        return found[::2]

    do = staticmethod(immediately)


@pytest.fixture
def bench(valkey: Valkey) -> Iterator[Bench]:
    """An empty store with time set by hand."""
    with Redis(port=valkey.port) as redis:
        redis.flushall()
        yield Bench(redis)


def stop(code: str, **options: object) -> StopReason:
    return StopReason("connection", code, "a reason", **options)  # type: ignore[arg-type]


def test_runs_into_different_lists_of_one_account_take_turns(bench: Bench) -> None:
    """A small export behind a large one is served chunk by chunk, not after it."""
    bench.redis.hset(key("account", ACCOUNT), "imports_per_minute", 10_000)
    bench.open_run("large", list_id="1", chunks=5)
    bench.open_run("small", list_id="2", chunks=2)
    served = []
    for _ in range(5):
        served.append(bench.taken().run.id)
        bench.pass_time(10)
    assert served == ["large", "small", "large", "small", "large"]


def test_the_oldest_chunk_of_a_run_goes_first(bench: Bench) -> None:
    """Chunks of a run are sent in the order of its rows."""
    bench.redis.hset(key("account", ACCOUNT), "imports_per_minute", 10_000)
    bench.open_run("run")
    assert [bench.taken().chunk for _ in range(3)] == ["0", "1", "2"]


def test_a_second_run_into_a_list_begins_when_the_first_is_over(bench: Bench) -> None:
    """The claim on a list is given up in the step that ends its run."""
    bench.open_run("first", chunks=1)
    with pytest.raises(AssertionError):
        bench.open_run("second", chunks=1)
    held = bench.taken()
    bench.accept(held, "batch", due_in_ms=0)
    held = bench.taken()
    assert held.lane == "confirm"
    assert bench.settle(held, ChunkOutcome(to="over", books={"applied": 2}, ended=True))
    assert state(bench.look("first")) is RunState.SUCCEEDED
    assert bench.do(bench.run_store.begin("reader")).id == "second"  # type: ignore[union-attr]


def test_chunks_of_one_step_go_in_their_order(bench: Bench) -> None:
    """All are due at once, and the tenth does not come before the second."""
    bench.redis.hset(key("account", ACCOUNT), items=["imports_per_minute", 1_000_000, "requests_per_second", 1_000_000])
    bench.open_run("run", chunks=12, step=12)
    bench.pass_time(-1)
    assert [bench.taken().chunk for _ in range(12)] == [str(number) for number in range(12)]


def test_no_more_chunks_are_in_hands_than_the_rate_needs(bench: Bench) -> None:
    """At 100 a minute and half a second a round trip two are enough; the others stay in the lane, open to whoever comes."""
    bench.open_run("run", chunks=9)
    taken = [held for _ in range(9) if (held := bench.take())]
    assert len(taken) == 2


def test_who_has_missed_two_renewals_keeps_nobodys_place(bench: Bench) -> None:
    """A killed worker's chunks come back after twenty seconds; until then the account is not at a stand."""
    bench.open_run("run", chunks=4)
    for _ in range(2):
        bench.taken()
    bench.pass_time(9_999)
    assert bench.take() is None
    bench.pass_time(1)
    assert bench.taken().chunk == "2"


def test_polls_get_the_threads_that_imports_do_not_need_now(bench: Bench) -> None:
    """On an account that could keep every thread busy with imports, those that are due have half of them, else all."""
    bench.redis.hset(key("account", ACCOUNT), items=["imports_per_minute", 1_000_000, "requests_per_second", 1_000_000])
    bench.do(bench.chunk_store.renew("worker", 4, []))
    bench.open_run("run", chunks=12)
    for number in range(6):
        bench.accept(bench.taken(), f"batch-{number}", due_in_ms=1)
    bench.pass_time(1)

    def taken() -> list[LeasedChunk]:
        return [held for _ in range(12) if (held := bench.take())]

    polls = taken()
    imports = [held for held in polls if held.lane == "deliver"]
    assert [held.lane for held in polls] == ["deliver"] * 2 + ["confirm"] * 2
    for _ in range(3):
        for held in imports:
            bench.accept(held, f"batch-of-{held.chunk}", due_in_ms=60_000)
        imports = taken()
        wakeups = [held.lane for held in imports]
    assert wakeups == ["confirm"] * 2, "beside the two that were taken before"


def test_imports_get_every_thread_that_no_poll_needs_now(bench: Bench) -> None:
    """One that is not due yet needs none."""
    bench.redis.hset(key("account", ACCOUNT), items=["imports_per_minute", 1_000_000, "requests_per_second", 1_000_000])
    bench.do(bench.chunk_store.renew("worker", 4, []))
    bench.open_run("run", chunks=12)
    bench.accept(bench.taken(), "batch", due_in_ms=60_000)
    assert [held.lane for _ in range(12) if (held := bench.take())] == ["deliver"] * 4


def test_a_small_exports_batches_are_asked_after_before_a_large_ones(bench: Bench) -> None:
    """Though they are due later: there are few of them, and the large one has many to wait for."""
    bench.redis.hset(key("account", ACCOUNT), mapping={"imports_per_minute": 1e6, "requests_per_second": 1e6})
    bench.do(bench.chunk_store.renew("worker", 64, []))
    bench.open_run("large", list_id="1", chunks=5)
    bench.open_run("small", list_id="2", chunks=2)
    for number in range(7):
        held = bench.taken()
        bench.accept(held, f"batch-{number}", due_in_ms=2000 if held.run.id == "small" else 1000)
    bench.pass_time(3000)
    assert [bench.taken().run.id for _ in range(7)] == ["small"] * 2 + ["large"] * 5


def test_what_is_taken_is_let_go_in_the_same_step_if_it_is_its_turn(bench: Bench) -> None:
    """Or it is told how long to wait, as if it had asked."""
    bench.open_run("run", chunks=2)
    assert list(bench.taken().pace) == [b"import", b"go", bench.now]
    kind, word, milliseconds = bench.taken().pace
    assert (kind, word) == (b"import", b"wait")
    assert milliseconds == 405  # 600 and the margin, less what may be caught up


def crowd(bench: Bench, *, trip_ms: float) -> list[LeasedChunk]:
    """Take from an account that allows a request a millisecond until none is let go: the last one taken has to wait."""
    bench.redis.hset(key("account", ACCOUNT), mapping={"imports_per_minute": 1_000_000, "requests_per_second": 1_250})
    bench.do(bench.chunk_store.renew("worker", 64, []))
    bench.redis.hset(key("pace", ACCOUNT), "trip_ms", trip_ms)
    bench.open_run("run", chunks=40)
    taken = [bench.taken()]
    while taken[-1].pace[1] == b"go":
        bench.pass_time(1)
        taken.append(bench.taken())
    return taken


@pytest.mark.parametrize(("trip_ms", "let_go"), [(0.5, 3), (4, 5), (12, 15)])
def test_no_more_requests_are_under_way_than_the_limits_need(bench: Bench, trip_ms: float, let_go: int) -> None:
    """Three, or a quarter more than the account's limits keep busy at its round trip."""
    *gone, waits = crowd(bench, trip_ms=trip_ms)
    assert len(gone) == let_go
    assert list(waits.pace) == [b"import", b"wait", 5]


def test_an_answer_that_is_written_makes_room_unless_it_says_stop(bench: Bench) -> None:
    """So a key that goes bad is tried by those who were on their way, and by nobody after the first of them is back."""
    first, second, _, waits = crowd(bench, trip_ms=0.5)
    assert bench.do(bench.pacer.ask(ACCOUNT, "import", waits)) == Wait(0.005)
    bench.accept(first, "a-batch")
    assert bench.do(bench.pacer.ask(ACCOUNT, "import", waits)) == Go(bench.now)
    bench.settle(second, ChunkOutcome(to="ready", count=2, wire=RequestCost(), stop=stop("credentials", definite=True)))
    assert bench.take() is None
    assert bench.do(bench.pacer.ask(ACCOUNT, "import", waits)) == Drop()


def test_a_request_that_is_let_go_again_takes_no_more_room(bench: Bench) -> None:
    """It came too late to its own sending; the one before was never sent."""
    *_, third, waits = crowd(bench, trip_ms=0.5)
    assert bench.do(bench.pacer.ask(ACCOUNT, "import", third)) == Go(bench.now)
    bench.pass_time(1)
    assert bench.do(bench.pacer.ask(ACCOUNT, "import", waits)) == Wait(0.005)


def test_an_outcome_of_a_lease_that_was_lost_makes_no_room_for_others(bench: Bench) -> None:
    """Its chunk was given to somebody else, whose request is still under way."""
    bench.open_run("run", chunks=1)
    late = bench.taken()
    bench.pass_time(20_001)
    again = bench.taken()
    assert again.pace[1] == b"go"
    assert not bench.settle(late, ChunkOutcome(to="ready", count=2, wire=RequestCost()))
    assert bench.redis.zrange(key("under_way", ACCOUNT), 0, -1) == [again.token.encode()]


def test_silence_does_not_hold_its_room_for_ever(bench: Bench) -> None:
    """After a second, or eight round trips: whoever was let go may have been killed."""
    *_, waits = crowd(bench, trip_ms=0.5)
    bench.pass_time(1_004)
    assert bench.do(bench.pacer.ask(ACCOUNT, "import", waits)) == Go(bench.now)


def test_an_outcome_takes_the_next_chunk_in_the_same_step_but_not_a_second_time(bench: Bench) -> None:
    """An answer that was lost is offered again; what was handed out with it comes back when its lease is over."""
    bench.open_run("run", chunks=3)
    held, outcome = (
        bench.taken(),
        ChunkOutcome(to="accepted", count=2, batch="b", books={"accepted": 2}, due_in_ms=5000),
    )
    kept, following = bench.do(bench.chunk_store.settle_and_take(held, outcome, "another token"))
    assert following is not None
    assert (kept, following.chunk, following.token, following.lane) == (True, "1", "another token", "deliver")
    assert bench.do(bench.chunk_store.settle_and_take(held, outcome, "a third token")) == (True, None)
    assert bench.do(bench.chunk_store.settle_and_take(following, replace(outcome, batch="c"), None)) == (True, None)
    assert bench.taken().chunk == "2"


def test_an_outcome_that_is_stale_tells_that_its_chunk_may_be_there(bench: Bench) -> None:
    """Whoever sent it held it no longer, and nobody else knows that it was sent."""
    bench.open_run("run", chunks=1)
    held = bench.taken()
    bench.pass_time(20_001)
    again = bench.taken()
    bench.redis.hdel(key("chunk", "run", "0"), "maybe")
    assert not bench.settle(held, ChunkOutcome(to="ready", count=2, wire=RequestCost()))
    assert bench.redis.hget(key("chunk", "run", "0"), "maybe") == b"1"
    assert bench.settle(again, ChunkOutcome(to="ready", count=2))


def test_bells_ring_for_what_is_due_and_nobody_is_on_the_way_to(bench: Bench) -> None:
    """Unheard bells count; a lost bell rings again after 30 seconds."""
    bench.do(bench.chunk_store.renew("worker", 16, []))
    bench.open_run("run", chunks=9)
    assert bench.wake() == [ACCOUNT.encode()] * 2
    assert bench.wake() == []
    bench.pass_time(15_000)
    bench.do(bench.chunk_store.renew("worker", 16, []))
    assert bench.wake() == []
    bench.pass_time(15_001)
    bench.do(bench.chunk_store.renew("worker", 16, []))
    assert len(bench.wake()) == 2


def test_a_bell_that_is_in_no_queue_rings_again_after_two_seconds(bench: Bench) -> None:
    """Its message was lost with the queue, or with the worker that had fetched it."""
    bench.do(bench.chunk_store.renew("worker", 16, []))
    bench.open_run("run", chunks=1)
    assert len(bench.wake()) == 1
    bench.pass_time(1_999)
    assert bench.wake(queue="empty") == []
    bench.pass_time(1)
    assert bench.wake() == []
    assert len(bench.wake(queue="empty")) == 1


@pytest.mark.parametrize("lane", ["deliver", "confirm"])
def test_a_chunk_whose_taking_was_not_answered_is_given_back_at_once(bench: Bench, lane: str) -> None:
    """And its bell is forgotten, so that the next sweep rings; it was never sent, and has lost no worker."""
    bench.do(bench.chunk_store.renew("worker", 16, []))
    bench.open_run("run", chunks=1)
    if lane == "confirm":
        bench.accept(bench.taken(), "batch", due_in_ms=0)
    before = dict(bench.redis.hgetall(key("chunk", "run", "0")))
    bench.wake()
    bell: Any = bench.redis.zrange(key("bells", ACCOUNT), 0, -1)[0]
    lost = bench.taken()
    assert lost.lane == lane
    assert bench.do(bench.chunk_store.give_back([Taking(ACCOUNT, bell.decode(), lost.token)])) == 1
    assert len(bench.wake()) == 1
    bench.pass_time(1_000)
    again = bench.taken()
    assert again.pace[1] == b"go"
    assert (again.chunk, again.lane) == (lost.chunk, lane)
    assert not bench.redis.hexists(key("chunk", "run", "0"), "lost")
    assert bench.redis.hget(key("chunk", "run", "0"), "maybe") == before.get(b"maybe")
    assert bench.redis.zrange(key("under_way", ACCOUNT), 0, -1) == [again.token.encode()]


def test_what_is_given_back_is_not_taken_afterwards(bench: Bench) -> None:
    """A store that stood still carries out what it was asked before, behind the giving back or not."""
    bench.open_run("run", chunks=2)
    assert bench.do(bench.chunk_store.give_back([Taking(ACCOUNT, "bell", "late")])) == 0
    assert bench.do(bench.chunk_store.take(ACCOUNT, "bell", "late")) is None
    held = bench.taken()
    assert bench.settle(held, ChunkOutcome(to="ready", count=held.count))
    assert bench.do(
        bench.chunk_store.settle_and_take(bench.taken(), ChunkOutcome(to="over", books={"applied": 2}), "late")
    ) == (
        True,
        None,
    )


def test_only_what_was_taken_under_that_name_is_given_back(bench: Bench) -> None:
    """Not what somebody else has taken since, nor what came to its end."""
    bench.redis.hset(key("account", ACCOUNT), "imports_per_minute", 10_000)
    bench.open_run("run", chunks=2)
    first, other = bench.taken(), bench.taken()
    bench.accept(first, "batch", due_in_ms=60_000)
    bench.pass_time(20_001)
    again = bench.taken()
    assert again.chunk == other.chunk
    takings = [Taking(ACCOUNT, "", held.token) for held in (first, other)]
    assert bench.do(bench.chunk_store.give_back(takings)) == 0
    assert bench.settle(again, ChunkOutcome(to="over", books={"applied": 2}))
    assert bench.look("run").accepted_chunks == 1


def test_a_run_whose_taking_was_not_answered_is_taken_again(bench: Bench) -> None:
    """By the same producer, at once; no other one has it before its lease is over."""
    row = bench.row("run", "12")
    bench.do(bench.store.run("demand", "", "", 1000, "0", codec.text(row)))
    assert bench.do(bench.run_store.begin("lost")) is not None
    assert bench.do(bench.run_store.begin("another")) is None
    found = bench.do(bench.run_store.begin("lost", again=True))
    assert found is not None
    assert found.id == "run"
    assert bench.do(bench.run_store.begin("another", again=True)) is None


def test_a_chunk_that_is_appended_tells_of_the_bells_that_nobody_has_heard(bench: Bench) -> None:
    """So that the producer rings only where none is on its way; one that is too old counts no more."""
    bench.do(bench.chunk_store.renew("worker", 1, []))
    bench.open_run("first", chunks=1, list_id="1")
    told = []
    for name, wait in (("second", 0), ("third", 30_001)):
        bench.wake()
        bench.pass_time(wait)
        bench.do(bench.store.run("demand", "", "", 1000, "0", codec.text(bench.row(name, list_id=name))))
        bench.do(bench.run_store.begin(name))
        said: dict[str, Any] = {"figures": {"read": 1, "selected": 1}, "rejects": [], "pin": "p"}
        bench.do(bench.run_store.surveyed(name, name, selection=b"", forecast={}, **said))
        told.append(bench.do(bench.run_store.append(name, name, [NewChunk(1, b"{}", (1,))], at=(0, 0))).bells)
    assert told == [1, 0]


def test_bells_are_no_more_than_the_workers_threads(bench: Bench) -> None:
    """One thread alive, one bell."""
    bench.do(bench.chunk_store.renew("worker", 1, []))
    bench.open_run("run", chunks=9)
    assert len(bench.wake()) == 1


def test_a_lease_that_is_renewed_holds_and_one_that_is_not_ends(bench: Bench) -> None:
    """Twenty seconds after the last renewal the chunk may be taken again."""
    bench.open_run("run", chunks=1)
    held = bench.taken()
    for _ in range(5):
        bench.pass_time(15_000)
        assert bench.take() is None
        bench.do(bench.chunk_store.renew("worker", 4, [held]))
    bench.pass_time(20_001)
    assert bench.taken().chunk == held.chunk
    assert not bench.settle(held, ChunkOutcome(to="over", books={"applied": 2})), "the old lease is stale"


def test_a_chunk_that_lost_five_leases_blocks_its_run(bench: Bench) -> None:
    """It kills workers: a person has to look, and can let it go again."""
    bench.open_run("run", chunks=1)
    for _ in range(5):
        bench.taken()
        bench.pass_time(20_001)
    assert bench.take() is None
    run = bench.look("run")
    assert state(run) is RunState.BLOCKED
    assert run.block is not None
    assert run.block.code == "chunk_kills_workers"
    assert bench.do(bench.run_store.steer("run", "resume")) == "already"
    assert bench.do(bench.run_store.steer("run", "resume", accept=True)) == "done"
    assert bench.taken().chunk == "0"


def test_a_definite_stop_blocks_at_once_and_is_probed_every_half_minute(bench: Bench) -> None:
    """One chunk a probe; a good answer lifts the block for all."""
    bench.redis.hset(key("account", ACCOUNT), "imports_per_minute", 10_000)
    bench.open_run("run", chunks=4)
    held = bench.taken()
    assert bench.settle(held, ChunkOutcome(to="ready", count=2, stop=stop("not_activecampaign"), wire=RequestCost()))
    assert state(bench.look("run")) is RunState.BLOCKED
    assert bench.take() is None
    bench.pass_time(29_999)
    assert bench.take() is None
    bench.pass_time(1)
    probe = bench.taken()
    assert bench.take() is None, "one probe at a time"
    assert bench.settle(probe, ChunkOutcome(to="ready", count=2, stop=stop("not_activecampaign"), wire=RequestCost()))
    bench.pass_time(29_999)
    assert bench.take() is None
    bench.pass_time(1)
    bench.accept(bench.taken(), "batch")
    assert state(bench.look("run")) is RunState.DELIVERING
    assert bench.take() is not None


def test_a_doubtful_stop_blocks_with_the_third_answer_within_ten_seconds(bench: Bench) -> None:
    """A good key is refused now and then: three tries, one at a time."""
    bench.redis.hset(key("account", ACCOUNT), "imports_per_minute", 10_000)
    bench.open_run("run", chunks=4)
    began = bench.now
    doubtful = ChunkOutcome(to="ready", count=2, stop=stop("permission", definite=False), wire=RequestCost())
    for number in range(3):
        assert state(bench.look("run")) is RunState.DELIVERING, number
        assert bench.settle(bench.taken(), doubtful)
        assert bench.take() is None
        bench.pass_time(3_000)
    assert bench.now - began <= 10_000
    assert state(bench.look("run")) is RunState.BLOCKED


def test_a_doubt_is_tried_again_as_soon_when_a_try_had_no_answer(bench: Bench) -> None:
    """Half a minute is for what is certain; one answer that got lost does not make a doubt so."""
    bench.redis.hset(key("account", ACCOUNT), "imports_per_minute", 10_000)
    bench.open_run("run", chunks=4)
    doubtful = ChunkOutcome(to="ready", count=2, stop=stop("permission", definite=False), wire=RequestCost())
    assert bench.settle(bench.taken(), doubtful)
    bench.pass_time(3_000)
    assert bench.settle(bench.taken(), ChunkOutcome(to="ready", count=2, due_in_ms=60_000, wire=RequestCost()))
    assert bench.take() is None
    bench.pass_time(3_000)
    bench.accept(bench.taken(), "batch")
    assert bench.take() is not None


def test_a_request_let_through_ends_a_row_of_throttles(bench: Bench) -> None:
    """Throttles without Retry-After wait longer while nothing but throttles comes; a poll says nothing of imports."""
    bench.redis.hset(key("account", ACCOUNT), "imports_per_minute", 10_000)
    bench.open_run("run", chunks=4)

    def throttled(limit: str = "import") -> int:
        bench.pass_time(1)
        closed_ms: int = bench.do(bench.store.run("report_throttle", ACCOUNT, limit, "", bench.now))
        bench.pass_time(closed_ms)
        return closed_ms

    def poll() -> None:
        bench.redis.hset(key("pace", ACCOUNT), "next_import", bench.now + 60_000)
        held = bench.taken()
        assert held.lane == "confirm"
        assert bench.settle(held, ChunkOutcome(to="accepted", count=2, due_in_ms=0, answered=True))
        bench.redis.hdel(key("pace", ACCOUNT), "next_import")

    assert throttled() == 5_000
    bench.accept(bench.taken(), "batch", due_in_ms=0)
    assert [throttled(), throttled()] == [5_000, 10_000]
    poll()
    assert throttled() == 20_000
    assert throttled("any") == 40_000
    poll()
    assert throttled() == 5_000


def test_what_was_sent_before_a_stop_was_counted_says_nothing_new(bench: Bench) -> None:
    """Answers of requests that were under way together count once, and a good one among them lifts nothing."""
    bench.redis.hset(key("account", ACCOUNT), "imports_per_minute", 10_000)
    bench.open_run("run", chunks=4)
    together = [bench.taken() for _ in range(4)]
    bench.pass_time(100)
    doubtful = ChunkOutcome(to="ready", count=2, stop=stop("permission", definite=False), wire=RequestCost())
    for held in together[:3]:
        assert bench.settle(held, doubtful)
    assert state(bench.look("run")) is RunState.DELIVERING
    bench.accept(together[3], "batch")
    assert bench.take() is None, "the doubt still stands"


def test_a_block_stops_every_run_of_the_connection_and_no_other(bench: Bench) -> None:
    """Another key into the same account goes on."""
    bench.open_run("blocked", list_id="1", chunks=2)
    assert bench.settle(bench.taken(), ChunkOutcome(to="ready", count=2, stop=stop("credentials"), wire=RequestCost()))
    bench.open_run("other", list_id="2", chunks=2, connection="c2")
    assert bench.taken().run.id == "other"


def test_resume_lets_one_probe_in_at_once(bench: Bench) -> None:
    """A person who has mended the key does not wait half a minute."""
    bench.open_run("run", chunks=2)
    assert bench.settle(bench.taken(), ChunkOutcome(to="ready", count=2, stop=stop("credentials"), wire=RequestCost()))
    bench.pass_time(30_000)
    bench.pass_time(-29_000)
    assert bench.take() is None
    assert bench.do(bench.run_store.steer("run", "resume")) == "done"
    assert bench.take() is not None
    assert bench.take() is None


def test_polls_go_on_while_a_run_is_paused(bench: Bench) -> None:
    """What ActiveCampaign has accepted is followed to its end; nothing new is sent."""
    bench.open_run("run", chunks=2)
    bench.accept(bench.taken(), "batch", due_in_ms=0)
    assert bench.do(bench.run_store.steer("run", "pause")) == "done"
    assert bench.do(bench.run_store.steer("run", "pause")) == "already"
    held = bench.taken()
    assert held.lane == "confirm"
    assert bench.settle(held, ChunkOutcome(to="over", books={"applied": 2}, ended=True))
    assert bench.take() is None
    assert bench.do(bench.run_store.steer("run", "resume")) == "done"
    assert bench.taken().lane == "deliver"


def test_a_runs_own_clock_stands_still_while_it_is_paused(bench: Bench) -> None:
    """Two hours of pause use up no patience."""
    bench.open_run("run", chunks=1)
    bench.accept(bench.taken(), "batch", due_in_ms=0)
    bench.pass_time(1_000)
    bench.do(bench.run_store.steer("run", "pause"))
    bench.pass_time(2 * 3_600_000)
    bench.do(bench.run_store.steer("run", "resume"))
    bench.pass_time(500)
    held = bench.taken()
    assert held.now - held.accepted_at == 1_500


def test_cancel_makes_what_is_not_under_way_unsent_in_one_step(bench: Bench) -> None:
    """What is leased ends, what is accepted is followed."""
    bench.open_run("run", chunks=4)
    bench.accept(bench.taken(), "batch", due_in_ms=0)
    leased = bench.taken()
    assert bench.do(bench.run_store.steer("run", "cancel")) == "done"
    run = bench.look("run")
    assert (run.books.unsent, run.books.pending, run.over) == (4, 4, False)
    assert bench.settle(leased, ChunkOutcome(to="ready", count=2, due_in_ms=1000))
    assert bench.look("run").books.unsent == 6
    assert bench.settle(bench.taken(), ChunkOutcome(to="over", books={"applied": 2}, ended=True))
    run = bench.look("run")
    assert state(run) is RunState.CANCELLED
    assert run.books.close(over=True)
    assert bench.do(bench.run_store.steer("run", "cancel")) == "over"


def test_a_cancelled_run_ends_though_its_worker_never_comes_back(bench: Bench) -> None:
    """The sweeper gives up a lease that ran out, in any process."""
    bench.open_run("run", chunks=1)
    bench.taken()
    bench.do(bench.run_store.steer("run", "cancel"))
    bench.pass_time(20_001)
    bench.wake()
    run = bench.look("run")
    assert state(run) is RunState.CANCELLED
    assert run.books.unsent == 2


def test_an_outcome_that_does_not_account_for_every_contact_is_refused_whole(bench: Bench) -> None:
    """A bug in the arithmetic of a worker cannot unbalance the books."""
    bench.open_run("run", chunks=1)
    held = bench.taken()
    with pytest.raises(Exception, match="UNBALANCED"):
        bench.settle(held, ChunkOutcome(to="over", books={"applied": 1}))
    assert bench.look("run").books.applied == 0


# Answers that cannot be read -----------------------------------------------------------------------------------------


def unread(count: int = 2, **wire: Any) -> ChunkOutcome:
    """The outcome of an import whose answer could not be read."""
    return ChunkOutcome(to="ready", count=count, wire=RequestCost(unread="cannot be read", **wire))


def quick(bench: Bench, chunks: int = 9) -> None:
    """Open a run on an account without limits to speak of."""
    bench.redis.hset(key("account", ACCOUNT), items=["imports_per_minute", 1_000_000, "requests_per_second", 1_000_000])
    bench.open_run("run", chunks=chunks, step=chunks)


def test_three_answers_in_a_row_that_cannot_be_read_block_whichever_chunk_and_worker_had_them(bench: Bench) -> None:
    """All were under way together; those that come after the block begin nothing new."""
    quick(bench)
    held = [bench.taken() for _ in range(5)]
    bench.pass_time(100)
    for number, each in enumerate(held):
        assert (state(bench.look("run")) is RunState.BLOCKED) == (number >= 3)
        assert bench.settle(each, unread())
    run = bench.look("run")
    assert run.block is not None
    assert (run.block.code, run.block.reason, run.block.by_hand) == ("unreadable_answers", "cannot be read", False)
    assert bench.take() is None
    assert bench.redis.hget(key("block", "c1"), "tries") == b"1"


@pytest.mark.parametrize("accepted", [True, False])
def test_an_answer_that_can_be_read_between_begins_the_count_anew(bench: Bench, accepted: bool) -> None:  # noqa: FBT001  drawn
    """Also if it was asked for before the others."""
    quick(bench)
    early, *held = [bench.taken() for _ in range(6)]
    bench.pass_time(100)
    assert bench.settle(held[0], unread())
    assert bench.settle(held[1], unread())
    wire = RequestCost(read=True)
    if accepted:
        outcome = ChunkOutcome(to="accepted", batch="batch", count=2, due_in_ms=60_000, answered=True, wire=wire)
    else:
        outcome = ChunkOutcome(to="ready", count=2, due_in_ms=60_000, answered=True, wire=wire)
    assert bench.settle(early, outcome)
    assert bench.settle(held[2], unread())
    assert bench.settle(held[3], unread())
    assert state(bench.look("run")) is RunState.DELIVERING
    assert bench.settle(held[4], unread())
    assert state(bench.look("run")) is RunState.BLOCKED


def test_parts_of_a_chunk_have_its_count(bench: Bench) -> None:
    """No way of splitting gives its people more sendings."""
    quick(bench, chunks=1)
    assert bench.settle(bench.taken(), unread())
    held = bench.taken()
    assert held.unread == 1
    parts = [ChunkPiece(f"{held.chunk}.{number}", b"{}", (number,)) for number in range(2)]
    assert bench.settle(held, ChunkOutcome(to="split", pieces=parts, wire=RequestCost(unread="cannot be read")))
    part = bench.taken()
    assert (part.unread, part.careful) == (2, True)
    assert bench.settle(part, ChunkOutcome(to="ready", count=1, probe=True, wire=RequestCost(lookups=True, read=True)))
    again = bench.taken()
    assert (again.chunk, again.careful) == (part.chunk, False)


def test_a_block_that_its_probes_have_ended_is_lifted_by_a_person_and_probed_when_the_connection_is_mended(
    bench: Bench,
) -> None:
    """Three imports were sent as probes, each after a question."""
    quick(bench)
    for _ in range(3):
        assert bench.settle(bench.taken(), unread())
    for _ in range(3):
        bench.pass_time(30_000)
        question = bench.taken()
        assert question.careful
        assert bench.settle(
            question, ChunkOutcome(to="ready", count=2, probe=True, wire=RequestCost(lookups=True, read=True))
        )
        probe = bench.taken()
        assert not probe.careful
        assert bench.settle(probe, unread())
    run = bench.look("run")
    assert run.block is not None
    assert run.block.by_hand
    bench.pass_time(3_600_000)
    assert bench.take() is None
    assert bench.do(bench.run_store.steer("run", "resume")) == "done"
    assert state(bench.look("run")) is RunState.DELIVERING
    assert bench.take() is not None


def test_a_poll_that_can_be_read_again_lifts_what_it_stopped_and_no_other_does(bench: Bench) -> None:
    """What is to be imported waits until then."""
    quick(bench)
    for batch in ("one", "other"):
        bench.accept(bench.taken(), batch, due_in_ms=1)
    bench.pass_time(10)
    bench.redis.zadd(key("ready", "run"), dict.fromkeys(map(str, range(2, 9)), bench.now + 1_000))
    untold = StopReason("run", "unreadable_answers", "cannot be read", by_hand=True, asks=False)
    wire = RequestCost(unread="cannot be read")
    held = bench.taken()
    assert held.lane == "confirm"
    assert bench.settle(held, ChunkOutcome(to="accepted", count=2, due_in_ms=500, stop=untold, wire=wire))
    bench.pass_time(10)
    for left in (RunState.BLOCKED, RunState.DELIVERING):
        poll = bench.taken()
        assert (poll.lane, poll.fence == held.fence) == ("confirm", left is RunState.DELIVERING)
        wire = RequestCost(read=True)
        assert bench.settle(poll, ChunkOutcome(to="accepted", count=2, answered=True, due_in_ms=60_000, wire=wire))
        assert state(bench.look("run")) is left
        bench.pass_time(2_000)
    assert bench.taken().lane == "deliver"


def test_six_imports_block_though_polls_between_them_can_be_read(bench: Bench) -> None:
    """And no poll lifts that block while there is something to import: it says nothing of imports."""
    quick(bench)
    bench.accept(bench.taken(), "batch", due_in_ms=1)
    imports = [bench.taken() for _ in range(7)]
    bench.redis.zadd(key("ready", "run"), {"8": bench.now + 60_000})
    bench.pass_time(10)
    poll = bench.taken()
    assert poll.lane == "confirm"

    def is_read(number: int) -> None:
        wire = RequestCost(read=True)
        outcome = ChunkOutcome(to="accepted", count=2, answered=True, due_in_ms=1, wire=wire)
        assert bench.settle(replace(poll, token=f"poll-{number}"), outcome)

    for number, held in enumerate(imports[:6]):
        assert state(bench.look("run")) is RunState.DELIVERING
        assert bench.settle(held, unread())
        if number < 5:
            is_read(number)
    assert state(bench.look("run")) is RunState.BLOCKED
    bench.pass_time(30_000)
    bench.redis.hset(key("chunk", "run", poll.chunk), "leased_at", bench.now)
    is_read(9)
    assert state(bench.look("run")) is RunState.BLOCKED
    bench.redis.zremrangebyrank(key("ready", "run"), 0, -1)
    is_read(10)
    assert state(bench.look("run")) is not RunState.BLOCKED, "nothing is left that it holds up"


def test_what_a_person_has_to_accept_is_not_lifted_by_a_poll_that_can_be_read_again(bench: Bench) -> None:
    """The run waits for a word on refusals; that polls of it could not be read meanwhile changes nothing of that."""
    quick(bench)
    bench.accept(bench.taken(), "batch", due_in_ms=1)
    refusing = StopReason("run", "refuses_nearly_all", "a reason", by_hand=True)
    assert bench.settle(bench.taken(), ChunkOutcome(to="ready", count=2, stop=refusing, wire=RequestCost(read=True)))
    bench.pass_time(10)
    poll = bench.taken()
    assert poll.lane == "confirm"
    untold = StopReason("run", "unreadable_answers", "cannot be read", by_hand=True, asks=False)
    wire = RequestCost(unread="cannot be read")
    assert bench.settle(poll, ChunkOutcome(to="accepted", count=2, due_in_ms=1, stop=untold, wire=wire))
    bench.pass_time(10)
    wire = RequestCost(read=True)
    assert bench.settle(bench.taken(), ChunkOutcome(to="accepted", count=2, answered=True, due_in_ms=60_000, wire=wire))
    run = bench.look("run")
    assert run.block is not None
    assert (run.block.code, run.block.asks) == ("refuses_nearly_all", True)
    assert bench.do(bench.run_store.steer("run", "resume")) == "already"


def test_a_chunk_of_the_last_version_goes_on(bench: Bench) -> None:
    """It has no counts of its own."""
    quick(bench)
    held = bench.taken()
    bench.redis.hset(key("block", "c1"), items=["code", "credentials", "blocked", "1", "probe_at", str(bench.now)])
    assert bench.settle(held, ChunkOutcome(to="ready", count=2, wire=RequestCost()))
    probe = bench.taken()
    assert (probe.unread, probe.careful) == (0, False)
