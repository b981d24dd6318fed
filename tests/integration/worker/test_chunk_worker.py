"""What a worker makes of chunks, from the bell to the books: a real store, real HTTP, and time that the test moves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web
from redis import Redis
from structlog.testing import capture_logs

from deploy.local.valkey import Valkey
from tests.integration.walking import START
from tests.integration.workplace import Bells, Workplace, workplace
from tests.sandbox.account import Details, MailingList, Status
from tests.sandbox.app import WORLD, create_app
from tests.sandbox.endpoints import Endpoint
from tests.sandbox.settings import Settings
from tests.sandbox.switches import Switches, changed
from tests.sandbox.world import World
from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk
from wire.chunk_queue.chunk_store import LEASE_MS, ChunkStore
from wire.chunk_queue.run import RunState, state
from wire.chunk_queue.wakeups import Wakeups
from wire.store.keys import key
from wire.store.results import Unreachable
from worker import chunk_worker, store_retry
from worker.reports import RequestReport, SettleReport

Scenario = Callable[[Workplace, World], Awaitable[None]]
Play = Callable[..., None]

LIST = 12
SOME = ("ann", "bob", "cid")
MANY = tuple(f"p{number}" for number in range(30))


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[Redis]:
    """The store's server, to set its time."""
    with Redis(port=valkey.port) as client:
        yield client


@pytest.fixture
def play(redis: Redis) -> Play:
    """Run a scenario against a sandbox account on the same time, with switches flipped."""

    def run(scenario: Scenario, **wishes: object) -> None:
        async def opened() -> None:
            times: list[Callable[[], float]] = []
            switches = changed(Switches(), {"police_retry_after": "record"} | wishes)
            app = create_app(Settings(switches=switches), lambda: times[0]() if times else START / 1000)
            async with workplace(redis, app) as place:
                times.append(lambda: place.now / 1000)
                await scenario(place, app[WORLD])
                assert not app[WORLD].journal.violations, "a limit was hit"
                assert not app[WORLD].journal.impatience, "asked inside a Retry-After"

        asyncio.run(opened())

    return run


def on_the_list(world: World) -> set[str]:
    """Who is subscribed, by name."""
    mailing_list: MailingList = world.account.lists[LIST]
    return {
        world.account.contacts[number].email.partition("@")[0]
        for number, status in mailing_list.statuses.items()
        if status is Status.SUBSCRIBED
    }


def asked(world: World, endpoint: Endpoint) -> list[float]:
    """When an endpoint was asked, in seconds since the beginning."""
    return [one.time - START / 1000 for one in world.journal.requests if one.endpoint is endpoint]


def verdicts(place: Workplace) -> list[str]:
    """Every verdict that was kept, but for `Poll`, of which there are as many as an account is slow."""
    return [
        one.verdict for one in place.reports if isinstance(one, SettleReport) and one.kept and one.verdict != "Poll"
    ]


async def rejected(place: Workplace) -> list[dict[str, Any]]:
    """The lines of the run's rejects, less their sentences."""
    lines = [line for page in await place.run_store.rejects("r1") for line in page.splitlines()]
    return [{name: value for name, value in orjson.loads(line).items() if name != "reason"} for line in lines]


# To the end ----------------------------------------------------------------------------------------------------------


