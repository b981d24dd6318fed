"""Membership in a real store: it grows, is found again, takes few bytes, and forgets nobody who was sent."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from deploy.local.valkey import Valkey
from producer.people.erasure_store import ErasureStore
from producer.people.membership import Membership, bucket_of
from producer.pipeline.address_changes import Candidate, to_bytes
from producer.pipeline.comparison import Known, hashes_of, page_of
from producer.pipeline.known_people import KnownPeople, KnownPeopleReader
from producer.pipeline.survey import KnownBefore
from tests.integration.walking import ACCOUNT, LEASE_MS, World, address, immediately, print_of
from tests.unit.records import a_run
from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk
from wire.chunk_queue.membership_entry import (
    UNKNOWN,
    MembershipEntries,
    MembershipEntry,
    MemberState,
    gone,
    past,
    past_of,
)
from wire.chunk_queue.rate_limiter import Go
from wire.chunk_queue.run import Run
from wire.store.keys import key

PLACE: Final = ("e1", ACCOUNT, "12")
MANY: Final = 100_000


@pytest.fixture
def world(valkey: Valkey) -> Iterator[World]:
    """An empty record on time that a test moves."""
    made = World(valkey.port)
    yield made
    made.close()


class Writer:
    """Writes entries as the scripts do, by folding them in."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.membership = Membership(world.store)
        self.run = a_run(account=ACCOUNT)
        world.redis.hset(key("membership", *PLACE), "runs", 1)
        world.redis.hset(
            key("run", self.run.id),
            mapping={"export": "e1", "account": ACCOUNT, "list": "12", "reader": "t", "rejects_ms": 1000},
        )

    def write(self, *addresses: str, entry: MembershipEntry) -> None:
        """Write one entry for each of these."""
        self.world.redis.hset(key("unfolded", *PLACE), "an-ended-run", 1)
        words = MembershipEntries.of((each, entry) for each in addresses).words()
        assert self.world.do(self.world.store.run("fold", self.run.id, "t", "an-ended-run", "", *words)) == b"ok"

    def words(self, address: str, word: bytes) -> None:
        """Write what became of an address, instead of an entry."""
        self.world.redis.hset(key("unfolded", *PLACE), "an-ended-run", 1)
        words = MembershipEntries.of([(address, word)]).words()
        told = self.world.do(self.world.store.run("fold", self.run.id, "t", "an-ended-run", "", *words))
        assert told == b"ok"

    def pages(self) -> list[dict[str, bytes]]:
        """Read everything as it is kept."""

        async def pages() -> list[dict[str, bytes]]:
            summary = await self.membership.summary(self.run)
            return [dict(page) async for page in self.membership.entries(self.run, summary)]

        return immediately(pages())

    def read(self) -> dict[str, MembershipEntry]:
        """Read everything."""

        async def pages() -> dict[str, bytes]:
            summary = await self.membership.summary(self.run)
            return {name: of async for page in self.membership.entries(self.run, summary) for name, of in page.items()}

        return {name: MembershipEntry.from_bytes(kept) for name, kept in immediately(pages()).items()}


