"""The ways in which stock Dramatiq on Redis loses, strands or doubles messages, done to the queue of a stack at work.

A message is only a bell, so in each of them the run ends as if nothing had happened, and nobody is sent twice.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread
from typing import Any, Final

import dramatiq
import pytest
from redis import Redis

from deploy.local.stack import QUEUE_DATABASE, Plan, Stack
from tests.end_to_end.conftest import Platform
from tests.end_to_end.test_first_export import people, write
from wire.chunk_queue.wakeup_queue import NAMESPACE, Broker, make_broker
from wire.store.keys import ACTOR, QUEUE

PACED: Final = {"imports_per_minute": 1200, "single_imports_per_minute": 600, "requests_per_second": 60}
SANDBOX: Final = (
    *("--imports-per-minute", "1200", "--single-imports-per-minute", "600", "--requests-per-second", "60"),
    *("--batch-seconds", "0.2:0.6"),
)
CONTACTS: Final = 7_500
EVERY_SECONDS: Final = 0.05


class Queue:
    """A platform, and a hand in its queue."""

    def __init__(self, platform: Platform, redis: Redis, broker: Broker) -> None:
        self.platform = platform
        self.redis = redis
        self.broker = broker

    @contextmanager
    def meanwhile(self, deed: Callable[[], object]) -> Iterator[None]:
        """Do something to the queue again and again."""
        enough = Event()

        def repeat() -> None:
            while not enough.wait(EVERY_SECONDS):
                deed()

        thread = Thread(target=repeat)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    def put(self, *args: str, actor: str = ACTOR) -> None:
        """Put a message on the queue."""
        self.broker.enqueue(dramatiq.Message(queue_name=QUEUE, actor_name=actor, args=args, kwargs={}, options={}))

    def export(self, name: str) -> str:
        """Begin a run of an export of its own list; return its id."""
        number = self.platform.sandbox("lists", {"id": 100 + self.platform.events})["id"]
        assert self.platform.export(name, list_id=number)[0] == 201
        return self.platform.publish(write(self.platform.snapshots / f"{name}.csv", people(CONTACTS)), name)

    def assert_whole(self, run: str) -> None:
        """Everybody is applied and was sent once."""
        done = self.platform.wait(run)
        assert (done["state"], done["books"]["applied"], done["accepted"]) == ("succeeded", CONTACTS, CONTACTS)


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    """One stack for all of them."""
    directory = tmp_path_factory.mktemp("bells")
    with ExitStack() as stack:
        platform = Platform(stack.enter_context(Stack(Plan(directory / "stack", directory, sandbox=SANDBOX))))
        assert platform.connect(limits=PACED)[0] == 201
        port = platform.stack.valkey_port
        redis = stack.enter_context(Redis(port=port, db=QUEUE_DATABASE))
        yield Queue(platform, redis, make_broker(f"redis://127.0.0.1:{port}/{QUEUE_DATABASE}"))


def test_bells_that_are_lost_or_stranded_ring_again(queue: Queue) -> None:
    """First some stay with a process that lives, as when the answer to a fetch is lost; then the queue is emptied repeatedly.

    That is what it comes to when an actor fails while Redis is away, and its retry is swallowed.
    """
    thief = queue.broker.consume(QUEUE, prefetch=1000, timeout=100)
    stranded: list[object] = []
    workers = [f"worker-{number}" for number in range(1, len(queue.platform.stack.workers) + 1)]
    for worker in workers:
        queue.platform.stack.kill(worker)
    run = queue.export("lost")
    with queue.meanwhile(lambda: stranded.append(next(thief))):
        queue.platform.wait(run, lambda _: any(stranded))
    for worker in workers:
        queue.platform.stack.restart(worker)
    until = time.monotonic() + 2
    with queue.meanwhile(queue.redis.flushdb):
        queue.platform.wait(run, lambda run: run["finished"] or time.monotonic() > until)
    assert any(stranded)
    queue.assert_whole(run)


def test_a_message_that_cannot_be_worked_on_is_dropped_and_not_tried_again(queue: Queue) -> None:
    """As one whose retry cannot be encoded: ours are never retried, so that nothing has to be encoded again."""
    run = queue.export("poison")
    for number in range(20):
        queue.put(f"one argument of two, {number}")
        queue.put("127.0.0.1:1", f"bad \udc80 bell {number}")
        queue.put("nobody", "hears this", actor="unknown")
    queue.assert_whole(run)
    events = [line["event"] for line in logged(queue.platform)]
    # Each by its name: whoever is slow to say that they live is taken for dead, and what they had is given to others as well.
    assert len({event for event in events if event.startswith("Failed to process message hear")}) == 40
    assert [event for event in events if event.startswith("Retrying message")] == []
    assert list(queue.redis.scan_iter(f"{NAMESPACE}:{QUEUE}.DQ*")) == []
    assert queue.redis.zcard(f"{NAMESPACE}:{QUEUE}.XQ") == 20


def logged(platform: Platform) -> Iterator[dict[str, Any]]:
    """What the workers logged."""
    for file in platform.stack.plan.directory.glob("worker-*.log"):
        yield from map(json.loads, file.read_text().splitlines())


def test_no_message_is_ever_delayed(queue: Queue) -> None:
    """Those stay in the memory of a worker, and are stuck there when Redis is away for long: what waits is in the record."""
    delayed: set[bytes] = set()
    run = queue.export("delayed")
    with queue.meanwhile(lambda: delayed.update(queue.redis.scan_iter(f"{NAMESPACE}:{QUEUE}.DQ*"))):
        queue.assert_whole(run)
    assert delayed == set()


def test_a_bell_that_is_heard_twice_finds_nothing_due(queue: Queue) -> None:
    """As when a busy worker is taken for dead and its messages are given to others."""
    run = queue.export("twice")

    def ring() -> None:
        for number in range(5):
            queue.put(queue.platform.stack.sandbox, f"bell {number}")

    with queue.meanwhile(ring):
        queue.assert_whole(run)
    assert queue.platform.sandbox("totals")["violations"] == 0
