"""An account that answers under two hosts is one account: pace, turns, wake-ups and people, on a real Valkey."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from producer.accounts.discovery import to_unite
from producer.audit.trail import Audit, AuditFilter
from producer.people.membership import Membership
from producer.pipeline.known_people import KnownPeopleReader
from producer.pipeline.leavers import to_bytes
from producer.registry.account_identity import AccountIdentity, ListIdentity
from producer.registry.model import Connection, Limits
from producer.registry.store import Registry, RunsUnderWay
from tests.integration.chunk_queue.test_wakeups import Bench
from tests.integration.serving import connection
from tests.integration.walking import ACCOUNT
from tests.unit.records import contacts
from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk, NewChunk
from wire.chunk_queue.membership_entry import FINGERPRINT_BYTES, MembershipEntries, MembershipEntry, MemberState
from wire.chunk_queue.rate_limiter import Drop, Go, Wait
from wire.chunk_queue.run import Run
from wire.store import codec
from wire.store.keys import key

OTHER = "acme.activehosted.test"
IDENTITY = AccountIdentity("h", "key", (ListIdentity("1", "c", "s"),))


class Accounts(Bench):
    """Two connections over two hosts, which are found to be of one account or not."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.registry = Registry(self.store)
        self.membership = Membership(self.store)
        self.hosts: dict[str, str] = {}
        self.exports: dict[str, str] = {}

    def connect(self, name: str, host: str, *, account: str = "", **changes: object) -> Connection:
        made = connection(name, host=host, created=len(self.hosts) + 1, **changes)
        self.do(self.registry.save_connection(made, secret=b"s", account=account))
        self.hosts[made.id] = host
        return self.named(name)

    def named(self, name: str) -> Connection:
        return self.do(self.registry.connection(name))

    def unite(self) -> tuple[str, ...]:
        return self.do(self.registry.unite_accounts(OTHER, ACCOUNT))

    def row(self, name: str, list_id: str, connection: str = "c1") -> dict[str, str]:  # type: ignore[override]
        self.redis.delete(key("revision"))
        self.redis.hset(key("exports"), name, self.exports.get(name, f"export-{name}"))
        said = {"account": self.hosts[connection], "export": self.exports.get(name, f"export-{name}")}
        return super().row(name, list_id, connection) | said

    def begin(self, name: str) -> Run | None:
        """Begin the run that may, or none."""
        return self.do(self.run_store.begin(f"reader-{name}"))

    def demand(self, name: str, connection: str, list_id: str = "12") -> None:
        self.do(
            self.store.run(
                "demand",
                "",
                "",
                1000,
                "0",
                codec.text(self.row(name, list_id, connection)),
            )
        )

    def sent(self, name: str, connection: str, *people: str, list_id: str = "12") -> Run:
        """A whole run of one chunk, whose people are members when it is over."""
        self.demand(name, connection, list_id)
        begun = self.begin(name)
        assert begun is not None
        assert begun.id == name
        self.survey(name, people)
        held = self.taken_of(name)
        self.accept(held, "b", 0)
        self.pass_time(1)
        self.applied(self.taken_of(name), *people)
        assert self.look(name).over
        return self.look(name)

    def survey(self, name: str, people: tuple[str, ...]) -> None:
        figures = {"read": len(people), "selected": len(people)}
        token = f"reader-{name}"
        self.do(self.run_store.surveyed(name, token, figures=figures, selection=b"", forecast={}, rejects=[], pin="p"))
        offer = NewChunk(1, contacts(*people), tuple(range(len(people))), b"f" * FINGERPRINT_BYTES * len(people))
        self.do(self.run_store.append(name, token, [offer], at=(0, 0)))
        self.do(self.run_store.end_reading(name, token, at=(1, 1)))

    def applied(self, held: LeasedChunk, *people: str) -> None:
        entries = [
            (f"{one}@example.org", MembershipEntry(MemberState.MEMBER, b"f" * FINGERPRINT_BYTES, held.run.number))
            for one in people
        ]
        outcome = ChunkOutcome(
            to="over", books={"applied": len(people)}, entries=MembershipEntries.of(entries), ended=True, answered=True
        )
        assert self.settle(held, outcome)

    def taken_of(self, run: str, host: str = "") -> LeasedChunk:
        self.tokens += 1
        held = self.do(self.chunk_store.take(host or self.look(run).account, "bell", f"token-{self.tokens}"))
        assert held is not None
        assert held.run.id == run
        return held

    def take_at(self, host: str) -> LeasedChunk | None:
        self.tokens += 1
        return self.do(self.chunk_store.take(host, "bell", f"token-{self.tokens}"))


