"""Who is forgotten is taken out of chunks that nobody holds, passed over by readers, and hashed with a key made once."""

from collections.abc import Iterator

import pytest

from deploy.local.valkey import Valkey
from producer.people.erasure_store import ErasureRequest, ErasureStore, facts_without
from producer.people.suppression import digest_of
from producer.runs.answers import Appended
from tests.integration.walking import ACCOUNT, LEASE_MS, World, address
from tests.unit.records import contacts
from wire.activecampaign.requests import emails_of
from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk, NewChunk
from wire.store import codec
from wire.store.keys import key


@pytest.fixture
def world(valkey: Valkey) -> Iterator[World]:
    """A run of two chunks that are ready."""
    made = World(valkey.port)
    made.refresh(1)
    for _ in range(5):
        made.produce(0)
    made.redis.hset(key("run", made.runs()[0].id), "spec", codec.text({"automations": False}))
    yield made
    made.close()


def erase(world: World, name: str) -> tuple[int, frozenset[str]]:
    """Erase from chunks only."""
    asked = ErasureRequest(address(name), 0, elsewhere=False)
    erased = world.do(
        ErasureStore(world.store, world.run_store).erase(asked, lambda text: text == address(name), at_once=False)
    )
    return erased.chunks, erased.waits_for


def held(world: World) -> int:
    """What the run believes to hold, in bytes."""
    (run,) = world.runs()
    return run.held_bytes


def test_a_chunk_in_nobodys_hands_loses_them_and_the_books_still_close(world: World) -> None:
    """They are unsent; what the run holds is what its chunks weigh."""
    (run,) = world.runs()
    assert erase(world, "a2") == (1, frozenset())
    chunk = world.do(world.store.hash(key("chunk", run.id, "0")))
    assert emails_of(codec.unsqueeze(chunk["contacts"])) == [address(name) for name in ("a1", "b1", "o1")]
    assert codec.decode(codec.unsqueeze(chunk["rows"])) == [0, 1, 3]
    assert len(chunk["prints"]) == 3 * 8
    bytes_ = [int(world.redis.hget(key("chunk", run.id, one), "bytes") or 0) for one in ("0", "1")]
    assert held(world) == sum(bytes_)
    assert world.runs()[0].books.unsent == 1


def test_a_chunk_that_a_worker_holds_or_that_was_accepted_is_left_to_its_end(world: World) -> None:
    """Until then the erasure waits for its run; a lease that ran out is nobody's."""
    (run,) = world.runs()
    lease = world.do(world.chunk_store.take(ACCOUNT, "bell", "a-token", LEASE_MS))
    assert lease is not None
    assert erase(world, "a1") == (0, frozenset({run.id}))
    assert erase(world, "c1") == (1, frozenset())
    world.pass_time(LEASE_MS + 1)
    assert erase(world, "a1") == (1, frozenset())
    assert world.redis.hget(key("chunk", run.id, lease.chunk), "token") is None


def accepted(world: World) -> LeasedChunk:
    """A chunk that ActiveCampaign has accepted, in the hands of a worker who asks after its batch."""
    held = world.do(world.chunk_store.take(ACCOUNT, "bell", "a-token", LEASE_MS))
    assert held is not None
    (run,) = world.runs()
    outcome = ChunkOutcome(to="accepted", count=held.count, batch="a-batch", books={"accepted": held.count})
    assert world.do(world.chunk_store.settle(held, outcome))
    world.redis.delete(key("ready", run.id))  # nothing else is due
    polled = world.do(world.chunk_store.take(ACCOUNT, "bell", "another-token", LEASE_MS))
    assert polled is not None
    assert polled.lane == "confirm"
    return polled


def shut(world: World) -> None:
    """Block the connection: nobody asks ActiveCampaign anything over it."""
    world.redis.hset(key("block", "c1"), mapping={"code": "credentials", "reason": "r", "blocked": "1", "since": 1})


