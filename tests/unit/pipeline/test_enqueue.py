"""The second reading goes on at any row, never runs too far ahead, and stops where the record says so."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contacts.mapper import Mapper, MappingSpec
from producer.people.suppression import SuppressionList, by_id, digest_of
from producer.pipeline import enqueue
from producer.pipeline.address_changes import AddressChange
from producer.pipeline.chunking import Chunk
from producer.pipeline.enqueue import HELD_BYTES, Room, chunks, send
from producer.pipeline.row_selection import Selection
from producer.pipeline.survey import KnownBefore, Survey, run_survey
from producer.runs.answers import Appended, LeaseAnswer
from producer.runs.store import RunStore
from producer.snapshots.errors import SnapshotChanged
from tests.unit.in_memory import InMemorySnapshot, Row
from tests.unit.records import NOW, a_run
from wire.activecampaign.requests import contacts_of, emails_of, former_of, import_body
from wire.chunk_queue.chunk import NewChunk
from wire.chunk_queue.membership_entry import FINGERPRINT_BYTES
from wire.chunk_queue.run import Run
from wire.store.results import StoreError

MAPPER = Mapper(MappingSpec(email="Email", first_name="Name"), 12, automations=False)
TOKEN = "a-token"
ONE_BY_ONE = Room(16)
"""Room so small that each chunk is a step of its own."""


def people(count: int, batch_rows: int = 100) -> InMemorySnapshot:
    """Every seventh row is invalid, every eleventh a duplicate of the row before."""
    rows = []
    for number in range(count):
        email = "bad" if number % 7 == 3 else f"p{number - (number % 11 == 5)}@example.org"
        rows.append({"Email": email, "Name": f"N{number}"})
    return InMemorySnapshot(list(rows), batch_rows)


def surveyed(snapshot: InMemorySnapshot) -> tuple[Survey, Selection]:
    found = run_survey(snapshot, MAPPER, KnownBefore(), automations=False, wanted=lambda: True)
    return found, Selection.from_bytes(found.selection)


def rows_of(packed: Sequence[Chunk]) -> list[int]:
    return [row for chunk in packed for row in chunk.rows]


# Chunks --------------------------------------------------------------------------------------------------------------


def test_the_second_reading_packs_exactly_what_the_survey_selected() -> None:
    """In order, and in as many requests as were foreseen."""
    snapshot = people(1100)
    found, selection = surveyed(snapshot)
    packed = list(chunks(snapshot, MAPPER, selection, 0))
    assert rows_of(packed) == [row + 1 for row in selection.chosen(0, 1100)]
    assert len(packed) == found.requests
    assert sum(len(import_body(chunk.contacts, automations=False)) for chunk in packed) == found.weight


@given(st.integers(1, 1100), st.integers(1, 400))
def test_after_any_chunk_the_rest_is_the_same_when_read_anew(count: int, batch_rows: int) -> None:
    """A reader that is killed leaves a row, and another one goes on behind it."""
    snapshot = people(count, batch_rows)
    _, selection = surveyed(snapshot)
    packed = list(chunks(snapshot, MAPPER, selection, 0))
    for at, chunk in enumerate(packed):
        assert list(chunks(snapshot, MAPPER, selection, chunk.last_row)) == packed[at + 1 :]


# Room ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ready", "held", "left"),
    [(0, 0, True), (99, HELD_BYTES - 1, True), (100, 0, False), (0, HELD_BYTES, False), (101, HELD_BYTES + 1, False)],
)
def test_room_ends_with_a_minute_of_ready_work_or_with_the_bytes_held(ready: int, held: int, left: bool) -> None:  # noqa: FBT001  drawn
    """Whichever comes first."""
    assert Room(100).left(ready, held) is left


# Sending -------------------------------------------------------------------------------------------------------------


@dataclass
class RecordingLedger:
    """What `send` asks of a ledger: it keeps what is appended, and answers as laid out, `ok` where nothing is.

    `steps` are where the record was to stand, and how many chunks were offered; `calls` are the chunks.
    """

    stored_selection: bytes
    answers: list[LeaseAnswer] = field(default_factory=list)
    appended: list[Appended] = field(default_factory=list)
    looks: Iterator[Run] = field(default_factory=lambda: iter(()))
    steps: list[tuple[tuple[int, int], int]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    ended: list[tuple[int, int]] = field(default_factory=list)

    async def selection(self, run: str) -> bytes:
        return self.stored_selection

    async def append(
        self, run: str, token: str, offers: Sequence[NewChunk], *, at: tuple[int, int], **said: Any
    ) -> Appended:
        assert token == TOKEN
        self.steps.append((at, len(offers)))
        self.calls += [asdict(one) | said for one in offers]
        if self.appended:
            return self.appended.pop(0)
        return Appended(self.answers.pop(0) if self.answers else "ok")

    async def look(self, runs: Sequence[str]) -> list[Run]:
        found = next(self.looks, None)
        return [] if found is None else [found]

    async def end_reading(self, run: str, token: str, *, at: tuple[int, int]) -> LeaseAnswer:
        self.ended.append(at)
        return "ok"


def sent(snapshot: InMemorySnapshot, run: Run, run_store: RecordingLedger, room: Room) -> list[str]:
    """Send a run; return the accounts whose bells were to be rung."""
    rung: list[str] = []

    async def appended(account: str) -> None:
        rung.append(account)

    asyncio.run(
        send(run, TOKEN, snapshot, MAPPER, run_store=cast("RunStore", run_store), room=room, appended=appended),
    )
    return rung


def begun(snapshot: InMemorySnapshot, **fields: Any) -> tuple[Run, RecordingLedger]:
    found, _ = surveyed(snapshot)
    run = a_run(begun=NOW, surveyed=NOW, pin=found.pin, read=found.read, selected=found.selected, **fields)
    return run, RecordingLedger(found.selection)


@pytest.mark.parametrize(
    ("room", "steps"),
    [(Room(31), [1, 1, 1]), (Room(32), [2, 1]), (Room(100), [3]), (Room(100, held_bytes=500_000), [2, 1])],
    ids=["little room", "more room", "room for all", "no more room in bytes"],
)
def test_each_step_says_where_the_record_must_stand(room: Room, steps: list[int]) -> None:
    """So a chunk can neither be appended twice nor skipped. Steps are small against the room, and the bell is rung for each."""
    snapshot = people(800)
    run, run_store = begun(snapshot)
    rung = sent(snapshot, run, run_store, room)
    cursors = [call["cursor"] for call in run_store.calls]
    stands = dict(enumerate([0, *cursors]))
    assert run_store.steps == [
        ((at, stands[at]), most) for at, most in zip(accumulate([0, *steps[:-1]]), steps, strict=True)
    ]
    assert run_store.ended == [(3, cursors[-1])]
    assert rung == ["acme.test"] * len(steps)
    for call in run_store.calls:
        assert call["rows"][-1] == call["cursor"]
        assert len(emails_of(call["contacts"])) == len(call["rows"]) == len(call["prints"]) // FINGERPRINT_BYTES


def test_no_bell_is_rung_while_one_is_on_its_way() -> None:
    """Whoever hears that one finds this chunk, too."""
    snapshot = people(800)
    run, run_store = begun(snapshot)
    run_store.appended = [Appended("ok", bells=bells) for bells in (0, 1, 0)]
    assert len(sent(snapshot, run, run_store, ONE_BY_ONE)) == 2


def test_a_run_goes_on_from_where_its_record_stands() -> None:
    """The snapshot is read from that row on, not from the first."""
    snapshot = people(800)
    run, run_store = begun(snapshot)
    sent(snapshot, run, run_store, Room(100))
    first = run_store.calls[0]
    again, second = begun(snapshot, sequence=1, cursor=first["cursor"])
    snapshot.reads.clear()
    sent(snapshot, again, second, Room(100))
    assert second.calls == run_store.calls[1:]
    assert snapshot.reads == [first["cursor"]]


def test_a_snapshot_that_is_not_what_was_surveyed_sends_nothing() -> None:
    """Its selection would be of other rows."""
    snapshot = people(300)
    run, run_store = begun(snapshot)
    snapshot.rows[299] = {"Email": "new@example.org", "Name": "New"}
    with pytest.raises(SnapshotChanged):
        sent(snapshot, run, run_store, Room(100))
    assert run_store.calls == []


def test_a_bell_that_cannot_be_rung_stops_the_reading_and_ends_nothing() -> None:
    """Though it is rung while the next chunk is packed: the store is away, and the record says where to go on."""
    snapshot = people(800)
    run, run_store = begun(snapshot)

    async def away(account: str) -> None:
        raise StoreError(account)

    with pytest.raises(StoreError):
        asyncio.run(
            send(run, TOKEN, snapshot, MAPPER, run_store=cast("RunStore", run_store), room=Room(100), appended=away)
        )
    assert run_store.ended == []


@pytest.mark.parametrize("answer", ["lost", "over"])
def test_a_reader_that_is_told_no_stops_and_ends_nothing(answer: LeaseAnswer) -> None:
    """Somebody else reads, or the run has ended."""
    snapshot = people(800)
    run, run_store = begun(snapshot)
    run_store.answers = ["ok", answer]
    rung = sent(snapshot, run, run_store, ONE_BY_ONE)
    assert (len(run_store.calls), run_store.ended, len(rung)) == (2, [], 1)


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue, "LOOK_AGAIN_SECONDS", 0)


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize(
    ("full", "still_full", "free"),
    [
        (Appended("ok", 10, 2), {"held": 10, "ready_chunks": 2}, {"held": 10, "ready_chunks": 1}),
        (Appended("ok", 900, 1), {"held": 900, "accepted_chunks": 1}, {"held": 899, "accepted_chunks": 1}),
    ],
    ids=["ready work", "bytes held by accepted chunks"],
)
def test_a_full_look_ahead_waits_until_there_is_room(
    full: Appended, still_full: dict[str, Any], free: dict[str, Any]
) -> None:
    """It looks as often as it must, and appends nothing meanwhile."""
    snapshot = people(800)
    run, run_store = begun(snapshot)
    run_store.appended = [full]
    appended_at_look = []

    def looks() -> Iterator[Run]:
        for fields in (still_full, still_full, free):
            appended_at_look.append(len(run_store.calls))
            yield a_run(begun=NOW, surveyed=NOW, **fields)

    run_store.looks = looks()
    sent(snapshot, run, run_store, Room(2, held_bytes=900))
    assert appended_at_look == [1, 1, 1]
    assert len(run_store.calls) == 3
    assert len(run_store.ended) == 1


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize(
    "found",
    [[], [a_run(ending="cancelled", ready_chunks=9), a_run()], [a_run(finished=NOW, ready_chunks=9), a_run()]],
    ids=["gone", "ending", "over"],
)
def test_a_reader_that_waits_for_room_stops_when_its_run_ends(found: list[Run]) -> None:
    """Or it would wait for ever, or append to a run that is over when its chunks are gone."""
    snapshot = people(800)
    run, run_store = begun(snapshot)
    run_store.appended = [Appended("ok", 0, 9)]
    run_store.looks = iter(found)
    sent(snapshot, run, run_store, Room(2))
    assert (len(run_store.calls), run_store.ended) == (1, [])


def test_whoever_is_forgotten_while_a_run_is_sent_is_passed_over() -> None:
    """The record says that the reader does not know of somebody; then it looks again, and offers the rest."""
    snapshot = people(20)
    run, run_store = begun(snapshot)
    run_store.appended = [Appended("forgotten")]
    known = [SuppressionList(), SuppressionList(b"key", frozenset({digest_of("p1@example.org", b"key")}))]

    async def appended(_: str) -> None:
        return None

    async def forgotten() -> SuppressionList:
        return known.pop(0)

    asyncio.run(
        send(
            run,
            TOKEN,
            snapshot,
            MAPPER,
            run_store=cast("RunStore", run_store),
            room=Room(1000),
            appended=appended,
            forgotten=forgotten,
        )
    )
    offered, rest = run_store.calls
    assert [(said["forgotten"], said["passed"], said["cursor"]) for said in (offered, rest)] == [
        (0, 0, offered["cursor"]),
        (1, 1, offered["cursor"]),
    ]
    assert set(emails_of(offered["contacts"])) - set(emails_of(rest["contacts"])) == {"p1@example.org"}
    assert len(rest["rows"]) * FINGERPRINT_BYTES == len(rest["prints"]) == len(offered["prints"]) - FINGERPRINT_BYTES


# Those whose address has changed -------------------------------------------------------------------------------------

IDENTIFIED = Mapper(MappingSpec(email="Email", id="Id"), 12, automations=False, person_key=b"key")


def with_movers(count: int) -> tuple[InMemorySnapshot, dict[int, AddressChange], dict[str, Any]]:
    """A snapshot in which the address of every third has changed, and what a survey says of it."""
    rows: list[Row] = [{"Email": f"p{number}@example.org", "Id": f"{number}"} for number in range(1, count + 1)]
    snapshot = InMemorySnapshot(rows)
    (persons,) = [IDENTIFIED.persons(batch) for batch in InMemorySnapshot(rows, count).read(IDENTIFIED.columns)]
    movers = {
        row: AddressChange(row, persons[row - 1], "update", former=f"old{row}@x.org") for row in range(3, count + 1, 3)
    }
    selection = Selection()
    selection.append([row not in movers for row in range(1, count + 1)])
    pin = snapshot.pin().text
    fields = {"begun": NOW, "surveyed": NOW, "pin": pin, "selected": count, "moving": len(movers)}
    return snapshot, movers, {"fields": fields, "ledger": lambda: RecordingLedger(selection.to_bytes())}


def moved_out(
    snapshot: InMemorySnapshot,
    movers: dict[int, AddressChange],
    run: Run,
    run_store: RecordingLedger,
    gone: SuppressionList,
) -> list[tuple[str, tuple[int, ...], int]]:
    """Send a run; return of what kind each chunk was, its rows, and how many were passed over."""

    async def appended(_: str) -> None:
        return None

    async def forgotten() -> SuppressionList:
        return gone

    asyncio.run(
        send(
            run,
            TOKEN,
            snapshot,
            IDENTIFIED,
            run_store=cast("RunStore", run_store),
            room=Room(1000),
            appended=appended,
            movers=movers,
            forgotten=forgotten,
        )
    )
    return [(call["kind"], tuple(call["rows"]), call["passed"]) for call in run_store.calls]


def test_those_whose_address_has_changed_come_behind_all_others_in_small_chunks() -> None:
    """And whoever reads on after any chunk sends the same ones."""
    snapshot, movers, made = with_movers(75)
    run_store = made["ledger"]()
    sent_ = moved_out(snapshot, movers, a_run(**made["fields"]), run_store, SuppressionList())
    assert [(kind, len(rows)) for kind, rows, _ in sent_] == [("", 50), ("moving", 10), ("moving", 10), ("moving", 5)]
    assert sorted(row for _, rows, _ in sent_ for row in rows) == list(range(1, 76))
    former = former_of(contacts_of(run_store.calls[1]["contacts"])[0])
    assert former == ("old3@x.org", "update")
    assert {len(call["prints"]) // len(call["rows"]) for call in run_store.calls} == {16}
    packed = 0
    for at, call in enumerate(run_store.calls, 1):
        packed += len(call["rows"])
        run = a_run(**made["fields"], sequence=at, cursor=call["cursor"], packed=packed)
        assert moved_out(snapshot, movers, run, made["ledger"](), SuppressionList()) == sent_[at:]


def test_whoever_is_forgotten_by_their_id_or_known_no_more_is_passed_over() -> None:
    """Whether their address has changed or not; the record goes on behind them."""
    snapshot, movers, made = with_movers(9)
    (persons,) = [IDENTIFIED.persons(batch) for batch in InMemorySnapshot(snapshot.rows, 9).read(IDENTIFIED.columns)]
    gone = SuppressionList(b"key", frozenset({by_id(persons[0]), by_id(persons[2])}))
    movers[6] = replace(movers[6], former="")
    sent_ = moved_out(snapshot, movers, a_run(**made["fields"]), made["ledger"](), gone)
    assert sent_ == [("", (2, 4, 5, 7, 8), 1), ("moving", (9,), 2)]
    nobody_else = moved_out(snapshot, movers, a_run(**made["fields"]), made["ledger"](), SuppressionList())
    assert nobody_else == [("", (1, 2, 4, 5, 7, 8), 0), ("moving", (3, 9), 1)]