@pytest.fixture
def two(valkey: Valkey) -> Iterator[Accounts]:
    """Two connections, c1 and c2, over two hosts that are not known to be of one account."""
    with Redis(port=valkey.port) as redis:
        redis.flushall()
        made = Accounts(redis)
        made.do(made.pacer.ask(ACCOUNT, "question"))
        made.pass_time(1_001)  # until then a fresh server lets nobody send
        quick = Limits(1_000_000, 1_000_000, 1_000_000)
        made.connect("one", ACCOUNT, id="c1", limits=quick)
        made.connect("two", OTHER, id="c2", limits=quick)
        yield made


def test_hosts_of_one_account_share_its_pace(two: Accounts) -> None:
    """What is booked or throttled under one host counts under the other, from the step that finds it out."""
    limits = Limits(60, 60, 1)
    two.do(
        two.registry.save_connection(replace(two.named("one"), limits=limits), secret=None, replaces=two.named("one"))
    )
    two.do(
        two.registry.save_connection(replace(two.named("two"), limits=limits), secret=None, replaces=two.named("two"))
    )
    assert isinstance(two.do(two.pacer.ask(ACCOUNT, "question")), Go)
    assert isinstance(two.do(two.pacer.ask(OTHER, "question")), Go)
    two.unite()
    assert isinstance(two.do(two.pacer.ask(OTHER, "question")), Wait)
    two.pass_time(1_250)
    assert isinstance(two.do(two.pacer.ask(OTHER, "question")), Go)
    assert isinstance(two.do(two.pacer.ask(ACCOUNT, "question")), Wait)
    two.do(two.pacer.throttled(ACCOUNT, "any", 30, two.now))
    answer = two.do(two.pacer.ask(OTHER, "question"))
    assert isinstance(answer, Wait)
    assert answer.seconds == 30


def test_a_gate_that_was_closed_before_stays_closed(two: Accounts) -> None:
    """Whichever of the two had heard it."""
    two.do(two.pacer.throttled(OTHER, "import", 30, two.now))
    two.unite()
    assert isinstance(two.do(two.pacer.ask(ACCOUNT, "question")), Wait)


def test_imports_of_both_within_the_last_minute_are_counted(two: Accounts) -> None:
    """Where they are more than the account allows, nobody sends until a minute holds no more than that."""
    for name in ("one", "two"):
        slow = replace(two.named(name), limits=Limits(10, 10, 1_000))
        two.do(two.registry.save_connection(slow, secret=None, replaces=two.named(name)))
    for host in (ACCOUNT, OTHER):
        two.redis.rpush(key("imports", host), *(two.now - at * 6_000 for at in range(10)))
    two.unite()
    answer = two.do(two.pacer.ask(ACCOUNT, "import"))
    assert isinstance(answer, Wait)
    assert 30 < answer.seconds <= 60
    assert two.redis.llen(key("imports", ACCOUNT)) == 10


def test_the_least_of_all_limits_counts(two: Accounts) -> None:
    """Whichever host's connection has it, and again when that one goes."""
    slow = replace(two.named("two"), limits=Limits(40, 20, 5))
    two.do(two.registry.save_connection(slow, secret=None, replaces=two.named("two")))
    two.unite()
    assert float(two.redis.hget(key("account", ACCOUNT), "imports_per_minute") or 0) == 40
    two.do(two.registry.delete_connection("two"))
    assert float(two.redis.hget(key("account", ACCOUNT), "imports_per_minute") or 0) == 1_000_000


