"""Histories of refreshes of one segment, good and damaged, and what an export that unsubscribes leavers makes of them.

The scripts and the readings of the producer are the real ones; a worker is played in a few lines. What must hold is judged here by
what the snapshots had, and by nothing that the product says of itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, Literal, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from producer.app import SCRIPT_ROOMS
from producer.intake.new_run import Order, Retention, row
from producer.people.absence import HANDFUL
from producer.people.membership import Membership
from producer.pipeline.forecast import Allowance
from producer.pipeline.known_people import KnownPeopleReader
from producer.pipeline.leaver_guard import FEWEST
from producer.pipeline.runner import Runner
from producer.runs.store import RunStore
from tests.integration.serving import MAPPING, connection, export
from tests.integration.walking import CLOCK, CLOCK_KEY, START, Immediate
from wire.activecampaign.requests import emails_of
from wire.chunk_queue.chunk import ChunkOutcome, fingerprint_at
from wire.chunk_queue.chunk_store import ChunkStore
from wire.chunk_queue.membership_entry import (
    FINGERPRINT_BYTES,
    MembershipEntries,
    MembershipEntry,
    MemberState,
    address_of,
)
from wire.chunk_queue.run import Run, Trigger
from wire.store import codec
from wire.store.redis import Store, load_scripts
from wire.store.results import Unreachable

PEOPLE: Final = tuple(range(14))
OTHERS: Final = tuple(range(50, 60))
ACCOUNT: Final = "acme.api-us1.com"

Kind = Literal[
    "clean", "truncated", "stale", "copied", "swapped", "duplicated", "mistyped", "half_mistyped", "reordered", "again"
]
Mishap = Literal["", "killed_before", "killed_after", "dry", "cancelled", "retried"]
Hand = Literal["accept", "resume", "cancel"]


@dataclass(frozen=True)
class Step:
    """What happens before the next refresh, how its snapshot comes out, what goes wrong, and what a person does if asked."""

    leave: frozenset[int] = frozenset()
    back: frozenset[int] = frozenset()
    kind: Kind = "clean"
    mishap: Mishap = ""
    hand: Hand = "cancel"
    dice: int = 0


@dataclass(frozen=True)
class File:
    """A snapshot: the people of its rows, and those whose address cannot be read."""

    path: Path
    rows: tuple[int, ...]
    mistyped: frozenset[int] = frozenset()

    def has(self, person: int, *, by_id: bool) -> bool:
        """Whether somebody can be told from the snapshot to be in it."""
        return person in self.rows and (by_id or person not in self.mistyped)


class Interrupted(RunStore):
    """A ledger whose store fails once, before or after a survey is written."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.fails: Mishap = ""

    async def surveyed(self, *said: Any, **fields: Any) -> Any:
        """Fail as asked, or write."""
        fails, self.fails = self.fails, ""
        if fails == "killed_before":
            raise Unreachable("killed")
        told = await super().surveyed(*said, **fields)
        if fails == "killed_after":
            raise Unreachable("killed")
        return told