def test_chunks_are_sent_followed_and_counted(play: Play) -> None:
    """Everybody is on the list, the books and the metrics agree, and no log line knows an address."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(MANY, SOME)
        with capture_logs() as lines:
            run = await place.finish()
        assert state(run) is RunState.SUCCEEDED
        assert (run.books.applied, run.accepted, run.chunks) == (33, 33, 2)
        assert on_the_list(world) == {*MANY, *SOME}
        assert place.counted() == {"accepted": 33, "applied": 33}
        assert verdicts(place) == ["Done", "Done", "Applied", "Applied"]
        assert (
            run.requests == len(world.journal.requests) == sum(isinstance(one, RequestReport) for one in place.reports)
        )
        assert lines
        assert "@" not in repr(lines)
        assert "@" not in repr(place.reports)

    play(scenario)


def test_whoever_opted_out_is_refused_and_not_subscribed_again(play: Play) -> None:
    """With a line in the rejects and the run partial."""

    async def scenario(place: Workplace, world: World) -> None:
        gone = world.account.upsert(Details("bob@example.org"))
        world.account.unsubscribe(gone, LIST)
        await place.open_run(SOME)
        run = await place.finish()
        assert state(run) is RunState.PARTIAL
        assert (run.books.applied, run.books.refused) == (2, 1)
        assert on_the_list(world) == {"ann", "cid"}
        assert await rejected(place) == [
            {"row": 2, "email": "bob@example.org", "fate": "refused", "code": "opted_out_or_excluded"}
        ]
        assert place.counted() == {"accepted": 3, "applied": 2, "refused": 1}

    play(scenario, failure_case="upper")


def test_a_contact_that_is_named_is_left_out_and_the_others_go(play: Play) -> None:
    """On the word of ActiveCampaign, which quotes the address: the log does not."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(("ann", "bad", "cid"))
        with capture_logs() as lines:
            run = await place.finish()
        assert verdicts(place) == ["Later", "Done", "Applied"]
        assert (run.books.applied, run.books.refused) == (2, 1)
        assert on_the_list(world) == {"ann", "cid"}
        (line,) = await rejected(place)
        assert (line["row"], line["email"], line["code"]) == (2, "bad@example.org", "refused_by_activecampaign")
        assert "@" not in repr(lines)

    play(scenario, refuse_at_post="^bad@")


def test_a_lone_contact_that_is_refused_is_refused_for_good(play: Play) -> None:
    """It is not sent a second time."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(("bad",))
        run = await place.finish()
        assert verdicts(place) == ["Never"]
        assert (run.books.refused, len(asked(world, Endpoint.IMPORT))) == (1, 1)
        assert place.counted() == {"refused": 1}

    play(scenario, refuse_at_post="^bad@")


# Later ---------------------------------------------------------------------------------------------------------------


def test_an_account_that_is_unavailable_is_asked_again_backing_off(play: Play) -> None:
    """And the chunk arrives once."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        run = await place.finish()
        assert verdicts(place) == ["Later", "Later", "Later", "Done", "Applied"]
        assert state(run) is RunState.SUCCEEDED
        first, second, third, fourth = asked(world, Endpoint.IMPORT)
        assert second - first < third - second < fourth - third
        assert {one.times_imported for one in world.account.contacts.values()} == {1}

    play(scenario, faults=["500:x3@import"])


def test_a_throttle_closes_the_gate_and_costs_the_chunk_nothing(play: Play) -> None:
    """For everybody on the account and as long as it says: twenty times are no reason to halve."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME, ("dee", "eve"))
        run = await place.finish(within_seconds=3000)
        assert state(run) is RunState.SUCCEEDED
        assert (run.throttles, run.chunks, run.books.applied) == (20, 2, 5)
        assert verdicts(place).count("Later") == 20
        assert "Split" not in verdicts(place)
        assert asked(world, Endpoint.IMPORT)[1] >= 30
        assert len(world.journal.imports) == 2

    play(scenario, throttle="429", faults=["throttled:x20@import"])


def test_a_lost_answer_sends_the_chunk_again_and_counts_it_once(play: Play) -> None:
    """Nobody can know whether it was queued: an upsert may be repeated."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        run = await place.finish()
        assert verdicts(place) == ["Later", "Done", "Applied"]
        assert len(world.journal.imports) == 2
        assert (run.books.applied, run.accepted, state(run)) == (3, 3, RunState.SUCCEEDED)
        assert place.counted() == {"accepted": 3, "applied": 3}
        assert {one.times_imported for one in world.account.contacts.values()} <= {1, 2}

    play(scenario, faults=["reset_after:x1@import"])


def test_a_batch_that_failed_is_sent_again(play: Play) -> None:
    """As another batch, which is the one that counts."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        run = await place.finish()
        assert verdicts(place) == ["Done", "Later", "Done", "Applied"]
        assert (run.books.applied, run.accepted) == (3, 6)
        assert on_the_list(world) == set(SOME)

    play(scenario, batch_faults=["failed:x1"])


def test_a_batch_without_an_end_is_unconfirmed_when_patience_is_over(play: Play) -> None:
    """Only because it answered that it is still at work."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME, patience_minutes=5.0)
        run = await place.finish(within_seconds=600)
        assert verdicts(place) == ["Done", "Unconfirmed"]
        assert (state(run), run.books.unconfirmed) == (RunState.PARTIAL, 3)
        assert place.now - START > 300_000

    play(scenario, batch_faults=["endless"])