def test_runs_into_one_list_take_turns_over_both_hosts(two: Accounts) -> None:
    """The second begins when the first is over; into another list it need not wait."""
    two.unite()
    two.demand("r1", "c1")
    two.pass_time(1)
    two.demand("r2", "c2")
    two.demand("r3", "c2", "13")
    begun = [two.begin("x") for _ in range(3)]
    assert {run.id for run in begun if run} == {"r1", "r3"}
    two.do(two.run_store.steer("r1", "cancel"))
    following = two.begin("x")
    assert following is not None
    assert following.id == "r2"


def test_of_two_runs_that_are_under_way_the_second_waits_from_then_on(two: Accounts) -> None:
    """What is in a worker's hands is not sent, what is accepted is followed, and it goes on when the first is over."""
    two.open_run("r2", chunks=3, connection="c2")
    two.pass_time(1)
    two.open_run("r1", chunks=2, connection="c1")
    followed = two.taken_of("r1")
    two.accept(followed, "b1", 0)
    waiting = two.taken_of("r1")
    assert two.take_at(ACCOUNT) is not None  # the batch
    two.unite()
    assert isinstance(two.do(two.pacer.ask(ACCOUNT, "import", waiting)), Drop)
    assert two.settle(waiting, ChunkOutcome(to="ready", count=2))
    for _ in range(3):
        held = two.taken_of("r2", ACCOUNT)
        assert held.lane == "deliver"
        assert two.settle(held, ChunkOutcome(to="over", books={"applied": 2}))
    assert two.look("r2").over
    assert two.taken_of("r1", OTHER).lane == "deliver"


def test_a_wake_up_under_either_name_finds_what_is_due(two: Accounts) -> None:
    """Messages that were on the queue when it was found out are heard, and the account is woken once."""
    two.open_run("r1", chunks=1, connection="c1")
    two.open_run("r2", chunks=1, connection="c2", list_id="13")
    assert sorted(two.wake()) == sorted([ACCOUNT.encode(), OTHER.encode()])
    two.unite()
    assert two.redis.smembers(key("accounts")) == {ACCOUNT.encode()}
    assert {two.taken_of(one, host).run.id for one, host in (("r1", OTHER), ("r2", OTHER))} == {"r1", "r2"}
    two.pass_time(31_000)
    assert set(two.wake()) == {ACCOUNT.encode()}


def test_members_of_the_same_list_over_the_other_host_are_known(two: Accounts) -> None:
    """So a leaver of one export stays if the other counts them; nothing of what was known has moved."""
    run = two.sent("r1", "c1", "ann", "bob")
    other = two.sent("r2", "c2", "bob", "cid")
    assert two.do(two.membership.listed_elsewhere(run, ["bob@example.org"])) == set()
    two.unite()
    assert two.do(two.membership.listed_elsewhere(run, ["ann@example.org", "bob@example.org"])) == {"bob@example.org"}
    assert two.do(two.membership.listed_elsewhere(other, ["bob@example.org", "cid@example.org"])) == {"bob@example.org"}
    assert two.do(two.membership.summary(run)).members == 2
    assert two.do(two.membership.summary(other)).members == 2


def test_a_leaver_who_turns_out_to_be_the_other_exports_member_is_not_sent(two: Accounts) -> None:
    """When it is found out between a survey and its sending."""
    two.exports = {"r1": "e", "r3": "e"}
    two.sent("r1", "c1", "ann", "bob")
    two.sent("r2", "c2", "bob")
    two.demand("r3", "c1")
    assert two.begin("r3") is not None
    gone = ("ann@example.org", "bob@example.org")
    figures = {"read": 1, "selected": 0, "leaving": 2}
    two.do(
        two.run_store.surveyed(
            "r3", "reader-r3", figures=figures, selection=b"", forecast={}, rejects=[], pin="p", leaving=to_bytes(gone)
        )
    )
    knowledge = KnownPeopleReader(two.membership, two.run_store)
    assert {address for address, _ in two.do(knowledge.leavers(two.look("r3")))} == set(gone)
    two.unite()
    assert [address for address, _ in two.do(knowledge.leavers(two.look("r3")))] == ["ann@example.org"]


