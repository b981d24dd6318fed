"""Random walks over the record's scripts: whatever breaks between two steps, no contact is lost and the books close.

A walk proves nothing unless it can fail: every line of a script marked `-- rule:` is taken out once, and the walks must
then find what it was for.
"""

import re
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from redis.exceptions import ResponseError

from deploy.local.valkey import Valkey
from producer.app import SCRIPT_ROOMS
from tests.integration.walking import World
from wire.store.redis import load_scripts

STEPS_A_WALK = 25
MOST_SEEDS = 1500

Step = Callable[[World], object]

RULE = re.compile(r"^.*-- rule: (.+)$", re.MULTILINE)
WALKED = (
    *("refresh", "begin", "surveyed", "append", "ended_reading"),
    *("wake", "take", "acquire", "hold", "settle", "steer", "read_runs", "fold"),
)
SCRIPTS = {name: body for name, body in load_scripts(*SCRIPT_ROOMS).items() if name in WALKED}
OF_TWO_HOSTS = frozenset({"one run at a time sends to a list"})
"""What `test_account_walks` finds missing."""

RULES = sorted({found for body in SCRIPTS.values() for found in RULE.findall(body)} - OF_TWO_HOSTS)


def without(taken_out: str) -> dict[str, str]:
    """The scripts with the line of one rule taken out."""
    line = re.compile(rf"^.*-- rule: {re.escape(taken_out)}$", re.MULTILINE)
    return {name: line.sub("", body) for name, body in SCRIPTS.items()}


def _together(*steps: Step) -> Step:
    def all_of_them(world: World) -> None:
        for step in steps:
            step(world)
            world.pass_time(1)

    return all_of_them


def _times(count: int, *steps: Step) -> Step:
    return _together(*steps * count)


def _forgotten(*steps: Step) -> Step:
    return _together(lambda world: world.remember(), *steps, lambda world: world.go_back())


PRODUCE: list[Step] = [lambda world: world.produce(0), lambda world: world.produce(1)]
WORK: list[Step] = [lambda world: world.work(0), lambda world: world.work(1), lambda world: world.work(2)]

SEND = [WORK[0]] * 2
CANCEL: Step = lambda world: world.steer("cancel")  # noqa: E731  one of a row of steps
LOSE: Step = lambda world: world.lose_answer(0)  # noqa: E731
KILL: Step = lambda world: world.kill_worker(0)  # noqa: E731

STEPS: dict[str, tuple[int, Step]] = {
    "the first producer takes a step": (4, PRODUCE[0]),
    "the second producer takes a step": (2, PRODUCE[1]),
    "the first producer goes on": (3, _times(4, PRODUCE[0])),
    "a worker takes a step": (3, WORK[0]),
    "another worker takes a step": (3, WORK[1]),
    "a worker works on": (3, _times(3, WORK[2])),
    "the workers work off what is due": (4, _times(6, *WORK)),
    "a producer is killed": (1, lambda world: world.kill_producers()),
    "a worker is killed": (1, lambda world: world.kill_worker(0)),
    "another worker is killed": (1, lambda world: world.kill_worker(1)),
    "a lease runs out": (3, lambda world: world.pass_time(21_000)),
    "the event comes again": (1, lambda world: world.refresh(1)),
    "a second event comes": (1, lambda world: world.refresh(2)),
    "a person pauses the run": (2, lambda world: world.steer("pause")),
    "a person resumes the run": (3, lambda world: world.steer("resume")),
    "a person cancels the run": (1, CANCEL),
    "a worker's answer is lost": (1, LOSE),
    "a worker's answer is lost, and a person cancels": (1, _together(*SEND, LOSE, WORK[0], CANCEL)),
    "a worker is killed when it has sent, and a person cancels": (
        1,
        _together(*SEND, KILL, lambda world: world.pass_time(21_000), WORK[1], CANCEL),
    ),
    "a second passes": (3, lambda world: world.remember()),
    "the store goes back a second": (4, lambda world: world.go_back()),
    "the store forgets what a producer did": (2, _forgotten(*PRODUCE[:1] * 2)),
    "the store forgets what the workers did": (2, _forgotten(*WORK)),
}
"""What may happen, and how often against the others."""

DRAWN = [name for name, (weight, _) in STEPS.items() for _ in range(weight)]


def walks(port: int) -> type[RuleBasedStateMachine]:
    """Make the machine that walks over a server's scripts."""

    class Walk(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.world = World(port)
            self.world.refresh(1)

        @rule(name=st.sampled_from(DRAWN))
        def step(self, name: str) -> None:
            STEPS[name][1](self.world)

        @invariant()
        def holds(self) -> None:
            self.world.check()

        def teardown(self) -> None:
            try:
                self.world.drain()
            finally:
                self.world.close()

    return Walk


def walk(port: int, examples: int) -> None:
    """Walk so many times, the same way every time."""
    run_state_machine_as_test(
        walks(port),
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS_A_WALK,
            deadline=None,
            derandomize=True,
            database=None,
            report_multiple_bugs=False,
            print_blob=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(300)
def test_no_walk_loses_a_contact_and_the_books_always_close(valkey: Valkey) -> None:
    """Kills, lost answers, expired leases, two producers, a pause, a cancel and a store that goes back a second."""
    walk(valkey.port, 150)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("taken_out", RULES)
def test_walks_find_a_rule_that_is_missing(valkey: Valkey, taken_out: str) -> None:
    """Without the rule some walk loses a contact, counts one twice, never ends or sends what it must not."""
    with pytest.raises((AssertionError, ResponseError)):
        seeded_walks(valkey.port, without(taken_out))


def seeded_walks(port: int, scripts: dict[str, str]) -> None:
    """Walk by one seed after the other."""
    for seed in range(MOST_SEEDS):
        seeded_walk(port, seed, scripts)


def seeded_walk(port: int, seed: int, scripts: dict[str, str]) -> None:
    """Walk once by a seed: the same steps as above, whatever else is loaded into the process."""
    dice = Random(seed)
    world = World(port, scripts)
    try:
        world.refresh(1)
        for _ in range(dice.randint(5, STEPS_A_WALK)):
            STEPS[dice.choice(DRAWN)][1](world)
            world.check()
        world.drain()
    finally:
        world.close()