def test_what_was_accepted_over_a_connection_that_is_blocked_is_erased_once_nobody_asks_after_it(world: World) -> None:
    """It might never be asked after again; what a worker says who comes back late does not count, nor break anything."""
    polled = accepted(world)
    assert erase(world, "a1")[0] == 0
    shut(world)
    assert erase(world, "a1") == (0, frozenset({polled.run.id}))
    world.pass_time(LEASE_MS + 1)
    assert erase(world, "a1") == (1, frozenset())
    late = ChunkOutcome(to="over", books={"applied": polled.count}, ended=True)
    assert not world.do(world.chunk_store.settle(polled, late))
    (run,) = world.runs()
    assert (run.books.unconfirmed, run.books.applied, run.accepted_chunks) == (1, 0, 1)
    world.redis.delete(key("block", "c1"))
    again = world.do(world.chunk_store.take(ACCOUNT, "bell", "a-third-token", LEASE_MS))
    assert again is not None
    assert [email.partition("@")[0] for email in emails_of(again.contacts)] == ["b1", "a2", "o1"]
    assert world.do(world.chunk_store.settle(again, ChunkOutcome(to="over", books={"applied": 3}, ended=True)))


def test_a_doubt_about_a_connection_is_no_block(world: World) -> None:
    """A batch that may still be followed is followed to its end."""
    accepted(world)
    shut(world)
    world.redis.hset(key("block", "c1"), "blocked", "0")
    world.pass_time(LEASE_MS + 1)
    assert erase(world, "a1")[0] == 0


def test_a_chunk_of_which_some_are_set_aside_loses_somebody_as_well(world: World) -> None:
    """Those set aside are the same people afterwards."""
    (run,) = world.runs()
    aside = [{"position": 1, "reason": "b1"}, {"position": 3, "reason": "o1"}]
    world.redis.hset(key("chunk", run.id, "0"), "facts", codec.text({"rounds": 1, "aside": aside}))
    assert erase(world, "b1") == (1, frozenset())
    kept = world.redis.hget(key("chunk", run.id, "0"), "facts") or b""
    assert codec.decode(kept) == {"rounds": 1, "aside": [{"position": 2, "reason": "o1"}]}


def test_who_would_be_left_alone_with_those_set_aside_leaves_them_to_be_sent() -> None:
    """Nobody at all cannot be sent."""
    aside = [{"position": 0, "reason": "r"}, {"position": 2, "reason": "s"}]
    assert facts_without({"aside": aside, "rounds": 1}, [1], of=3) == {"rounds": 1}
    assert facts_without({"aside": aside}, [0], of=4) == {"aside": [{"position": 1, "reason": "s"}]}


def test_a_chunk_that_loses_its_last_one_is_over_and_may_end_its_run(world: World) -> None:
    """The last step is a step like every other."""
    world.produce(0)
    for name in ("a1", "b1", "a2", "o1", "c1", "o2", "c2", "b2"):
        assert erase(world, name) == (1, frozenset())
    (run,) = world.runs()
    assert run.over
    assert (run.books.unsent, run.unbalanced) == (8, 0)


def test_the_key_of_the_hashes_is_made_once(world: World) -> None:
    """Else nobody would be known again."""
    erasure_store = ErasureStore(world.store, world.run_store)
    for name in ("a1", "a2", "a1"):
        world.do(erasure_store.forget(address(name), elsewhere=False))
    found = world.do(erasure_store.forgotten())
    assert len(found) == 2
    assert address("a1") in found
    assert address("c1") not in found
    assert digest_of(address("a1"), b"another key") not in found.digests


def test_a_reader_that_does_not_know_who_was_forgotten_appends_nothing(valkey: Valkey) -> None:
    """Not even the chunks of those who are not. It looks again, and passes them over; what is passed over is packed, and unsent."""
    world = World(valkey.port)
    world.refresh(1)
    for _ in range(2):
        world.produce(0)
    (run,) = world.runs()
    producer = world.producers[0]
    assert producer is not None
    world.do(ErasureStore(world.store, world.run_store).forget(address("a1"), elsewhere=False))

    def offer(cursor: int, *names: str, passed: int = 0) -> NewChunk:
        return NewChunk(cursor, contacts(*names), range(len(names)), bytes(8 * len(names)), passed)

    def append(*offers: NewChunk, forgotten: int) -> Appended:
        return world.do(world.run_store.append(run.id, producer.token, offers, at=(0, 0), forgotten=forgotten))

    assert append(offer(1, "a1"), offer(3, "a2", "a3"), forgotten=0).reading == "forgotten"
    assert world.runs()[0].sequence == 0
    assert append(offer(1, passed=1), offer(3, "a2", "a3"), forgotten=1).reading == "ok"
    (run,) = world.runs()
    assert (run.packed, run.books.unsent, run.ready_chunks, run.chunks) == (3, 1, 1, 1)
    assert (run.sequence, run.cursor) == (2, 3)
    world.close()