# Stop ----------------------------------------------------------------------------------------------------------------


def test_three_refusals_within_ten_seconds_block_and_one_probe_in_thirty_finds_the_end(play: Play) -> None:
    """Nothing is lost: when the key is good again, a probe lifts the block and the run goes on."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.mend("a-revoked-key")
        await place.open_run(SOME, ("dee", "eve"))
        await place.work(12)
        run = await place.run()
        assert state(run) is RunState.BLOCKED
        assert run.block is not None
        assert (run.block.code, run.block.by_hand) == ("permission", False)
        refused = asked(world, Endpoint.IMPORT)
        assert len(refused) == 3
        assert refused[-1] - refused[0] <= 10

        await place.work(120)
        probes = asked(world, Endpoint.IMPORT)[3:]
        assert len(probes) == 4
        assert all(later - sooner >= 30 for sooner, later in zip([refused[-1], *probes], probes, strict=False))

        world.settings = Settings(key="a-revoked-key", switches=world.switches)
        run = await place.finish(within_seconds=120)
        assert state(run) is RunState.SUCCEEDED
        assert on_the_list(world) == {*SOME, "dee", "eve"}
        assert asked(world, Endpoint.IMPORT)[7] - probes[-1] <= 31

    play(scenario)


def test_two_refusals_by_mistake_block_nobody(play: Play) -> None:
    """A good key is refused now and then."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        for _ in range(20):
            await place.step()
            assert state(await place.run()) is not RunState.BLOCKED
        assert state(await place.finish()) is RunState.SUCCEEDED

    play(scenario, faults=["forbidden:x2@import"])


@pytest.mark.parametrize(
    ("fault", "code"),
    [("login_page", "not_activecampaign"), ("unauthorized", "credentials"), ("payment_required", "payment")],
)
def test_what_no_second_try_mends_blocks_at_the_first(play: Play, fault: str, code: str) -> None:
    """And is told by its code."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        await place.work(1)
        run = await place.run()
        assert state(run) is RunState.BLOCKED
        assert run.block is not None
        assert run.block.code == code
        await place.work(28)
        assert len(asked(world, Endpoint.IMPORT)) == 1

    play(scenario, faults=[f"{fault}@import"])


def test_a_mended_connection_is_probed_at_once(play: Play) -> None:
    """A person who has put a good key in does not wait half a minute."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.mend("a-wrong-key")
        await place.open_run(SOME)
        await place.work(12)
        assert state(await place.run()) is RunState.BLOCKED
        await place.mend()
        await place.work(2)
        assert state(await place.run()) is not RunState.BLOCKED
        assert len(world.journal.imports) == 1

    play(scenario)


def test_a_good_answer_about_a_batch_lifts_the_block_of_its_connection(play: Play) -> None:
    """It came with the same key: what is to be delivered need not find out by itself."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        await place.work(10)
        assert state(await place.run()) is RunState.BLOCKED
        assert state(await place.finish(within_seconds=60)) is RunState.SUCCEEDED
        await place.open_run(("dee", "eve"), name="r2")
        await place.step()
        assert state(await place.run("r2")) is RunState.CONFIRMING

    play(scenario, faults=["login_page:x1@info"])


def test_a_key_that_cannot_be_opened_blocks_without_a_request(play: Play) -> None:
    """It was sealed for another connection, or with a secret that is gone."""

    async def scenario(place: Workplace, world: World) -> None:
        place.redis.hset(key("connection", place.connection.id), "secret", "nobody can open this")
        await place.open_run(SOME)
        await place.work(5)
        run = await place.run()
        assert state(run) is RunState.BLOCKED
        assert run.block is not None
        assert (run.block.code, run.requests, len(world.journal.requests)) == ("credentials", 0, 0)

    play(scenario)


def test_a_batch_that_names_nearly_all_judges_the_account(play: Play) -> None:
    """Nobody is refused until a person says that they believe it."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(MANY)
        await place.work(60)
        run = await place.run()
        assert state(run) is RunState.BLOCKED
        assert run.block is not None
        assert (run.block.code, run.block.by_hand, run.books.refused) == ("refuses_nearly_all", True, 0)
        assert "30 of 30" in run.block.reason
        assert await place.run_store.steer("r1", "resume", accept=True) == "done"
        run = await place.finish()
        assert (state(run), run.books.refused) == (RunState.PARTIAL, 30)

    play(scenario, refuse_later="@")