def test_whatever_is_written_is_found_while_buckets_grow(world: World) -> None:
    """One by one and all together; what is written again is not counted twice."""
    writer = Writer(world)
    everybody = [f"person{number}@example.org" for number in range(5_000)]
    everybody += [f"{'long' * 17}.{number}@example.org" for number in range(50)]
    for first in range(0, len(everybody), 250):
        part = everybody[first : first + 250]
        writer.write(*part, entry=MembershipEntry(MemberState.MEMBER, b"8 bytes.", first // 250 + 1))
    writer.write(*everybody[:100], entry=MembershipEntry(MemberState.REFUSED, b"another.", 99))
    found = writer.read()
    assert found.keys() == set(everybody)
    assert found[everybody[4_999]] == MembershipEntry(MemberState.MEMBER, b"8 bytes.", 20)
    assert found[everybody[7]] == MembershipEntry(MemberState.REFUSED, b"another.", 99, was_member=True)
    summary = world.do(writer.membership.summary(writer.run))
    assert summary.members == len(everybody)
    for name in everybody[::501]:
        assert world.do(writer.membership.entry(writer.run, name)) == found[name]
    assert world.do(writer.membership.entry(writer.run, "nobody@example.org")) is None
    sizes = [world.redis.hlen(key("members", *PLACE, str(at))) for at in range(summary.level + summary.split)]
    assert max(sizes) <= 128
    assert sum(sizes) == 5_000
    assert world.redis.object("encoding", key("members", *PLACE, "0")) == b"listpack"


def test_a_first_run_makes_the_buckets_that_its_people_need(world: World) -> None:
    """Then none grows under them; later runs leave them as they are, and they still grow when there are more people."""
    writer = Writer(world)
    for selected in (1_000, 50_000):
        figures = {"read": selected, "selected": selected}
        word = world.run_store.surveyed(
            writer.run.id, "t", figures=figures, selection=b"", forecast={}, rejects=[], pin="p"
        )
        assert world.do(word) == "ok"
        everybody = [f"person{number}@example.org" for number in range(1_000)]
        writer.write(*everybody, entry=MembershipEntry(MemberState.MEMBER))
        summary = world.do(writer.membership.summary(writer.run))
        assert (summary.level, summary.split, summary.members) == (25, 0, 1_000)
    writer.write(*(f"person{number}@example.org" for number in range(4_000)), entry=MembershipEntry(MemberState.MEMBER))
    summary = world.do(writer.membership.summary(writer.run))
    assert (summary.level, summary.split) == (100, 0)
    assert len(writer.read()) == 4_000
    assert world.do(writer.membership.entry(writer.run, everybody[-1])) == MembershipEntry(MemberState.MEMBER)


def test_scripts_and_python_agree_where_an_address_lies() -> None:
    """Long ones live together, all others by a hash of their bytes."""
    assert bucket_of("a" * 65, 64, 3) == "long"
    assert {bucket_of(f"zoë{number}@example.org", 4, 2) for number in range(200)} == {"0", "1", "2", "3", "4", "5"}


@pytest.mark.parametrize("person", [b"", b"a person"])
def test_members_take_less_than_64_bytes_each(world: World, person: bytes) -> None:
    """Addresses of 23 letters, as Valkey counts its memory. Buckets are alike however many there are, so are a million."""
    writer = Writer(world)
    before = int(world.redis.info("memory")["used_memory"])
    entry = MembershipEntry(MemberState.MEMBER, b"8 bytes.", 1, 1, person=person)
    for first in range(0, MANY, 5_000):
        writer.write(*(f"person{number}@example.org" for number in range(first, first + 5_000)), entry=entry)
    used = int(world.redis.info("memory")["used_memory"]) - before
    assert used / MANY < 64
    assert len(writer.read()) == MANY


# Who is behind an address ----------------------------------------------------------------------------------------------

MEMBER: Final = MembershipEntry(MemberState.MEMBER, b"8 bytes.", 1, person=b"a person")


def test_who_is_behind_an_address_is_kept_where_it_is_not_told(world: World) -> None:
    """A row may have lost its id, and what an ended run left tells none; an id that is told is believed."""
    writer = Writer(world)
    writer.write("ann@x.org", "bob@x.org", entry=MEMBER)
    writer.write("ann@x.org", "new@x.org", entry=MembershipEntry(MemberState.MAYBE, run=2, person=UNKNOWN))
    writer.write("bob@x.org", entry=MembershipEntry(MemberState.REFUSED, b"another.", 3, person=b"another!"))
    assert writer.read() == {
        "ann@x.org": MembershipEntry(MemberState.MAYBE, run=2, person=b"a person"),
        "bob@x.org": MembershipEntry(MemberState.REFUSED, b"another.", 3, was_member=True, person=b"another!"),
        "new@x.org": MembershipEntry(MemberState.MAYBE, run=2),
    }


def test_an_address_that_is_theirs_no_more_is_erased_or_noted_as_such(world: World) -> None:
    """As long as nobody else has it by now: what is known of those stays."""
    writer = Writer(world)
    writer.write("ann@x.org", "bob@x.org", "cid@x.org", entry=MEMBER)
    writer.write("dan@x.org", entry=MEMBER._replace(person=b"another!"))
    writer.words("ann@x.org", gone(b"a person"))
    writer.words("bob@x.org", past(b"a person"))
    writer.words("nobody@x.org", gone(b"a person"))
    writer.words("nobody@x.org", past(b"a person"))
    for word in (gone, past):
        writer.words("dan@x.org", word(b"a person"))
        writer.words("bob@x.org", word(b"a person"))
    assert writer.read() == {
        "bob@x.org": MEMBER._replace(person=past_of(b"a person")),
        "cid@x.org": MEMBER,
        "dan@x.org": MEMBER._replace(person=b"another!"),
    }
    assert world.do(writer.membership.summary(writer.run)).members == 3
    assert world.do(writer.membership.addresses_of(PLACE, "cid@x.org")) == {"bob@x.org", "cid@x.org"}
    assert world.do(writer.membership.addresses_of(PLACE, "nobody@x.org")) == set()


def test_a_contact_whom_another_export_knows_is_another_persons_unless_it_is_the_same(world: World) -> None:
    """On whatever list of the account: contacts are the account's."""
    writer, run = Writer(world), a_run(account=ACCOUNT)
    here = replace(run, export="mine", list_id="99")
    writer.write("same@x.org", entry=MEMBER)
    writer.write("other@x.org", entry=MEMBER._replace(person=b"another!"))
    writer.write("unknown@x.org", entry=MEMBER._replace(person=b""))
    writer.write("out@x.org", entry=MEMBER._replace(standing=MemberState.OUT, person=b"another!"))
    world.redis.hset(key("exports"), mapping={"mine": "mine", "e": "e1"})
    world.redis.sadd(key("memberships", "e1"), f"{ACCOUNT} 12")
    persons = {f"{name}@x.org": b"a person" for name in ("same", "other", "unknown", "out", "new")}
    assert world.do(writer.membership.another_elsewhere(here, persons)) == {"other@x.org", "unknown@x.org"}
    assert world.do(writer.membership.another_elsewhere(replace(here, account="elsewhere"), persons)) == set()
    assert world.do(writer.membership.listed_elsewhere(here, list(persons))) == set()
    assert len(world.do(writer.membership.listed_elsewhere(replace(here, list_id="12"), list(persons)))) == 3


def test_a_contact_is_given_another_address_only_if_it_is_theirs_alone(world: World) -> None:
    """And if the export says so; whoever reads on knows the same, from what is kept without an address."""
    writer, spec = Writer(world), {"mapping": {"email": "Email", "id": "Id"}}
    names = ("free", "met", "shared")
    for name in names:
        writer.write(f"{name}@x.org", entry=MEMBER._replace(person=name.encode().ljust(8)))
    world.redis.hset(key("exports"), mapping={"e": "e1", "other": "e2"})
    world.redis.sadd(key("memberships", "e2"), f"{ACCOUNT} 13")
    world.redis.hset(key("membership", "e2", ACCOUNT, "13"), "members", 1)
    world.redis.hset(key("members", "e2", ACCOUNT, "13", "0"), "shared@x.org", MEMBER.to_bytes())
    run = replace(writer.run, spec=spec)
    knowledge = KnownPeopleReader(writer.membership, world.run_store)
    summary = world.do(writer.membership.summary(run))
    known = Known([page_of(page) for page in writer.pages()])
    places = known.find(hashes_of([f"{name}@x.org" for name in names])).tolist()
    candidates = [
        Candidate(at, f"new.{name}@x.org", name.encode().ljust(8), place, is_met=name == "met")
        for at, (name, place) in enumerate(zip(names, places, strict=True), 1)
    ]
    gathered = KnownPeople(KnownBefore(known), summary)
    moves = world.do(knowledge.moves(run, gathered, candidates))
    assert [(one.row, one.former, one.how) for one in moves] == [
        (1, "free@x.org", "update"),
        (2, "met@x.org", "check"),
        (3, "shared@x.org", "check"),
    ]
    newcomers = replace(run, spec=spec | {"changed_address": "leaver_and_newcomer"})
    assert {one.how for one in world.do(knowledge.moves(newcomers, gathered, candidates))} == {"check"}
    world.redis.set(key("moving", run.id), to_bytes(moves))
    kept = world.do(knowledge.movers(replace(run, moving=3)))
    assert {row: (one.former, one.how) for row, one in kept.items()} == {
        one.row: (one.former, one.how) for one in moves
    }
    world.do(world.store.run("erase_member", *PLACE, "free@x.org"))
    assert world.do(knowledge.movers(replace(run, moving=3)))[1].former == ""


def test_whoever_is_erased_is_forgotten_by_their_id(world: World) -> None:
    """Whether it is their address still, or one that they had."""
    writer, erasure_store = Writer(world), ErasureStore(world.store, world.run_store)
    writer.write("ann@x.org", "old@x.org", entry=MEMBER)
    writer.words("old@x.org", past(b"a person"))
    world.redis.hset(key("exports"), "e", "e1")
    world.redis.sadd(key("memberships", "e1"), f"{ACCOUNT} 12")
    assert world.do(erasure_store.others_of("ann@x.org")) == {"old@x.org"}
    assert world.do(erasure_store.others_of("old@x.org")) == {"ann@x.org"}
    assert world.do(erasure_store.others_of("nobody@x.org")) == set()
    world.do(world.store.run("erase_member", *PLACE, "old@x.org"))
    assert world.do(erasure_store.forgotten()).has(b"a person")
    assert world.do(world.store.run("erase_member", *PLACE, "old@x.org")) == 0
    assert set(writer.read()) == {"ann@x.org"}


# What is written by what becomes of a chunk --------------------------------------------------------------------------


class Bench:
    """A run of two chunks of four, and what the membership is to know when it is over."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.world.refresh(1)
        for _ in range(5):
            world.produce(0)
        (self.run,) = world.runs()

    def take(self) -> LeasedChunk:
        held = self.world.do(self.world.chunk_store.take(ACCOUNT, "bell", self.world.token(), LEASE_MS))
        assert held is not None
        return held

    def go(self, held: LeasedChunk) -> None:
        """Let its request go, on a server that has just begun as well."""
        self.world.redis.delete(key("hold"))
        assert isinstance(self.world.do(self.world.pacer.ask(ACCOUNT, "import", held)), Go)

    def settle(self, held: LeasedChunk, outcome: ChunkOutcome) -> None:
        assert self.world.do(self.world.chunk_store.settle(held, outcome))

    def known(self) -> dict[str, MemberState]:
        """What the next run finds."""
        self.world.refresh(2)
        run = self.world.do(self.world.run_store.begin("another-reader", LEASE_MS))
        assert run is not None
        membership = Membership(self.world.store)
        assert self.world.do(membership.fold(run, "another-reader"))
        found = {name: self.world.do(membership.entry(run, address(name))) for name in ("a1", "b1", "a2", "o1")}
        return {name: entry.standing for name, entry in found.items() if entry is not None}


LATER: Final = ChunkOutcome(to="ready", count=4, due_in_ms=60_000)


def answered(bench: Bench) -> None:
    """Sent, and the answer says that nothing was queued."""
    held = bench.take()
    bench.go(held)
    bench.settle(held, ChunkOutcome(to="ready", count=4, due_in_ms=60_000, nothing_queued=True))


def silent(bench: Bench) -> None:
    """Sent, and there is no answer."""
    held = bench.take()
    bench.go(held)
    bench.settle(held, LATER)


def silent_then_answered(bench: Bench) -> None:
    """Sent twice: what the second answer says is not true of the first."""
    silent(bench)
    bench.world.pass_time(61_000)
    answered(bench)


def killed(bench: Bench) -> None:
    """Sent by a worker that is killed before it writes anything; another one has not sent it."""
    bench.go(bench.take())
    bench.world.pass_time(LEASE_MS + 1)
    bench.settle(bench.take(), LATER)


def killed_for_good(bench: Bench) -> None:
    """Sent by a worker that is killed, and nobody takes it any more."""
    bench.go(bench.take())


def not_sent(bench: Bench) -> None:
    """Taken, and put back because it was not its turn."""
    bench.world.redis.set(key("hold"), bench.world.now + 1_000)
    bench.settle(bench.take(), LATER)


def accepted(bench: Bench) -> None:
    """Accepted, and its batch was lost."""
    held = bench.take()
    bench.go(held)
    bench.settle(held, ChunkOutcome(to="accepted", count=4, batch="b", books={"accepted": 4}))
    while (other := bench.take()).lane == "deliver":
        bench.settle(other, LATER)
    bench.settle(other, LATER)


def split(bench: Bench) -> None:
    """Sent, unanswered, and split on the way."""
    silent(bench)
    bench.world.pass_time(61_000)
    bench.world.workers[0] = None
    for _ in range(3):
        bench.world.work(0)


@pytest.mark.parametrize(
    ("story", "there"),
    [
        (answered, False),
        (silent, True),
        (silent_then_answered, True),
        (killed, True),
        (killed_for_good, True),
        (not_sent, False),
        (accepted, True),
        (split, True),
    ],
)
def test_whoever_may_be_there_stands_as_maybe_when_a_run_is_cancelled(
    world: World,
    story: Callable[[Bench], None],
    there: bool,  # noqa: FBT001  drawn
) -> None:
    """And whoever cannot be there is not known at all: they are new to the next run."""
    bench = Bench(world)
    story(bench)
    world.steer("cancel")
    world.pass_time(LEASE_MS + 60_000)
    world.do(world.store.run("wake", "r"))
    (run,) = world.runs()
    assert run.over
    assert run.books.unsent == run.books.selected
    assert bench.known() == (dict.fromkeys(("a1", "b1", "a2", "o1"), MemberState.MAYBE) if there else {})


def test_a_deleted_connections_batches_leave_their_people_as_maybe(world: World) -> None:
    """Nobody can ask any more what became of them."""
    bench = Bench(world)
    held = bench.take()
    bench.go(held)
    bench.settle(held, ChunkOutcome(to="accepted", count=4, batch="b", books={"accepted": 4}))
    world.redis.hset(key("connections"), "c", "c1")
    world.redis.hset(key("connection", "c1"), "account", ACCOUNT)
    world.do(world.store.run("delete_connection", "c"))
    world.redis.delete(key("revision"))  # events of this world believe that there is none
    (run,) = world.runs()
    assert run.books.unconfirmed == 4
    assert bench.known() == dict.fromkeys(("a1", "b1", "a2", "o1"), MemberState.MAYBE)


def test_an_applied_chunk_makes_members_with_what_was_applied(world: World) -> None:
    """With the fingerprint of what was sent, the run, and the chunk."""
    bench = Bench(world)
    for _ in range(30):
        world.work(0)
        world.pass_time(50)
    world.drain()
    run = a_run(account=ACCOUNT, export="e1")
    entry = world.do(Membership(world.store).entry(run, address("c1")))
    assert entry == MembershipEntry(MemberState.MEMBER, print_of("c1"), bench.run.number)


# Where membership ends -----------------------------------------------------------------------------------------------


def keys_of(world: World, export: str) -> list[bytes]:
    return list(world.redis.scan_iter(f"{key('members', export, '*', '*', '*')}")) + list(
        world.redis.scan_iter(f"{key('membership', export, '*', '*')}*")
    )


def ended(world: World) -> Run:
    """A run that is over, with what it taught."""
    world.refresh(1)
    world.drain()
    run = next(run for run in world.runs() if run.over)
    assert keys_of(world, run.export)
    return run


def test_a_deleted_export_leaves_nobody_behind(world: World) -> None:
    """Its addresses go with it."""
    run = ended(world)
    world.redis.hset(key("exports"), "e", run.export)
    world.redis.hset(key("export", run.export), "document", "{}")
    world.do(world.store.run("delete_export", "e"))
    assert keys_of(world, run.export) == []
    assert world.redis.exists(key("memberships", run.export)) == 0


def test_a_deleted_exports_unfinished_runs_leave_nobody_behind_either(world: World) -> None:
    """Those who may be there are kept until the next run has learnt of them, and there will be none."""
    bench = Bench(world)
    silent(bench)
    world.steer("cancel")
    left = key("left", bench.run.id)
    assert (world.redis.exists(left), world.redis.pttl(left)) == (1, -1)
    world.redis.hset(key("exports"), "e", bench.run.export)
    world.redis.hset(key("export", bench.run.export), "document", "{}")
    world.do(world.store.run("delete_export", "e"))
    assert world.redis.exists(left) == 0


def test_another_list_starts_afresh_and_the_old_one_is_forgotten(world: World) -> None:
    """When the first run into the other list is surveyed."""
    run = ended(world)
    world.do(world.run_store.begin("r", LEASE_MS))
    record: dict[Any, Any] = {"export": run.export, "account": ACCOUNT, "list": "13", "reader": "r", "connection": "c1"}
    world.redis.hset(key("run", "moved"), mapping=record)
    world.do(
        world.run_store.surveyed(
            "moved", "r", figures={"read": 1, "selected": 1}, selection=b"", forecast={}, rejects=[], pin="p"
        )
    )
    assert [name for name in keys_of(world, run.export) if b":12" in name] == []
    assert world.redis.smembers(key("memberships", run.export)) == {f"{ACCOUNT} 13".encode()}
