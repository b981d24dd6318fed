"""A worker's health: what only a restart can mend, and what keeps it from work for now."""

from worker.liveness import HELD_SECONDS, READY_SECONDS, STILL_SECONDS, Liveness


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_process_whose_loop_turns_lives() -> None:
    """However long it lives."""
    clock = Clock()
    liveness = Liveness(clock=clock)
    for _ in range(100):
        clock.now += STILL_SECONDS
        assert liveness.ailments() == []
        liveness.beat()


def test_a_loop_that_hangs_is_an_ailment() -> None:
    """With how long it has been."""
    clock = Clock()
    liveness = Liveness(clock=clock)
    clock.now += STILL_SECONDS + 1
    assert liveness.ailments() == ["the event loop has not turned for 31 s"]


def test_a_store_that_is_away_makes_unready_and_never_ill() -> None:
    """A restart of every worker would not bring it back."""
    clock = Clock()
    liveness = Liveness(clock=clock)
    assert liveness.hindrances()
    liveness.renewed()
    assert liveness.hindrances() == []
    clock.now += READY_SECONDS + 1
    liveness.beat()
    assert liveness.ailments() == []
    assert liveness.hindrances() == ["the store has not taken this process's leases lately"]


def test_a_thread_that_died_is_an_ailment() -> None:
    """Nobody starts it again."""
    liveness = Liveness(threads_alive=lambda: False, clock=Clock())
    assert liveness.ailments() == ["a thread of the worker has died"]
    liveness.renewed()
    assert liveness.hindrances() == ["a thread of the worker has died"]


def test_a_chunk_in_hand_for_ever_is_an_ailment_and_a_slow_request_is_none() -> None:
    """A request may take two minutes."""
    clock = Clock()
    since = clock.now
    liveness = Liveness(oldest_held=lambda: since, clock=clock)
    clock.now += 150
    liveness.beat()
    assert liveness.ailments() == []
    clock.now = since + HELD_SECONDS + 1
    liveness.beat()
    assert liveness.ailments() == ["a chunk has been in hand for 601 s"]