# Between a worker's hands ------------------------------------------------------------------------------------------------


def test_a_run_that_is_paused_while_a_chunk_waits_its_turn_sends_nothing(play: Play) -> None:
    """The chunk goes back as it was and is sent on resume."""

    async def scenario(place: Workplace, world: World) -> None:
        async def pause() -> None:
            await place.run_store.steer("r1", "pause")

        await place.open_run(SOME, ("dee", "eve"))
        place.while_waiting = pause
        await place.work(20)
        assert "NotSent" in verdicts(place)
        sent = len(world.journal.imports)
        assert sent < 2
        assert state(await place.run()) is RunState.PAUSED
        place.while_waiting = None
        await place.run_store.steer("r1", "resume")
        run = await place.finish()
        assert (state(run), run.books.applied, len(world.journal.imports)) == (RunState.SUCCEEDED, 5, 2)

    play(scenario)


class Faltering(ChunkStore):
    """A ledger whose store fails the next few outcomes, after it has written them or before."""

    def __init__(self, place: Workplace, failures: int, *, written: bool) -> None:
        super().__init__(place.store)
        self.failures = failures
        self.written = written

    async def settle_and_take(
        self, held: LeasedChunk, outcome: ChunkOutcome, token: str | None, lease_ms: int = LEASE_MS
    ) -> tuple[bool, LeasedChunk | None]:
        """Fail, or settle."""
        if self.failures:
            self.failures -= 1
            if self.written:
                await super().settle_and_take(held, outcome, token, lease_ms)
            raise Unreachable("the store does not answer")
        return await super().settle_and_take(held, outcome, token, lease_ms)


@pytest.mark.parametrize("written", [True, False])
def test_an_outcome_that_could_not_be_written_is_offered_again(
    play: Play,
    monkeypatch: pytest.MonkeyPatch,
    written: bool,  # noqa: FBT001  drawn
) -> None:
    """Without sending the chunk again, and in the record and the metrics it counts once, if it was written after all, too."""
    monkeypatch.setattr(store_retry, "AGAIN_SECONDS", 0)

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        place.chunk_worker = place.another_desk(Faltering(place, 3, written=written))
        run = await place.finish()
        assert (run.books.applied, run.accepted, len(world.journal.imports)) == (3, 3, 1)
        assert run.requests == len(world.journal.requests)
        assert place.counted() == {"accepted": 3, "applied": 3}

    play(scenario)


def test_a_bell_is_answered_while_something_is_due(play: Play) -> None:
    """Chunk after chunk, for a second; then it is rung on, for whoever waits for the thread."""

    async def scenario(place: Workplace, world: World) -> None:
        limits = ("imports_per_minute", "requests_per_second")
        place.redis.hset(key("account", place.host), mapping=dict.fromkeys(limits, "1000000"))
        await place.open_run(*([f"{number}a", f"{number}b"] for number in range(5)))
        times = iter([0.0, 0.1, 0.2, chunk_worker.ANSWER_SECONDS, 2.0, 2.1, 2.2, 2.3])
        place.chunk_worker = place.another_desk(clock_seconds=lambda: next(times))
        await place.chunk_store.renew("process", 32, [])
        await place.chunk_worker.handle_wakeup(place.host, "bell")
        assert ((await place.run()).accepted, len(place.bells.rung)) == (6, 2)
        await place.chunk_worker.handle_wakeup(*place.bells.rung.pop())
        assert ((await place.run()).accepted, len(place.bells.rung)) == (10, 1)

    play(scenario)