@pytest.mark.parametrize("united_first", [True, False])
def test_a_connection_that_goes_to_another_host_of_its_account_keeps_what_is_known(
    two: Accounts, *, united_first: bool
) -> None:
    """Also where it is found out afterwards; to another account it starts afresh."""
    two.exports = {"r1": "e", "r2": "e", "r3": "e"}
    two.sent("r1", "c2", "ann")
    if united_first:
        two.unite()
    two.hosts["c2"] = ACCOUNT
    two.demand("r2", "c2")
    if not united_first:
        two.unite()
    begun = two.begin("r2")
    assert begun is not None
    assert two.do(two.membership.summary(begun)).members == 1
    assert two.do(two.membership.entry(begun, "ann@example.org")) is not None
    two.survey("r2", ("ann", "bob"))
    assert two.do(two.membership.places("e")) == [("e", OTHER, "12")]
    two.do(two.run_store.steer("r2", "cancel"))
    two.hosts["c2"] = "elsewhere.test"
    two.demand("r3", "c2")
    afresh = two.begin("r3")
    assert afresh is not None
    assert two.do(two.membership.summary(afresh)).is_new


def test_what_is_known_survives_if_it_is_found_out_in_the_middle_of_a_survey(two: Accounts) -> None:
    """The run began as if on another account: what the export knew under the other host stays."""
    two.exports = {"r1": "e", "r2": "e"}
    two.sent("r1", "c2", "ann")
    two.hosts["c2"] = ACCOUNT
    two.demand("r2", "c2")
    assert two.begin("r2") is not None
    two.unite()
    two.survey("r2", ("bob",))
    assert two.do(two.membership.places("e")) == [("e", OTHER, "12")]
    assert two.do(two.membership.entry(two.look("r2"), "ann@example.org")) is not None
    held = two.taken_of("r2")
    two.accept(held, "b", 0)
    two.pass_time(1)
    two.applied(two.taken_of("r2"), "bob")
    assert two.look("r2").over
    assert two.do(two.membership.summary(two.look("r2"))).members == 2


def test_what_an_older_program_writes_under_a_host_is_brought_over(two: Accounts) -> None:
    """It opens runs and appends chunks under the host's own name, and ends runs without leaving their turn."""
    two.demand("r2", "c2")
    assert two.begin("r2") is not None
    two.survey("r2", ("ann",))
    two.unite()
    for name, other in (("lane", key("lane", OTHER)), ("turns", key("turns", OTHER, "12"))):
        mine = key(name, ACCOUNT, *(["12"] if name == "turns" else []))
        two.redis.rename(mine, other)
    two.redis.srem(key("accounts"), ACCOUNT)
    two.redis.sadd(key("accounts"), OTHER)
    assert set(two.wake()) == {ACCOUNT.encode()}
    held = two.taken_of("r2", ACCOUNT)
    assert two.settle(held, ChunkOutcome(to="over", books={"applied": 1}))

    two.demand("r3", "c2")
    two.redis.rename(key("turns", ACCOUNT, "12"), key("turns", OTHER, "12"))
    begun = two.begin("r3")
    assert begun is not None
    two.redis.hset(key("run", "r3"), "finished", two.now)  # by an older program, which looks for its turn elsewhere
    two.redis.zrem(key("reading"), "r3")
    two.redis.zadd(key("lane", ACCOUNT), {"r3": 0})
    two.redis.sadd(key("accounts"), ACCOUNT)
    two.demand("r4", "c1")
    following = two.begin("r4")
    assert following is not None
    assert following.id == "r4"
    two.wake()
    assert two.redis.smembers(key("accounts")) == set()


