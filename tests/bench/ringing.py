"""`python -m tests.bench.ringing URL COUNT`: sends so many messages through Dramatiq's Redis broker and hears them all.

It prints the seconds that took and those of the processor; the actor does nothing.
"""

import sys
import threading
from time import monotonic, process_time
from typing import Final
from uuid import uuid4

import dramatiq
from dramatiq.brokers.redis import RedisBroker

THREADS: Final = 16


def ring(url: str, count: int) -> tuple[float, float]:
    """Send and hear on a queue of our own."""
    broker = RedisBroker(url=url, middleware=[])  # type: ignore[no-untyped-call]
    queue = f"bare-{uuid4().hex}"
    heard, all_heard = iter(range(1, count + 1)), threading.Event()
    lock = threading.Lock()

    @dramatiq.actor(broker=broker, queue_name=queue)
    def handle_wakeup(account: str, bell: str) -> None:  # as long as a bell of ours
        with lock:
            if next(heard) == count:
                all_heard.set()

    worker = dramatiq.Worker(broker, worker_threads=THREADS, worker_timeout=100)
    worked, began = process_time(), monotonic()
    worker.start()
    for _ in range(count):
        handle_wakeup.send("acme.api-us1.com", "01234567")
    all_heard.wait()
    seconds, work = monotonic() - began, process_time() - worked
    worker.stop()
    return seconds, work


if __name__ == "__main__":
    print(*ring(sys.argv[1], int(sys.argv[2])))  # noqa: T201  this is a command