def test_a_store_that_stays_away_leaves_the_chunk_to_its_lease(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk says so once, raises nothing, and holds nothing."""
    monkeypatch.setattr(store_retry, "PATIENCE_SECONDS", 0)

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        place.chunk_worker = place.another_desk(Faltering(place, 1, written=False))
        with capture_logs() as lines:
            await place.chunk_worker.handle_wakeup(place.host, "bell")
        assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["store_failed"]
        assert place.chunk_worker.leased_chunks() == ()
        run = await place.finish()
        assert (run.books.applied, run.accepted, len(world.journal.imports)) == (3, 3, 2)

    play(scenario)


class Unanswering(ChunkStore):
    """A ledger whose store hands out the next chunk, or does not, and does not answer once."""

    def __init__(self, place: Workplace, *, taken: bool) -> None:
        super().__init__(place.store)
        self.taken = taken
        self.failures = 1

    async def take(self, account: str, bell: str, token: str, lease_ms: int = LEASE_MS) -> LeasedChunk | None:
        """Take, and lose the answer."""
        if not self.failures:
            return await super().take(account, bell, token, lease_ms)
        self.failures -= 1
        if self.taken:
            assert await super().take(account, bell, token, lease_ms) is not None
        raise Unreachable("the store does not answer")


@pytest.mark.parametrize("taken", [True, False])
def test_a_bell_that_was_heard_and_not_answered_rings_again_when_the_store_answers(
    play: Play,
    taken: bool,  # noqa: FBT001  drawn
) -> None:
    """In the same moment of the store's time, and what it had handed out in the answer that was lost is there again."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        place.chunk_worker = place.another_desk(Unanswering(place, taken=taken))
        began = place.now
        await place.chunk_store.renew("process", 32, [])
        assert await place.wakeups.wake() == 1
        await place.chunk_worker.handle_wakeup(*place.bells.rung.pop())
        assert await place.wakeups.wake() == 0
        await place.chunk_worker.give_back()
        assert await place.wakeups.wake() == 1
        await place.chunk_worker.handle_wakeup(*place.bells.rung.pop())
        assert ((await place.run()).accepted, len(world.journal.imports)) == (3, 1)
        assert place.now - began < chunk_worker.ANSWER_SECONDS * 1000

    play(scenario)


def test_a_chunk_that_came_with_an_answer_that_was_lost_is_given_back(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome is written once, and the chunk that was handed out with it waits for no lease."""
    monkeypatch.setattr(store_retry, "AGAIN_SECONDS", 0)

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME, ["dan"])
        place.chunk_worker = place.another_desk(Faltering(place, 1, written=True))
        await place.chunk_store.renew("process", 32, [])
        await place.chunk_worker.handle_wakeup(place.host, "bell")
        assert (await place.run()).accepted == 3
        await place.chunk_worker.give_back()
        place.pass_time(1_000)
        await place.chunk_worker.handle_wakeup(place.host, "bell")
        assert ((await place.run()).accepted, len(world.journal.imports)) == (4, 2)

    play(scenario)


def test_a_chunk_whose_pacer_does_not_answer_goes_back_unsent(play: Play) -> None:
    """Nobody waits for its lease: it is taken again as soon as that is written down."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        place.redis.hset(key("pace", place.host), "next_any", place.now + 200)  # so that the pacer is asked again

        async def gone() -> None:
            place.while_waiting = None
            raise Unreachable("the store does not answer")

        place.while_waiting = gone
        began = place.now
        await place.chunk_worker.handle_wakeup(place.host, "bell")
        assert [one.verdict for one in place.reports if isinstance(one, SettleReport)] == ["NotSent", "Done"]
        assert ((await place.run()).accepted, len(world.journal.imports)) == (3, 1)
        assert place.now - began < 1_000

    play(scenario)


class Deaf(Bells):
    """A queue that takes no bell."""

    async def put(self, account: str, bell: str) -> None:
        """Refuse it."""
        raise Unreachable("the queue does not answer")


def test_a_bell_that_the_queue_does_not_take_is_forgotten_so_that_another_may_ring(play: Play) -> None:
    """Within the half minute for which it would be remembered."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(SOME)
        with pytest.raises(Unreachable):
            await Wakeups(place.store, Deaf()).wake()
        assert await place.wakeups.wake() == 1

    play(scenario)


# An account of our own, for what the sandbox does not do -----------------------------------------------------------------


@dataclass
class Importer:
    """Accepts imports unless `bad` is among them: then it refuses all and names nobody. `meanwhile` runs before an answer."""

    bad: str = "bad@"
    imports: list[list[str]] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    def app(self) -> web.Application:
        """Serve it."""
        app = web.Application()
        app.router.add_post("/api/3/import/bulk_import", self.queue)
        app.router.add_get("/api/3/import/info", self.info)
        return app

    async def queue(self, request: web.Request) -> web.Response:
        """Queue an import."""
        emails = [contact["email"] for contact in (await request.json())["contacts"]]
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        if any(email.startswith(self.bad) for email in emails):
            return web.json_response({"success": 0, "message": "JSON payload did not pass validation."}, status=400)
        self.imports.append(emails)
        return web.json_response({"Success": 1, "batchId": f"batch-{len(self.imports)}"})

    async def info(self, request: web.Request) -> web.Response:
        """Say that every batch has ended well."""
        return web.json_response({"status": "completed", "success": [], "failure": []})


def with_importer(redis: Redis, importer: Importer, scenario: Callable[[Workplace], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with workplace(redis, importer.app()) as place:
            await scenario(place)

    asyncio.run(opened())


def test_a_bad_contact_that_nobody_names_is_found_by_halving(redis: Redis) -> None:
    """The others are sent, each once, and only it is refused."""
    importer = Importer()

    async def scenario(place: Workplace) -> None:
        names = [f"p{number}" for number in range(16)]
        names[11] = "bad"
        await place.open_run(names)
        run = await place.finish(within_seconds=1200)
        assert (state(run), run.books.applied, run.books.refused) == (RunState.PARTIAL, 15, 1)
        sent = [email for emails in importer.imports for email in emails]
        assert sorted(sent) == sorted(f"{name}@example.org" for name in names if name != "bad")
        assert (await rejected(place)) == [
            {"row": 12, "email": "bad@example.org", "fate": "refused", "code": "refused_by_activecampaign"}
        ]
        assert verdicts(place).count("Split") == 4
        assert place.counted() == {"accepted": 15, "applied": 15, "refused": 1}

    with_importer(redis, importer, scenario)


def test_an_outcome_that_comes_after_its_lease_counts_nothing(redis: Redis) -> None:
    """Another worker has taken the chunk meanwhile: it counts, and nothing is there twice."""
    importer = Importer()

    async def scenario(place: Workplace) -> None:
        await place.open_run(SOME)
        other = place.another_desk()

        async def lose_the_lease() -> None:
            place.pass_time(21_000)
            await other.handle_wakeup(place.host, "another bell")

        importer.meanwhile = lose_the_lease
        await place.chunk_worker.handle_wakeup(place.host, "bell")
        assert [(one.verdict, one.kept) for one in place.reports if isinstance(one, SettleReport)] == [
            ("Done", True),
            ("Done", False),
        ]
        run = await place.finish()
        assert len(importer.imports) == 2
        assert (state(run), run.accepted, run.books.applied) == (RunState.SUCCEEDED, 3, 3)
        assert run.requests == 3
        assert place.counted() == {"accepted": 3, "applied": 3}

    with_importer(redis, importer, scenario)


def test_a_chunk_is_in_hand_from_the_bell_to_its_outcome(redis: Redis) -> None:
    """That is what its process renews the lease of."""
    importer = Importer()

    async def scenario(place: Workplace) -> None:
        await place.open_run(SOME)
        seen: list[tuple[str, ...]] = []

        async def look() -> None:
            held = place.chunk_worker.leased_chunks()
            seen.append(tuple(one.chunk for one in held))
            place.pass_time(19_000)
            await place.chunk_store.renew("process", 32, held)
            place.pass_time(19_000)
            assert await place.chunk_store.take(place.host, "another bell", "another-token") is None

        importer.meanwhile = look
        await place.chunk_worker.handle_wakeup(place.host, "bell")
        assert seen == [("0",)]
        assert place.chunk_worker.leased_chunks() == ()
        assert (await place.run()).accepted == 3

    with_importer(redis, importer, scenario)
