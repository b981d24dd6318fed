"""Refreshes, opt-outs, faults, kills and cancels in any order, against a plain model of what is known and what the list holds.

Everything is real but time: the producer's readings, the record, a worker's desk, and an ActiveCampaign over HTTP.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from redis import Redis

from deploy.local.valkey import Valkey
from producer.intake.new_run import Order, Retention, row
from producer.people.membership import Membership
from producer.pipeline import enqueue
from producer.pipeline.forecast import Allowance
from producer.pipeline.known_people import KnownPeopleReader
from producer.pipeline.runner import Runner
from tests.integration.serving import MAPPING, export
from tests.integration.walking import START
from tests.integration.workplace import Workplace, workplace
from tests.sandbox.account import Details
from tests.sandbox.app import WORLD, create_app
from tests.sandbox.settings import Settings
from tests.sandbox.switches import Switches, changed
from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk
from wire.chunk_queue.chunk_store import LEASE_MS, ChunkStore
from wire.chunk_queue.membership_entry import MemberState
from wire.chunk_queue.run import Mode, Run, Trigger
from wire.store import codec
from wire.store.keys import key
from wire.store.results import Unreachable
from worker import store_retry

PEOPLE: Final = tuple(f"p{number}@example.org" for number in range(8))
NAMES: Final = ("Ann", "Bea", "Cid")
LIST: Final = 12
ANOTHER_HOST: Final = "acme.activehosted.test"
"""Every second run goes over this host of the same account: what is known stays where it is."""

UNLIMITED: Final = changed(
    Switches(), dict.fromkeys(("imports_per_minute", "single_imports_per_minute", "requests_per_second"), "none")
)
FAULTS: Final = ("502:x1@import", "reset_after:x1@import", "reset_before:x1", "cut:x1@import", "504:x1@info", "503:x1")
LOSSES: Final = ("failed:x1", "interrupted:x1", "unknown:x1", "false:x1")

Segment = dict[str, str]
"""Who is in it, and their name."""


class Killed(ChunkStore):
    """The ledger of a worker that is killed before it writes its next outcomes down."""

    def __init__(self, place: Workplace) -> None:
        super().__init__(place.store)
        self.outcomes = 0

    async def settle_and_take(
        self, held: LeasedChunk, outcome: ChunkOutcome, token: str | None, lease_ms: int = LEASE_MS
    ) -> tuple[bool, LeasedChunk | None]:
        """Be killed, or settle."""
        if self.outcomes:
            raise Unreachable("killed")
        return await super().settle_and_take(held, outcome, token, lease_ms)


class Exports:
    """The producer's and the worker's parts over one store, and an account."""

    def __init__(self, place: Workplace, app: Any, folder: Path) -> None:
        self.place = place
        self.world = app[WORLD]
        self.folder = folder
        self.killed = Killed(place)
        place.chunk_worker = place.another_desk(self.killed)
        self.membership = Membership(place.store)
        place.redis.hset(key("account_names"), ANOTHER_HOST, place.host)
        self.runs = 0
        self.reading = Runner(
            place.run_store,
            KnownPeopleReader(self.membership, place.run_store),
            roots=(folder,),
            allowance=self._allowance,
            contract=self._nothing,
            appended=self._nothing,
            surveyed=lambda *_: None,
        )

    async def open(self, segment: Segment, mode: Mode, *, include_refused: bool) -> str:
        """Write a snapshot, and open a run over it."""
        self.runs += 1
        snapshot = self.folder / f"{self.runs}.csv"
        lines = [f"{address},{name}" for address, name in segment.items()]
        snapshot.write_text("\n".join(["Email,Name", *(lines or ["nobody,"])]) + "\n")
        order = Order(str(snapshot), Trigger.DEMAND, mode, include_refused=include_refused)
        made = export(connection=self.place.connection.id, mapping={**MAPPING, "first_name": "Name"})
        fields = row(f"run-{self.runs}", made, self.place.connection, order, Retention())
        fields["account"] = (self.place.host, ANOTHER_HOST)[self.runs % 2]
        revision = await self.place.registry.revision()
        await self.place.store.run("demand", "", "", 1000, revision, codec.text(fields))
        return fields["id"]

    async def finish(self, run: str, *, cancel_after: int | None) -> Run:
        """Read and work until the run is over, with a cancel on the way."""
        for step in range(4_000):
            if step == cancel_after:
                await self.place.run_store.steer(run, "cancel")
            await self.reading.run_all()
            await asyncio.gather(*self.reading._tasks)
            await self.place.step()
            found = await self.place.run(run)
            if found.over:
                assert found.books.close(over=True), found.books
                return found
            if step > 3:
                self.killed.outcomes = 0
                self.place.pass_time(5_000)
        raise AssertionError(f"never over: {await self.place.run(run)}")

    async def known(self, run: Run) -> dict[str, tuple[MemberState, bytes]]:
        """What is known of everybody when a run is over."""
        found = {}
        for address in PEOPLE:
            entry = await self.membership.entry(run, address)
            if entry is not None:
                found[address] = (entry.standing, entry.fingerprint)
        return found

    async def _allowance(self, _: Run) -> Allowance:
        return Allowance(100)

    async def _nothing(self, _: object) -> None:
        return None


class Model(RuleBasedStateMachine):
    """`applied` and `refused` are the names by which people were; `unsure` are those of a run that was cut short."""

    port: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.opened = AsyncExitStack()
        self.applied: Segment = {}
        self.refused: Segment = {}
        self.unsure: set[str] = set()
        self.out: set[str] = set()
        self.segment: Segment = dict.fromkeys(PEOPLE[:4], "Ann")
        self.exports = self.do(self.open())

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(step)

    async def open(self) -> Exports:
        redis = self.opened.enter_context(Redis(port=self.port))
        folder = Path(self.opened.enter_context(TemporaryDirectory()))
        times: list[Callable[[], float]] = []
        app = create_app(Settings(switches=UNLIMITED), lambda: times[0]() if times else START / 1000)
        place = await self.opened.enter_async_context(workplace(redis, app))
        times.append(lambda: place.now / 1000)
        return Exports(place, app, folder)

    @rule(
        changes=st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(NAMES)),
        gone=st.sets(st.sampled_from(PEOPLE)),
    )
    def the_segment_changes(self, changes: Segment, gone: set[str]) -> None:
        self.segment = {address: name for address, name in (self.segment | changes).items() if address not in gone}

    @rule(people=st.sets(st.sampled_from(PEOPLE), max_size=2))
    def people_opt_out(self, people: set[str]) -> None:
        account = self.exports.world.account
        for address in people:
            account.unsubscribe(account.find(address) or account.upsert(Details(address)), LIST)
        self.out |= people

    @rule(fault=st.sampled_from(FAULTS), loss=st.none() | st.sampled_from(LOSSES))
    def something_is_going_to_fail(self, fault: str, loss: str | None) -> None:
        self.exports.world.flip({"faults": [fault], "batch_faults": [loss] if loss else []})

    @rule()
    def the_worker_is_going_to_be_killed(self) -> None:
        self.exports.killed.outcomes = 1

    @rule(mode=st.sampled_from(Mode), include_refused=st.booleans())
    def a_run_comes_to_its_end(self, mode: Mode, include_refused: bool) -> None:  # noqa: FBT001  drawn
        sent = {
            address
            for address, name in self.segment.items()
            if address in self.unsure
            or not (
                (self.applied.get(address) == name and mode is Mode.CHANGES)
                or (self.refused.get(address) == name and not include_refused)
            )
        }
        run = self.run(mode, include_refused=include_refused)
        assert run.books.selected == len(sent), (run.books, sent)
        assert run.books.applied == len(sent - self.out)
        assert run.books.refused == len(sent & self.out)
        assert run.kept == len((self.applied.keys() | self.unsure) - self.segment.keys())
        for address in sent:
            self.unsure.discard(address)
            for book in (self.applied, self.refused):
                book.pop(address, None)
            (self.refused if address in self.out else self.applied)[address] = self.segment[address]
        self.check(run)

    @rule(after=st.integers(0, 2))
    def a_run_is_cancelled(self, after: int) -> None:
        run = self.run(Mode.CHANGES, cancel_after=after)
        # What is known now is what the next run will believe, if it is true.
        self.believe(run)

    def run(self, mode: Mode, *, include_refused: bool = False, cancel_after: int | None = None) -> Run:
        opened = self.do(self.exports.open(self.segment, mode, include_refused=include_refused))
        found: Run = self.do(self.exports.finish(opened, cancel_after=cancel_after))
        return found

    def believe(self, run: Run) -> None:
        """After a cancel: whoever ActiveCampaign has is known, and nobody is believed who was not applied."""
        before = {**self.applied}
        known = self.do(self.exports.known(run))
        left = self.do(self.left(run))
        contacts = {
            one.email: one.first_name for one in self.exports.world.account.contacts.values() if one.times_imported
        }
        for address in PEOPLE:
            standing = MemberState.MAYBE if address in left else known.get(address, (None, b""))[0]
            told = address in self.segment and contacts.get(address) == self.segment[address]
            if told and before.get(address) != self.segment[address] and address not in self.out:
                assert standing is not None, f"{address} was sent and is forgotten"
            self.unsure.discard(address)
            if standing is MemberState.MAYBE:
                self.unsure.add(address)
                self.applied.pop(address, None)
                self.refused.pop(address, None)
            elif standing is MemberState.MEMBER and before.get(address) != self.segment.get(address) and told:
                self.applied[address] = self.segment[address]
                self.refused.pop(address, None)
            elif standing is MemberState.REFUSED and address in self.out and address in self.segment:
                self.refused.setdefault(address, self.segment[address])
                self.applied.pop(address, None)

    async def left(self, run: Run) -> set[str]:
        pages = await self.exports.place.store.page(key("left", run.id), 0, -1)
        return set(_addresses(page[1:] for page in pages if page.startswith(b"?")))

    def check(self, run: Run) -> None:
        """What must be so whenever a run has come to its own end."""
        known = self.do(self.exports.known(run))
        members = {address for address, (standing, _) in known.items() if standing is MemberState.MEMBER}
        assert members == self.applied.keys()
        assert {
            address for address, (standing, _) in known.items() if standing is MemberState.REFUSED
        } == self.refused.keys()
        account = self.exports.world.account
        assert account.resubscribed == []
        for address, name in self.applied.items():
            contact = account.find(address)
            assert contact is not None
            assert contact.first_name == name, "believed to be applied, and is not"

    def teardown(self) -> None:
        self.do(self.opened.aclose())
        self.loop.close()


def _addresses(pages: Iterable[bytes]) -> Iterable[str]:
    for page in pages:
        for contact in codec.decode(codec.unsqueeze(page))["contacts"]:
            yield contact["email"].lower()


@pytest.mark.timeout(300)
def test_the_list_and_what_is_known_of_it_are_as_the_model_says(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over any refreshes, opt-outs, faults, kills and cancels."""
    monkeypatch.setattr(enqueue, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(store_retry, "PATIENCE_SECONDS", 0)
    run_state_machine_as_test(
        type("ModelOnThisServer", (Model,), {"port": valkey.port}),
        settings=settings(
            max_examples=100,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