@dataclass
class World:
    """A list, the segment as it truly is, and every snapshot that was surveyed."""

    redis: Redis
    folder: Path
    scripts: Mapping[str, str] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    by_id: bool = False
    segment: set[int] = field(default_factory=lambda: set(PEOPLE))
    subscribed: set[int] = field(default_factory=set)
    unsubscribed: set[int] = field(default_factory=set)
    files: list[File] = field(default_factory=list)
    surveyed: list[File] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.redis.flushall()
        self.now = START
        self.redis.set(CLOCK_KEY, self.now)
        self.store = Store(
            cast("AsyncRedis", Immediate(self.redis)), clock=CLOCK, scripts=self.scripts or load_scripts(*SCRIPT_ROOMS)
        )
        self.run_store = Interrupted(self.store)
        self.chunk_store = ChunkStore(self.store)
        self.membership = Membership(self.store)
        self.reading = Runner(
            self.run_store,
            KnownPeopleReader(self.membership, self.run_store),
            roots=(self.folder,),
            allowance=self._allowance,
            contract=self._nothing,
            appended=self._nothing,
            surveyed=lambda *_: None,
        )

    async def live(self, steps: Sequence[Step]) -> None:
        """Begin with a clean refresh, go through the steps, and end with two clean ones: then the list is as the segment is."""
        await self.refresh(Step())
        for step in steps:
            await self.refresh(step)
        for _ in range(2):
            await self.refresh(Step(hand="accept"))
        assert self.subscribed == (self.segment or {OTHERS[0]}) - self.unsubscribed, (
            "whoever left is gone, and whoever is there is on the list"
        )

    async def refresh(self, step: Step) -> None:
        """Change the segment, write the snapshot and run."""
        self.segment = (self.segment - step.leave) | step.back
        file = self._file(step)
        order = Order(str(file.path), Trigger.DEMAND, dry_run=step.mishap == "dry")
        run = await self._open(order)
        if step.mishap in {"killed_before", "killed_after"}:
            self.run_store.fails = step.mishap
        await self._read(run, file, is_counted=step.mishap != "dry")
        if step.mishap == "cancelled":
            await self.run_store.steer(run, "cancel")
        await self._finish(run, file, step.hand)
        if step.mishap == "retried":
            again = await self._open(Order(str(file.path), Trigger.DEMAND, retry_of=run))
            await self._read(again, file, is_counted=False)
            await self._finish(again, file, step.hand)

    async def _open(self, order: Order) -> str:
        self.count += 1
        mapping = {**MAPPING, "first_name": "Name"} | ({"id": "Id"} if self.by_id else {})
        made = export(leavers="unsubscribe", mapping=mapping, **self.options)
        fields = row(f"run-{self.count}", made, connection(), order, Retention())
        assert await self.store.run("demand", "", "", 1000, "0", codec.text(fields))
        return f"run-{self.count}"

    async def _read(self, run: str, file: File, *, is_counted: bool) -> None:
        self.now += 60_000
        self.redis.set(CLOCK_KEY, self.now)
        await self.reading.run_all()
        await asyncio.gather(*self.reading._tasks)
        if is_counted and (await self._look(run)).surveyed is not None:
            self.surveyed.append(file)

    async def _finish(self, run: str, file: File, hand: Hand) -> None:
        accepted = False
        found = await self._look(run)
        if not found.over and found.block is not None:
            match hand:
                case "cancel":
                    await self.run_store.steer(run, "cancel")
                case "accept":
                    accepted = True
                    await self.run_store.steer(run, "resume", accept=True)
                case "resume":
                    await self.run_store.steer(run, "resume")
        gone = await self._work(found)
        self._judge(gone, file, accepted=accepted)
        found = await self._look(run)
        if not found.over and found.block is not None:  # a person who only says resume is not heard
            assert not accepted
            await self.run_store.steer(run, "cancel")
            found = await self._look(run)
        assert found.over, found
        assert found.unbalanced == 0

    async def _work(self, run: Run) -> set[int]:
        gone: set[int] = set()
        while held := await self.chunk_store.take(ACCOUNT, "bell", f"token-{run.id}-{len(gone)}-{self.now}"):
            self.now += 1
            self.redis.set(CLOCK_KEY, self.now)
            emails = emails_of(held.contacts)
            people = {_number(email) for email in emails}
            if held.leaving:
                gone |= people
                self.subscribed -= people
                self.unsubscribed |= people
            else:
                assert not people & self.unsubscribed
                self.subscribed |= people
            standing = MemberState.OUT if held.leaving else MemberState.MEMBER
            prints = [fingerprint_at(held.prints, at, of=len(emails)) for at in range(len(emails))]
            entries = MembershipEntries.of(
                (
                    address_of(email),
                    MembershipEntry(
                        standing, print_[:FINGERPRINT_BYTES], held.run.number, 0, person=print_[FINGERPRINT_BYTES:]
                    ),
                )
                for email, print_ in zip(emails, prints, strict=True)
            )
            outcome = ChunkOutcome(to="over", count=0, books={"applied": held.count}, entries=entries)
            assert await self.chunk_store.settle(held, outcome)
        return gone

    def _judge(self, gone: set[int], file: File, *, accepted: bool) -> None:
        """Whoever was unsubscribed was absent from two snapshots in a row that agree, or a person accepted it."""
        for person in gone:
            assert not file.has(person, by_id=self.by_id), f"{person} stands in the snapshot"
        if accepted:
            return
        assert self.options.get("leavers_confirm") != "by_hand" or not gone, "nobody accepted it"
        assert len(gone) < FEWEST, "nobody accepted so many"
        before = next((one for one in reversed(self.surveyed) if one.path != file.path), None)
        for person in gone:
            assert before is not None
            assert not before.has(person, by_id=self.by_id), f"{person} was absent from one snapshot only"
            assert self._opinions(person) > 1, f"{person} was absent from one new snapshot only"
            assert not self._hides(person), f"{person} stands in an unreadable row"
        if not self.by_id:
            last = self.surveyed[-2] if len(self.surveyed) > 1 else file
            assert not gone or len(file.mistyped) <= len(last.mistyped) + HANDFUL, "too many rows are unreadable"

    def _opinions(self, person: int) -> int:
        """Count the new snapshots that lack somebody since they were seen, and can be read as well as the one before."""
        count = 0
        for at in reversed(range(len(self.surveyed))):
            file = self.surveyed[at]
            if file.has(person, by_id=self.by_id):
                break
            is_new = file.path not in {one.path for one in self.surveyed[:at]}
            worse = at and not self.by_id and len(file.mistyped) > len(self.surveyed[at - 1].mistyped) + HANDFUL
            count += bool(is_new and not worse)
        return count

    def _hides(self, person: int) -> bool:
        """Whether somebody has a row that cannot be read, of which there have been too many ever since."""
        at = len(self.surveyed)
        while at and person in self.surveyed[at - 1].mistyped:
            at -= 1
        if self.by_id or not at or at == len(self.surveyed):
            return False
        tolerated = len(self.surveyed[at - 1].mistyped) + HANDFUL
        return all(len(one.mistyped) > tolerated for one in self.surveyed[at:])

    def _file(self, step: Step) -> File:
        dice = Random(step.dice)
        people = sorted(self.segment)
        match step.kind:
            case "stale" if self.files:
                return dice.choice(self.files)
            case "again" if self.files:
                return self.files[-1]
            case "copied" if self.files:
                old = dice.choice(self.files)
                return self._write(old.rows, old.mistyped)
            case "truncated":
                return self._write(people[: dice.randrange(1, 1 + max(1, len(people) // 2))] or [OTHERS[0]])
            case "swapped":
                return self._write(OTHERS)
            case "duplicated":
                return self._write([*people, *people] or [OTHERS[0]])
            case "mistyped":
                return self._write(people or [OTHERS[0]], frozenset(dice.sample(people, min(2, len(people)))))
            case "half_mistyped":
                return self._write(people or [OTHERS[0]], frozenset(dice.sample(people, (len(people) + 1) // 2)))
            case "reordered":
                return self._write(dice.sample(people, len(people)) or [OTHERS[0]])
            case _:
                return self._write(people or [OTHERS[0]])

    def _write(self, rows: Sequence[int], mistyped: frozenset[int] = frozenset()) -> File:
        path = self.folder / f"{len(self.files)}.csv"
        lines = [
            f"{f'P {n} <{_address(n)}>' if n in mistyped else _address(n)},N{n},{n if self.by_id else ''}" for n in rows
        ]
        path.write_text("\n".join(["Email,Name,Id", *lines]) + "\n")
        self.files.append(File(path, tuple(rows), mistyped))
        return self.files[-1]

    async def _look(self, run: str) -> Run:
        (found,) = await self.run_store.look([run])
        return found

    async def _allowance(self, _: Run) -> Allowance:
        return Allowance(100)

    async def _nothing(self, _: object) -> None:
        return None


def _address(person: int) -> str:
    return f"p{person}@example.org"


def _number(email: str) -> int:
    return int(email.partition("@")[0].removeprefix("p"))