def test_two_accounts_are_not_parted_under_runs(two: Accounts) -> None:
    """What a person sets may unite accounts at any time; it parts them only when no run is under way."""
    two.unite()
    two.open_run("r2", chunks=1, connection="c2")
    before = two.named("two")
    assert before.account == ACCOUNT
    with pytest.raises(RunsUnderWay):
        two.do(two.registry.save_connection(replace(before, account_set="acme-two"), secret=None, replaces=before))
    two.do(two.run_store.steer("r2", "cancel"))
    two.do(two.registry.save_connection(replace(before, account_set="acme-two"), secret=None, replaces=before))
    assert (two.named("one").account, two.named("two").account) == (ACCOUNT, "acme-two")
    assert to_unite([replace(two.named(name), identity=IDENTITY) for name in ("one", "two")]) is None
    two.open_run("r3", chunks=1, connection="c2")
    joined = replace(two.named("two"), account_set=ACCOUNT)
    two.do(two.registry.save_connection(joined, secret=None, replaces=two.named("two")))
    assert two.named("two").account == ACCOUNT
    assert two.taken_of("r3", ACCOUNT).run.id == "r3"


def test_the_host_that_an_account_is_named_by_may_be_parted_from_it(two: Accounts) -> None:
    """The others go on under one of their own hosts, with what is under way."""
    two.unite()
    two.open_run("r2", chunks=1, connection="c2", list_id="13")
    before = two.named("one")
    two.do(two.registry.save_connection(replace(before, account_set="apart"), secret=None, replaces=before))
    assert (two.named("one").account, two.named("two").account) == ("apart", OTHER)
    assert two.redis.smembers(key("accounts")) == {OTHER.encode()}
    assert two.taken_of("r2", OTHER).run.id == "r2"
    back = two.named("one")
    two.do(two.registry.save_connection(replace(back, account_set=""), secret=None, replaces=back, account=OTHER))
    assert (two.named("one").account, two.named("two").account) == (OTHER, OTHER)
    assert not two.named("one").account_set


def test_the_account_that_a_person_named_is_no_host(two: Accounts) -> None:
    """When it is taken back, the name is free for another account."""
    before = two.named("two")
    two.do(two.registry.save_connection(replace(before, account_set="acme"), secret=None, replaces=before))
    two.open_run("r2", chunks=1, connection="c2")
    back = two.named("two")
    two.do(two.registry.save_connection(replace(back, account_set=""), secret=None, replaces=back, account=OTHER))
    assert two.taken_of("r2", OTHER).run.id == "r2"
    before = two.named("one")
    two.do(two.registry.save_connection(replace(before, account_set="acme"), secret=None, replaces=before))
    assert (two.named("one").account, two.named("two").account) == ("acme", OTHER)


def test_a_connection_of_an_account_goes_without_the_others(two: Accounts) -> None:
    """The account keeps its name, what is known and what is under way, also where the host goes that it is named by."""
    two.unite()
    two.open_run("r2", chunks=1, connection="c2")
    two.do(two.registry.delete_connection("one"))
    assert two.named("two").account == ACCOUNT
    assert two.taken_of("r2", OTHER).run.id == "r2"
    assert float(two.redis.hget(key("account", ACCOUNT), "imports_per_minute") or 0) == 1_000_000


def test_the_trail_tells_which_connections_are_of_another_account(two: Accounts) -> None:
    """Each of them, by the system, with the account that it was of."""
    assert two.unite() == ("two",)
    assert two.unite() == ()

    async def newest() -> list[tuple[str, object]]:
        return [
            (one.name, dict(one.changes))
            async for one in Audit(two.store).entries(AuditFilter(what="connection.changed"))
        ]

    assert asyncio.run(newest()) == [("two", {"account": (OTHER, ACCOUNT)})]
