"""Storms at the published limits, in simulated time: faults of every kind from decks of many seeds, and who ends where."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from tests.integration.walking import START
from tests.integration.workplace import Workplace, workplace
from tests.sandbox.account import Details, Status
from tests.sandbox.app import WORLD, create_app
from tests.sandbox.faults import Fault
from tests.sandbox.settings import Settings
from tests.sandbox.switches import Switches, Throttle, changed
from tests.sandbox.world import World
from wire.chunk_queue.run import Run

LIST: Final = 12
HOURS: Final = 12
SHARE: Final = 0.15
LOST: Final = ("failed", "interrupted", "false", "unknown")
SEEDS: Final = range(3)


@dataclass(frozen=True)
class Storm:
    """What one seed decides: who is in the segment, and how the account answers."""

    seed: int
    throttle: Throttle

    def chunks(self) -> list[list[str]]:
        """A segment by names that tell what becomes of each: good ones, and bad ones as often as the seed will have it."""
        dice = random.Random(self.seed)
        bad = dice.choice([0.002, 0.01, 0.05])
        kinds, weights = ("good", "refused", "late'", "out"), (1 - 3 * bad, bad, bad, bad)
        people = (f"{kind}{number}" for number, kind in enumerate(dice.choices(kinds, weights, k=1500)))
        return [[next(people) for _ in range(size)] for size in (250, 250, 1, 249, 250, 2, 248, 250)]

    def switches(self) -> Switches:
        """A seventh of the published limits, 15 % faults, 10 % lost batches, and of each oddity one form."""
        dice = random.Random(self.seed)
        wishes: dict[str, object] = {
            "throttle": self.throttle,
            "imports_per_minute": 100 / 7,
            "single_imports_per_minute": 20 / 7,
            "requests_per_second": 5 / 7,
            "police_retry_after": "refuse",
            "retry_after": dice.choice(["seconds", "date", "absent"]),
            "faults": [f"{kind}:{SHARE / len(Fault):.4f}" for kind in Fault],
            "batch_faults": [f"{kind}:{0.1 / len(LOST)}" for kind in LOST],
            "silence_seconds": 0,
            "batch_seconds": "6:20",
            "refuse_at_post": "^refused",
            "refuse_later": "^late",
            "odd_counts": dice.random() < 1 / 2,
            "named": dice.choice(["first", "first", "all"]),
            "index_base": dice.choice(["0", "1"]),
            "failure_case": dice.choice(["lower", "upper", "as_sent"]),
            "success_ids": dice.choice(["created", "all"]),
            "success_key": dice.choice(["success", "Success"]),
        }
        return changed(Switches(), wishes)


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[Redis]:
    """The store's server, to set its time."""
    with Redis(port=valkey.port) as client:
        yield client


@pytest.mark.parametrize("throttle", Throttle)
@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_can_be_applied_is_and_everybody_else_is_listed(redis: Redis, seed: int, throttle: Throttle) -> None:
    """By itself: what blocks is probed. Nobody has two fates, and the books close."""
    storm = Storm(seed, throttle)

    async def scenario() -> None:
        times: list[Any] = []
        settings = Settings(seed=seed, switches=storm.switches())
        app = create_app(settings, lambda: times[0]() if times else START / 1000)
        async with workplace(redis, app) as place:
            times.append(lambda: place.now / 1000)
            judge(await passed(storm, place, app[WORLD]), storm, place, app[WORLD])
            await judge_rejects(storm, place)

    asyncio.run(scenario())


async def passed(storm: Storm, place: Workplace, world: World) -> Run:
    """Let a storm pass over a segment of which some opted out before."""
    chunks = storm.chunks()
    for name in (name for chunk in chunks for name in chunk if name.startswith("out")):
        world.account.unsubscribe(world.account.upsert(Details(address(name))), LIST)
    await place.open_run(*chunks)
    return await place.finish(within_seconds=HOURS * 3600)


def judge(run: Run, storm: Storm, place: Workplace, world: World) -> None:
    """The list and the books say what they should, and no answer was impatient."""
    good = {address(name) for name in everybody(storm) if name.startswith("good")}
    statuses = world.account.lists[LIST].statuses.items()
    assert {world.account.contacts[number].email for number, at in statuses if at is Status.SUBSCRIBED} == good
    assert (run.books.applied, run.books.refused) == (len(good), len(everybody(storm)) - len(good))
    assert (run.unmatched, run.unbalanced) == (0, 0)
    assert world.account.resubscribed == []
    assert world.journal.impatience == []
    assert world.journal.violations, "the allowance was never felt"
    assert run.requests == len(world.journal.requests)
    counted = place.counted()
    assert (counted["applied"], counted["refused"]) == (run.books.applied, run.books.refused)


async def judge_rejects(storm: Storm, place: Workplace) -> None:
    """One line for each who is refused, with a reason."""
    lines = [orjson.loads(line) for page in await place.run_store.rejects("r1") for line in page.splitlines()]
    bad = {address(name) for name in everybody(storm) if not name.startswith("good")}
    assert Counter(line["email"] for line in lines) == Counter(bad)
    assert all(line["reason"] for line in lines)


def everybody(storm: Storm) -> list[str]:
    """The segment's people by name."""
    return [name for chunk in storm.chunks() for name in chunk]


def address(name: str) -> str:
    """The address of a person."""
    return f"{name}@example.org"
