"""Answers that can never be read: few tries, then a block with a reason; and never the same people again and again."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import orjson
import pytest
from aiohttp import web
from redis import Redis

from deploy.local.valkey import Valkey
from tests.integration.walking import START
from tests.integration.workplace import Workplace, workplace
from tests.sandbox.app import WORLD, create_app
from tests.sandbox.endpoints import Endpoint
from tests.sandbox.settings import Settings
from tests.sandbox.switches import Switches, changed
from tests.sandbox.world import World
from wire.chunk_queue.run import Run, RunState, state

Scenario = Callable[[Workplace, World], Awaitable[None]]
Play = Callable[..., None]
Spoils = Callable[[web.Request, Any], bool]

UNREADABLE: Final = ("cut", "empty_body", "utf16")
MOST_SENDINGS: Final = 3
"""Of one contact, as long as no person has said more."""


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[Redis]:
    """The store's server, to set its time."""
    with Redis(port=valkey.port) as client:
        yield client


@pytest.fixture
def play(redis: Redis) -> Play:
    """Run a scenario against a sandbox account on the same time; what `spoils` picks is done and answered without a byte."""

    def run(scenario: Scenario, *, spoils: Spoils | None = None, **wishes: object) -> None:
        async def opened() -> None:
            times: list[Callable[[], float]] = []
            switches = changed(Switches(), wishes)
            app = create_app(Settings(switches=switches), lambda: times[0]() if times else START / 1000)
            if spoils is not None:
                app.middlewares.append(spoiling(spoils))
            async with workplace(redis, app) as place:
                times.append(lambda: place.now / 1000)
                await scenario(place, app[WORLD])
                assert not app[WORLD].journal.violations, "a limit was hit"

        asyncio.run(opened())

    return run


