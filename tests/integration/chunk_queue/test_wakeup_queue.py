"""The queue's door, against a real server that is gone: no thread waits for it, and what was not acknowledged is, later."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq
from dramatiq.worker import Worker
from redis import Redis
from structlog.testing import capture_logs

from deploy.local.valkey import Valkey
from tests.end_to_end.test_events import awaited
from wire.chunk_queue.wakeup_queue import NAMESPACE, make_broker
from wire.store.keys import ACTOR, QUEUE

SECONDS = 4.0
"""Less than dramatiq lets a thread wait before it acknowledges again, and a consumer before it looks again, together."""


@contextmanager
def at_work(worker: Worker) -> Iterator[None]:
    worker.start()
    try:
        yield
    finally:
        worker.stop()


def test_a_thread_does_not_wait_for_a_queue_that_is_away_to_acknowledge(server: Valkey) -> None:
    """The only thread of a worker answers the next bell, and both messages are acknowledged when the queue is back."""
    broker = make_broker(server.url())
    heard: list[str] = []
    first, go_on = threading.Event(), threading.Event()

    def handle_wakeup(account: str, bell: str) -> None:
        heard.append(f"{account} {bell}")
        first.set()
        assert go_on.wait(30)

    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(handle_wakeup)

    def put(bell: str) -> None:
        broker.enqueue(dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=("a", bell), kwargs={}, options={}))

    for bell in ("one", "two"):
        put(bell)
    with capture_logs() as lines, at_work(Worker(broker, worker_timeout=100, worker_threads=1)):
        assert first.wait(30)
        server.kill()
        go_on.set()
        awaited(lambda: len(heard) == 2, SECONDS)
        assert broker.unacknowledged
        server.start()
        put("three")
        with Redis(port=server.port) as redis:
            awaited(lambda: len(heard) == 3 and not redis.hlen(f"{NAMESPACE}:{QUEUE}.msgs"), SECONDS)
    assert not broker.unacknowledged
    assert heard == ["a one", "a two", "a three"]
    told = [line["event"] for line in lines if line.get("queue") == QUEUE]
    assert told == ["queue_failed", "queue_answers_again"]
