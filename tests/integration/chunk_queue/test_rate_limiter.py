"""The pacer, in simulated time, against windows as strict as anybody could count them."""

from collections.abc import Callable, Iterator

import pytest

from deploy.local.valkey import Valkey
from tests.integration.simulated_account import ACCOUNT, Simulation, every_window
from tests.integration.walking import immediately
from wire.chunk_queue.rate_limiter import Go, Wait

MINUTES = 60.0
FULL = 0.6048
"""Seconds between two imports at the published limit."""


@pytest.fixture
def simulate(valkey: Valkey) -> Iterator[Callable[..., Simulation]]:
    """Make simulations over an empty store, closed at the end."""
    made: list[Simulation] = []

    def make(**options: float) -> Simulation:
        made.append(Simulation(valkey.port, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for simulation in made:
        simulation.close()


@pytest.mark.parametrize(
    ("minutes", "late_share", "polls_per_import"), [(40, 0.02, 9), (10, 0.02, 1.5), (10, 0.05, 9), (10, 0, 9)]
)
def test_the_allowance_is_used_to_99_percent_and_never_overdrawn(
    simulate: Callable[..., Simulation], minutes: int, late_share: float, polls_per_import: float
) -> None:
    """100 imports a minute and 5 requests a second hold under every kind of window, with a full confirm queue too."""
    arrivals = simulate(late_share=late_share).run(minutes * MINUTES, polls_per_import=polls_per_import)
    assert len(arrivals.imports) >= 0.99 * 100 * minutes
    assert len(arrivals.polls) >= 1.25 * len(arrivals.imports)
    assert not any(every_window(arrivals.imports, 100, 60))
    assert not any(every_window(arrivals.everything, 5, 1))


def test_two_hosts_share_the_allowance_of_their_account(simulate: Callable[..., Simulation]) -> None:
    """As fully as one would use it, and no more."""
    arrivals = simulate(two_hosts=True).run(10 * MINUTES)
    assert len(arrivals.imports) >= 0.99 * 100 * 10
    assert not any(every_window(arrivals.imports, 100, 60))
    assert not any(every_window(arrivals.everything, 5, 1))


def test_two_hosts_keep_the_limits_from_the_moment_they_are_found_to_be_one_account(
    simulate: Callable[..., Simulation],
) -> None:
    """Before, each sent as much as an account may: a minute that is too full is waited out, and then nothing is lost."""
    found_out = 5 * MINUTES
    arrivals = simulate(two_hosts=True, united_after=found_out).run(10 * MINUTES)
    assert any(every_window(arrivals.imports, 100, 60))
    imports = [at for at in arrivals.imports if at > found_out + 1]
    for at in imports:
        assert len([one for one in arrivals.imports if at - 60 < one <= at]) <= 100
    everything = [at for at in arrivals.everything if at > found_out + 1]
    assert not any(every_window(everything, 5, 1))
    assert len(imports) >= 0.99 * 100 * 4


def test_what_a_stall_of_a_second_cost_is_caught_up_within_the_limits(simulate: Callable[..., Simulation]) -> None:
    """A busy machine that sleeps a second in twenty loses five percent, unless the log of bookings lets it catch up."""
    arrivals = simulate(stall_seconds=1.0).run(10 * MINUTES)
    assert len(arrivals.imports) >= 0.99 * 1000
    assert not any(every_window(arrivals.imports, 100, 60))
    assert not any(every_window(arrivals.everything, 5, 1))


def test_scaled_limits_are_used_as_fully(simulate: Callable[..., Simulation]) -> None:
    """At twenty times the published limits the share is the same."""
    simulation = simulate(imports_per_minute=2000, requests_per_second=100)
    arrivals = simulation.run(1 * MINUTES, importers=12, pollers=8, polls_per_import=1)
    assert len(arrivals.imports) >= 0.97 * 2000
    assert not any(every_window(arrivals.imports, 2000, 60))
    assert not any(every_window(arrivals.everything, 100, 1))


def test_single_contacts_have_their_own_limit_and_count_as_imports(simulate: Callable[..., Simulation]) -> None:
    """Twenty a minute for imports of one contact, whatever the others leave."""
    arrivals = simulate().run(10 * MINUTES, kind="single", pollers=0)
    assert 0.97 * 200 <= len(arrivals.imports) <= 200
    assert not any(every_window(arrivals.imports, 20, 60))


def test_polls_alone_use_the_second(simulate: Callable[..., Simulation]) -> None:
    """When nothing is imported any more, polls go at four a second."""
    arrivals = simulate().run(60, importers=0, pollers=6)
    assert len(arrivals.polls) >= 3.8 * 60
    assert not any(every_window(arrivals.polls, 5, 1))


def test_a_question_waits_for_no_import(simulate: Callable[..., Simulation]) -> None:
    """A run that is to begin waits for the answer; a poll waits until the import behind it has gone."""
    simulation = simulate()
    assert isinstance(simulation.ask(0, "import"), Go)
    assert isinstance(simulation.ask(0, "import"), Wait)
    assert simulation.ask(0.25, "question") == Go(simulation.milliseconds(0.25))
    assert simulation.ask(0.5, "other") == Wait(0.25)
    assert simulation.ask(0.5, "question") == Go(simulation.milliseconds(0.5))


def test_a_throttle_closes_the_gate_for_everybody(simulate: Callable[..., Simulation]) -> None:
    """Nothing goes before Retry-After is over, whoever asks for whatever."""
    simulation = simulate()
    go = simulation.ask(0, "import")
    assert isinstance(go, Go)
    closed = immediately(simulation.pacer.throttled(ACCOUNT, "import", 30, go.at))
    assert closed == 30
    assert simulation.ask(1, "other") == Wait(29)
    assert simulation.ask(29.5, "import") == Wait(0.5)
    assert isinstance(simulation.ask(30, "import"), Go)


def test_an_absurd_retry_after_is_believed_for_five_minutes(simulate: Callable[..., Simulation]) -> None:
    """A day is no answer to when to ask again."""
    simulation = simulate()
    assert immediately(simulation.pacer.throttled(ACCOUNT, "import", 86_400, 0)) == 300


def test_throttles_without_retry_after_wait_longer_each_time_up_to_a_minute(
    simulate: Callable[..., Simulation],
) -> None:
    """Five seconds, then twice as long, up to sixty."""
    simulation = simulate()
    now, waits = 0.0, []
    for _ in range(6):
        simulation.set_time(now)
        go = simulation.ask(now, "import")
        assert isinstance(go, Go)
        waits.append(immediately(simulation.pacer.throttled(ACCOUNT, "import", None, go.at)))
        now += waits[-1] + 0.001
    assert waits == [5, 10, 20, 40, 60, 60]


def _interval(simulation: Simulation, now: float) -> float:
    """Seconds between two imports at about this time, when nobody has anything to catch up."""
    for _ in range(2):
        while isinstance(answer := simulation.ask(now, "import"), Wait):
            now += answer.seconds
    answer = simulation.ask(now, "import")
    assert isinstance(answer, Wait)
    return answer.seconds


def test_each_throttle_halves_the_pace_down_to_a_tenth_and_it_returns(simulate: Callable[..., Simulation]) -> None:
    """Half, a quarter, an eighth, a tenth; then 5 % of the limit a minute."""
    simulation = simulate()
    shares = []
    for now in range(5):
        simulation.set_time(now)
        immediately(simulation.pacer.throttled(ACCOUNT, "import", 0.001, simulation.milliseconds(now)))
    shares = [FULL / _interval(simulation, 5 + later * MINUTES) for later in (0, 10, 20)]
    assert shares == pytest.approx([0.1, 0.6, 1], abs=0.02)


def test_a_throttle_halves_the_pace(simulate: Callable[..., Simulation]) -> None:
    """Half the pace after one."""
    simulation = simulate()
    immediately(simulation.pacer.throttled(ACCOUNT, "import", 0.001, simulation.milliseconds(0)))
    assert FULL / _interval(simulation, 1) == pytest.approx(0.5, abs=0.01)


def test_requests_that_were_under_way_together_halve_the_pace_once(simulate: Callable[..., Simulation]) -> None:
    """Four answers to one moment say one thing."""
    simulation = simulate()
    sent = [answer.at for now in (0, 0.7, 1.4, 2.1) if isinstance(answer := simulation.ask(now, "import"), Go)]
    assert len(sent) == 4
    for at in reversed(sent):
        immediately(simulation.pacer.throttled(ACCOUNT, "import", 1, at))
    assert FULL / _interval(simulation, 4) == pytest.approx(0.5, abs=0.01)


def test_what_lies_further_ahead_than_a_rule_could_put_it_is_cut(simulate: Callable[..., Simulation]) -> None:
    """When the store's clock goes back an hour, nobody waits an hour."""
    simulation = simulate()
    assert isinstance(simulation.ask(3600, "import"), Go)
    immediately(simulation.pacer.throttled(ACCOUNT, "import", 30, 0))
    answer = simulation.ask(0, "import")
    assert isinstance(answer, Wait)
    assert answer.seconds <= 300


def test_a_server_that_does_not_know_the_script_waits_a_second(simulate: Callable[..., Simulation]) -> None:
    """A restarted server may have forgotten its last bookings, so nobody sends in its first second."""
    simulation = simulate()
    assert isinstance(simulation.ask(0, "import"), Go)
    simulation.redis.script_flush()
    answer = simulation.ask(1, "import")
    assert answer == Wait(1)
    assert isinstance(simulation.ask(2, "import"), Go)


def test_so_it_does_when_the_first_script_is_another_one_that_lets_go(simulate: Callable[..., Simulation]) -> None:
    """One second, whichever of them comes first."""
    simulation = simulate()
    simulation.redis.script_flush()
    assert immediately(simulation.pacer._store.run("take", ACCOUNT, "bell", "token", 1000)) is None
    assert simulation.ask(0, "import") == Wait(1)
    assert isinstance(simulation.ask(1, "import"), Go)