def spoiling(spoils: Spoils) -> Any:
    """Take the body out of some answers."""

    @web.middleware
    async def spoil(request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.read()
        response: web.StreamResponse = await handler(request)
        return web.Response(status=200) if spoils(request, orjson.loads(body or b"null")) else response

    return spoil


def people(first: int, count: int) -> tuple[str, ...]:
    """So many names."""
    return tuple(f"p{number}" for number in range(first, first + count))


def most_sent(world: World) -> int:
    """How often the importer accepted the contact that it accepted most often."""
    return max(world.importer.acceptances.values(), default=0)


def asked(world: World, endpoint: Endpoint) -> int:
    """How often an endpoint was asked."""
    return sum(one.endpoint is endpoint for one in world.journal.requests)


async def blocked(place: Workplace, name: str = "r1", *, within_seconds: float = 200) -> Run:
    """Work until a run is blocked."""
    until = place.now + within_seconds * 1000
    while state(run := await place.run(name)) is not RunState.BLOCKED:
        assert place.now < until, f"not blocked: {state(run)}"
        await place.step()
    assert run.block is not None
    assert run.block.code == "unreadable_answers"
    assert "@" not in run.block.reason
    return run


@pytest.mark.parametrize("marks", [1, 2, 5])
def test_byte_order_marks_before_good_answers_are_good_answers(play: Play, marks: int) -> None:
    """Each contact is sent once."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(people(0, 30), people(30, 30))
        assert state(await place.finish()) is RunState.SUCCEEDED
        assert (most_sent(world), asked(world, Endpoint.IMPORT)) == (1, 2)

    play(scenario, byte_order_marks=marks)


@pytest.mark.parametrize("chunks", [(1,), (2,), (64, 64), (3,) * 12], ids=["one", "two", "two chunks", "many"])
@pytest.mark.parametrize("fault", UNREADABLE)
def test_imports_that_are_never_answered_in_words_block_with_few_sendings(
    play: Play, fault: str, chunks: tuple[int, ...]
) -> None:
    """However large the chunks are: none is halved, and no probe goes on for ever. A person's word sends each once more."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(*(people(100 * number, size) for number, size in enumerate(chunks)))
        run = await blocked(place)
        assert run.block is not None
        assert "HTTP 200" in run.block.reason
        assert asked(world, Endpoint.IMPORT) == 3
        await place.work(240)
        assert state(await place.run()) is RunState.BLOCKED
        assert most_sent(world) <= MOST_SENDINGS
        sent = asked(world, Endpoint.IMPORT)
        assert sent <= 3 + 3, "in a row, and by probes"
        await place.work(240)
        assert asked(world, Endpoint.IMPORT) == sent

        assert (await place.run()).books.pending == sum(chunks)
        world.flip({"faults": []})
        for _ in range(3):
            await place.run_store.steer("r1", "resume")
            await place.work(10)
        assert state(await place.finish()) is RunState.SUCCEEDED
        assert most_sent(world) <= MOST_SENDINGS + 1

    play(scenario, faults=[f"{fault}@import"])


@pytest.mark.parametrize("fault", UNREADABLE)
def test_two_answers_that_cannot_be_read_stop_nobody(play: Play, fault: str) -> None:
    """They happen."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(people(0, 30), people(30, 30))
        until = place.now + 60_000
        while not (run := await place.run()).over:
            assert place.now < until
            assert state(run) is not RunState.BLOCKED
            await place.step()
        assert state(run) is RunState.SUCCEEDED

    play(scenario, faults=[f"{fault}:x2@import"])


@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_an_account_that_says_nothing_readable_for_hours_goes_on_by_itself_and_nobody_is_sent_meanwhile(
    play: Play, chunks: int
) -> None:
    """The probe is a question, and so is the third try of a lone chunk."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(*(people(100 * number, 30) for number in range(chunks)))
        run = await blocked(place)
        assert run.block is not None
        assert not run.block.by_hand
        await place.work(600)
        assert asked(world, Endpoint.IMPORT) == min(3, chunks + 1)
        assert 18 <= asked(world, Endpoint.ME) <= 22
        world.flip({"faults": []})
        assert state(await place.finish()) is RunState.SUCCEEDED
        assert most_sent(world) <= MOST_SENDINGS

    play(scenario, faults=["empty_body"])


def test_an_importer_that_recovers_within_minutes_needs_no_person(play: Play) -> None:
    """A question is answered, and one import after it tells."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(*(people(100 * number, 30) for number in range(6)))
        await blocked(place)
        await place.work(20)
        world.flip({"faults": []})
        assert state(await place.finish(within_seconds=60)) is RunState.SUCCEEDED
        assert most_sent(world) <= MOST_SENDINGS

    play(scenario, faults=["cut@import"])


def test_a_chunk_of_which_no_answer_can_be_read_stops_its_run_while_others_are_answered(play: Play) -> None:
    """Whole: no half of it is tried. Another run on the connection goes on."""

    def spoils(request: web.Request, document: Any) -> bool:
        return request.method == "POST" and any(one["email"].startswith("p7@") for one in document["contacts"])

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(*(people(10 * number, 10) for number in range(12)))
        await place.open_run(*(people(1000 + 10 * number, 10) for number in range(12)), name="r2", list_id="3")
        run = await blocked(place)
        assert run.block is not None
        assert run.block.by_hand
        assert "one chunk" in run.block.reason
        assert state(await place.finish("r2")) is RunState.SUCCEEDED
        await place.work(300)
        assert world.importer.acceptances["p7@example.org"] == most_sent(world) == MOST_SENDINGS
        assert await place.run_store.steer("r1", "resume") == "done"
        await place.work(60)
        assert world.importer.acceptances["p7@example.org"] == MOST_SENDINGS + 1
        assert state(await place.run()) is RunState.BLOCKED

    play(scenario, spoils=spoils)


@pytest.mark.parametrize("chunks", [1, 2])
@pytest.mark.parametrize("fault", UNREADABLE)
def test_polls_that_cannot_be_read_block_and_are_asked_seldom_until_they_can(
    play: Play, fault: str, chunks: int
) -> None:
    """Nobody is sent again for it, and no person is needed when it is over."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(*(people(30 * number, 30) for number in range(chunks)))
        await blocked(place)
        polls = asked(world, Endpoint.INFO)
        assert polls <= 4
        await place.work(600)
        assert asked(world, Endpoint.INFO) - polls <= 21
        assert state(await place.run()) is RunState.BLOCKED
        world.flip({"faults": []})
        assert state(await place.finish(within_seconds=300)) is RunState.SUCCEEDED
        assert (most_sent(world), asked(world, Endpoint.IMPORT)) == (1, chunks)

    play(scenario, faults=[f"{fault}@info"])


def test_one_batch_that_cannot_be_read_about_is_told_while_all_others_go_on(play: Play) -> None:
    """And when it can, the run goes on by itself."""
    spoilt: set[str] = set()

    def spoils(request: web.Request, document: Any) -> bool:
        return request.query.get("batchId") in spoilt

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(*(people(10 * number, 10) for number in range(4)))
        while not world.journal.imports:
            await place.step()
        spoilt.add(world.journal.imports[0].batch)
        world.flip({"batch_seconds": 240})  # others are asked after meanwhile
        await place.open_run(*(people(1000 + 10 * number, 10) for number in range(8)), name="r2", list_id="3")
        run = await blocked(place)
        assert run.block is not None
        assert "one chunk" in run.block.reason
        assert state(await place.run("r2")) is RunState.CONFIRMING
        spoilt.clear()
        assert state(await place.finish(within_seconds=600)) is RunState.SUCCEEDED
        assert most_sent(world) == 1

    play(scenario, spoils=spoils)


def test_a_strange_yes_to_a_lone_chunk_is_sent_three_times(play: Play) -> None:
    """It may have been done. Where nothing but strange answers comes, the third is a question, and it goes by itself."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(people(0, 30))
        await place.work(600)
        run = await place.run()
        assert run.block is not None
        assert (run.block.code, run.block.by_hand) == ("not_activecampaign", True)
        assert asked(world, Endpoint.IMPORT) == 3
        world.flip({"faults": ["empty"]})
        await place.open_run(people(100, 30), name="r2", list_id="3")
        await place.work(600)
        assert asked(world, Endpoint.IMPORT) <= 3 + 2
        world.flip({"faults": []})
        assert state(await place.finish("r2")) is RunState.SUCCEEDED
        assert state(await place.run()) is RunState.BLOCKED
        assert await place.run_store.steer("r1", "resume") == "done"
        assert state(await place.finish()) is RunState.SUCCEEDED

    play(scenario, faults=["empty@import"])


def test_a_strange_yes_is_probed_by_few_imports(play: Play) -> None:
    """Whole JSON that lacks what was asked for stops as it did; and its probes do not send people for ever either."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(*(people(100 * number, 5) for number in range(9)))
        await place.work(900)
        run = await place.run()
        assert run.block is not None
        assert (run.block.code, run.block.by_hand) == ("not_activecampaign", True)
        assert asked(world, Endpoint.IMPORT) == 6
        await place.mend()
        world.flip({"faults": []})
        assert state(await place.finish()) is RunState.SUCCEEDED

    play(scenario, faults=["empty@import"])


def test_an_outage_page_sends_nobody_and_goes_by_itself(play: Play) -> None:
    """As a login page it is no answer of ActiveCampaign's; a lapsed account is one that is not paid for."""

    async def scenario(place: Workplace, world: World) -> None:
        await place.open_run(people(0, 30))
        for fault, code in (("outage_page", "not_activecampaign"), ("lapsed", "payment")):
            world.flip({"faults": [fault]})
            await place.work(400)
            run = await place.run()
            assert run.block is not None
            assert (run.block.code, run.block.by_hand) == (code, False)
        assert most_sent(world) == 0
        world.flip({"faults": []})
        assert state(await place.finish()) is RunState.SUCCEEDED
        assert most_sent(world) == 1

    play(scenario)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_share_of_answers_cannot_be_read_nobody_is_sent_more_often_than_a_person_said(
    play: Play, seed: int
) -> None:
    """Three times, and once more for every time that somebody let the run go on; in the end everybody is applied."""
    dice = random.Random(seed)
    share = dice.choice((0.05, 0.3, 0.6, 0.9))

    def spoils(request: web.Request, document: Any) -> bool:
        return dice.random() < share

    async def scenario(place: Workplace, world: World) -> None:
        nonlocal share
        await place.open_run(*(people(100 * number, dice.randint(1, 9)) for number in range(dice.randint(1, 12))))
        resumed = 0
        for _ in range(8):
            await place.work(60)
            assert most_sent(world) <= MOST_SENDINGS + resumed
            if dice.random() < 0.3:
                resumed += await place.run_store.steer("r1", "resume") == "done"
        share = 0.0
        while not (run := await place.run()).over:
            resumed += await place.run_store.steer("r1", "resume") == "done"
            assert resumed < 30
            await place.work(60)
        assert state(run) is RunState.SUCCEEDED
        assert run.books.close(over=True)
        assert most_sent(world) <= MOST_SENDINGS + resumed

    play(scenario, spoils=spoils)
