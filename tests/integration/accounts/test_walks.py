"""Random walks over two connections to one account under two hosts: found out at any moment, with kills and a store that goes back."""

from random import Random

import pytest
from redis.exceptions import ResponseError

from deploy.local.valkey import Valkey
from producer.app import SCRIPT_ROOMS
from tests.integration.chunk_queue.test_walks import DRAWN, OF_TWO_HOSTS, RULE, STEPS, STEPS_A_WALK, Step
from tests.integration.walking_accounts import TwoHosts
from wire.store.redis import load_scripts

WALKS = 150
MOST_SEEDS = 1500
STEPS_OF_TWO: dict[str, Step] = {name: step for name, (_, step) in STEPS.items()} | {
    "it is found out that the hosts are one account": lambda world: world.unite(),
    "an event of the other export comes": lambda world: world.refresh(world.events + 1),
}
DRAWN_OF_TWO = DRAWN + [name for name in STEPS_OF_TWO if name not in STEPS] * 2


def walk(port: int, seed: int, scripts: dict[str, str] | None = None) -> None:
    """Walk once by a seed."""
    dice = Random(seed)
    world = TwoHosts(port, scripts)
    try:
        world.refresh(1)
        world.refresh(2)
        for _ in range(dice.randint(5, STEPS_A_WALK)):
            STEPS_OF_TWO[dice.choice(DRAWN_OF_TWO)](world)
            world.check()
        world.unite()
        world.drain()
    finally:
        world.close()


def seeded_walks(port: int, scripts: dict[str, str]) -> None:
    """Walk by one seed after the other."""
    for seed in range(MOST_SEEDS):
        walk(port, seed, scripts)


@pytest.mark.timeout(300)
def test_no_walk_over_two_hosts_loses_a_contact_or_sends_for_two_runs_at_once(valkey: Valkey) -> None:
    """Whenever it is found out, every run ends with its books closed, and what each export knows stays where it was."""
    for seed in range(WALKS):
        walk(valkey.port, seed)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("taken_out", sorted(OF_TWO_HOSTS))
def test_walks_over_two_hosts_find_a_rule_that_is_missing(valkey: Valkey, taken_out: str) -> None:
    """Without it, two runs send to one list of the account."""
    found = load_scripts(*SCRIPT_ROOMS)
    without = {
        name: "\n".join(line for line in body.splitlines() if RULE.sub(r"\1", line) != taken_out)
        for name, body in found.items()
    }
    assert without != found
    with pytest.raises((AssertionError, ResponseError)):
        seeded_walks(valkey.port, without)
