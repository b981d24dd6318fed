"""A survey tells every row apart, counts and weighs them; over a snapshot in memory and over real files alike."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contacts.mapped_rows import MappedRows
from producer.contacts.mapper import Mapper, MappingSpec
from producer.pipeline.chunking import pack
from producer.pipeline.comparison import Known, page_of
from producer.pipeline.row_selection import Selection
from producer.pipeline.survey import Abandoned, KnownBefore, Survey, run_survey
from producer.snapshots import Snapshot
from producer.snapshots.errors import MissingColumn, SnapshotChanged
from tests.unit.in_memory import InMemorySnapshot, Row
from tests.unit.snapshot_kinds import KINDS, MakeSnapshot, maker
from wire.activecampaign.requests import import_body
from wire.chunk_queue.membership_entry import MembershipEntry, MemberState
from wire.chunk_queue.rejects import PAGE_LINES, RejectCode
from wire.chunk_queue.run import Mode
from wire.store import codec

SPEC = MappingSpec(email="Email", first_name="Name", phone="Phone", default_region="GB")
MAPPER = Mapper(SPEC, 12, automations=False)


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeSnapshot:
    """Make snapshots of every kind, in memory first."""
    return maker(request.param, tmp_path)


def row(email: str | None, name: str | None = "Ann", phone: str | None = None) -> Row:
    return {"Email": email, "Name": name, "Phone": phone}


def surveyed(snapshot: Snapshot, *, automations: bool = False) -> Survey:
    return run_survey(snapshot, MAPPER, KnownBefore(), automations=automations, wanted=lambda: True)


def chosen(found: Survey) -> list[int]:
    """The rows that are selected, from 0."""
    selection = Selection.from_bytes(found.selection)
    return selection.chosen(0, len(selection))


def lines(pages: Sequence[bytes]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for page in pages for line in codec.unsqueeze(page).splitlines()]


# One body over every kind of snapshot --------------------------------------------------------------------------------


def test_a_snapshot_keeps_what_the_survey_relies_on(make: MakeSnapshot) -> None:
    """The double and the real ones: columns, order, going on at a row, pins, and what is missing."""
    rows = [row(f"p{number}@example.org", f"N{number}") for number in range(8)]
    snapshot = make(rows)
    assert snapshot.columns() == ["Email", "Name", "Phone"]
    for from_row in (0, 1, 7, 8):
        read = [one for batch in snapshot.read(["Name", "Email"], from_row) for one in batch.to_pylist()]
        assert read == [{"Name": one["Name"], "Email": one["Email"]} for one in rows[from_row:]]
    pin = snapshot.pin()
    snapshot.verify(pin)
    with pytest.raises(MissingColumn, match="Nowhere"):
        list(snapshot.read(["Email", "Nowhere"]))
    other = make([*rows, row("late@example.org")])
    with pytest.raises(SnapshotChanged):
        other.verify(pin)


def test_every_row_is_counted_once(make: MakeSnapshot) -> None:
    """Invalid, duplicate or selected; the first of equal addresses wins."""
    found = surveyed(
        make(
            [
                row("ann@example.org"),
                row("not an address"),
                row(" Ann@Example.ORG ", "Anna"),
                row("bob@example.org", phone="020 7946 0000"),
                row(None),
                row(None),
                row("cid@example.org", phone="call me"),
                row("bob@example.org"),
            ]
        )
    )
    assert found.figures() == {
        "read": 8, "invalid": 3, "duplicate": 2, "unchanged": 0, "held_back": 0, "selected": 3, "phones_left_out": 1,
    }  # fmt: skip
    assert (found.adds, found.changes, found.again) == (3, 0, 0)
    assert found.reasons == {"email_invalid": 1, "email_missing": 2}
    assert chosen(found) == [0, 3, 6]
    assert [(line["row"], line["fate"], line["code"]) for line in lines(found.rejects)] == [
        (2, "invalid", "email_invalid"),
        (5, "invalid", "email_missing"),
        (6, "invalid", "email_missing"),
    ]
    assert lines(found.rejects)[0]["email"] == "not an address"


def test_a_survey_weighs_the_requests_that_sending_will_make(make: MakeSnapshot) -> None:
    """To the byte: forecast and sending pack alike."""
    rows = [row(f"p{number}@example.org", "Zoë" * (number % 7)) for number in range(600)]
    for automations in (False, True):
        found = surveyed(make(rows), automations=automations)
        contacts = [
            one
            for batch in InMemorySnapshot(rows, 600).read(MAPPER.columns)
            for one in MAPPER.contacts(batch, range(600), before=0)
            if isinstance(one, MappedRows)
        ]
        bodies = [import_body(chunk.contacts, automations=automations) for chunk in pack(contacts)]
        assert (found.requests, found.weight) == (3, sum(map(len, bodies)))


def test_a_snapshot_without_a_valid_row_selects_nothing(make: MakeSnapshot) -> None:
    """And asks for no request."""
    found = surveyed(make([row("nobody"), row(None)]))
    assert (found.selected, found.requests, found.weight, chosen(found)) == (0, 0, 0, [])


def test_a_column_that_is_not_there_ends_the_survey(make: MakeSnapshot) -> None:
    """With its name, before anything reaches the record."""
    with pytest.raises(MissingColumn, match="Phone"):
        surveyed(make([{"Email": "ann@example.org", "Name": "Ann"}]))


def test_the_pin_is_the_one_that_sending_compares(make: MakeSnapshot) -> None:
    """Both readings see the same snapshot, or the second one says so."""
    snapshot = make([row("ann@example.org")])
    assert surveyed(snapshot).pin == snapshot.pin().text


# In memory only ------------------------------------------------------------------------------------------------------

_EMAILS = st.sampled_from(["a@x.org", "A@X.org ", "b@x.org", "c@x.org", "bad", "", None])


@given(st.lists(_EMAILS, min_size=1, max_size=25), st.integers(1, 7))
def test_the_figures_balance_however_rows_fall_into_batches(emails: list[str | None], batch_rows: int) -> None:
    """Read is invalid, duplicate and selected, and the selection is as many."""
    found = surveyed(InMemorySnapshot([row(email) for email in emails], batch_rows))
    assert found.read == len(emails) == found.invalid + found.duplicate + found.selected
    assert len(Selection.from_bytes(found.selection)) == found.read
    assert len(chosen(found)) == found.selected
    assert len(lines(found.rejects)) == found.invalid
    whole = surveyed(InMemorySnapshot([row(email) for email in emails], len(emails)))
    assert (found.figures(), found.selection, found.rejects) == (whole.figures(), whole.selection, whole.rejects)


def test_rejects_fill_pages() -> None:
    """Of so many lines each, in order, none forgotten at a page's edge."""
    count = 2 * PAGE_LINES
    found = surveyed(InMemorySnapshot([row(f"bad {number}") for number in range(count)], 90))
    assert [len(codec.unsqueeze(page).splitlines()) for page in found.rejects] == [PAGE_LINES] * 2
    assert [line["row"] for line in lines(found.rejects)] == list(range(1, count + 1))
    one_more = surveyed(InMemorySnapshot([row(f"bad {number}") for number in range(count + 1)], 90))
    assert len(one_more.rejects) == 3


def test_a_survey_that_is_not_wanted_any_more_ends_at_the_next_batch() -> None:
    """Its run has ended, or the process is going down."""
    asked = []

    def wanted() -> bool:
        asked.append("wanted?")
        return len(asked) < 3

    snapshot = InMemorySnapshot([row(f"p{number}@example.org") for number in range(1000)], 10)
    with pytest.raises(Abandoned):
        run_survey(snapshot, MAPPER, KnownBefore(), automations=False, wanted=wanted)
    assert len(asked) == 3


class Hasty(InMemorySnapshot):
    """Is refreshed after it was pinned and before its first row is read."""

    def read(self, columns: Sequence[str], from_row: int = 0) -> Iterator[pa.RecordBatch]:
        """Change, then read what is there now."""
        self.rows = [row("another@example.org")]
        return super().read(columns, from_row)


def test_a_snapshot_that_changes_before_it_is_read_ends_the_survey() -> None:
    """The pin in the record would be of other rows than the selection."""
    with pytest.raises(SnapshotChanged):
        surveyed(Hasty([row("ann@example.org")]))


def test_a_snapshot_that_changes_while_it_is_surveyed_ends_the_survey() -> None:
    """Half of one refresh and half of the next is no segment."""
    snapshot = InMemorySnapshot([row(f"p{number}@example.org") for number in range(10)], 5)

    def wanted() -> bool:
        snapshot.rows[9] = row("another@example.org")
        return True

    with pytest.raises(SnapshotChanged):
        run_survey(snapshot, MAPPER, KnownBefore(), automations=False, wanted=wanted)


# Compared with what is known -----------------------------------------------------------------------------------------

_PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["a@x.org", "A@x.org", "b@x.org", "c@x.org", "d@x.org", "bad", None]), st.sampled_from("NM")
    ),
    min_size=1,
    max_size=20,
)
_KNOWN = st.dictionaries(
    st.sampled_from(["a@x.org", "b@x.org", "c@x.org", "e@x.org"]),
    st.tuples(st.sampled_from(MemberState), st.sampled_from("NM")),
)


def before(known: dict[str, tuple[MemberState, str]], **options: Any) -> KnownBefore:
    """What is known of people: their standing, and the name that was sent of them."""
    entries = {}
    for address, (standing, name) in known.items():
        (batch,) = InMemorySnapshot([row(address, name)]).read(MAPPER.columns)
        (print_,) = MAPPER.fingerprints(batch, [address])
        reason = RejectCode.OPTED_OUT_OR_EXCLUDED if standing is MemberState.REFUSED else None
        entries[address] = MembershipEntry(standing, print_, 1, 1, reason).to_bytes()
    return KnownBefore(Known([page_of(entries)]), runs={1: "the-first-run"}, **options)


def compared(rows: list[Row], what: KnownBefore, batch_rows: int = 3) -> Survey:
    return run_survey(InMemorySnapshot(rows, batch_rows), MAPPER, what, automations=False, wanted=lambda: True)


def test_only_who_is_new_or_changed_is_selected() -> None:
    """The others are unchanged, held back with the reason, or kept."""
    known = {
        "same@x.org": (MemberState.MEMBER, "Ann"),
        "changed@x.org": (MemberState.MEMBER, "KnownBefore"),
        "refused@x.org": (MemberState.REFUSED, "Ann"),
        "mended@x.org": (MemberState.REFUSED, "KnownBefore"),
        "unsure@x.org": (MemberState.MAYBE, "Ann"),
        "gone@x.org": (MemberState.MEMBER, "Ann"),
        "gone.too@x.org": (MemberState.MAYBE, "Ann"),
        "never.there@x.org": (MemberState.REFUSED, "Ann"),
    }
    rows = [row(f"{name}@x.org") for name in ("new", "same", "changed", "refused", "mended", "unsure", "SAME")]
    found = compared([*rows, row("bad")], before(known))
    assert found.figures() == {
        "read": 8, "invalid": 1, "duplicate": 1, "unchanged": 1, "held_back": 1, "selected": 4, "phones_left_out": 0,
    }  # fmt: skip
    assert found.gone == 2
    assert (found.adds, found.changes, found.again) == (1, 2, 1)
    assert chosen(found) == [0, 2, 4, 5]
    (line,) = lines(found.held)
    assert (line["row"], line["email"], line["fate"], line["code"]) == (
        4,
        "refused@x.org",
        "held_back",
        "opted_out_or_excluded",
    )
    assert "the-first-run" in line["reason"]


def test_a_full_run_sends_members_again_and_one_that_includes_the_refused_sends_those() -> None:
    """Neither sends what the other does."""
    known = {"same@x.org": (MemberState.MEMBER, "Ann"), "refused@x.org": (MemberState.REFUSED, "Ann")}
    rows = [row(f"{name}@x.org") for name in ("same", "refused")]
    full = compared(rows, before(known, mode=Mode.FULL))
    assert (full.selected, full.again, full.held_back, chosen(full)) == (1, 1, 1, [0])
    included = compared(rows, before(known, include_refused=True))
    assert (included.selected, included.unchanged, included.held_back, chosen(included)) == (1, 1, 0, [1])


@given(_PEOPLE, _KNOWN, st.sampled_from(Mode), st.booleans(), st.integers(1, 7))
def test_the_figures_balance_whatever_is_known(
    people: list[tuple[str | None, str]],
    known: dict[str, tuple[MemberState, str]],
    mode: Mode,
    include_refused: bool,  # noqa: FBT001  drawn
    batch_rows: int,
) -> None:
    """Every row has one fate, as a plain model tells it."""
    rows = [row(email, name) for email, name in people]
    found = compared(rows, before(known, mode=mode, include_refused=include_refused), batch_rows)
    assert found.read == found.invalid + found.duplicate + found.unchanged + found.held_back + found.selected
    assert found.selected == found.adds + found.changes + found.again == len(chosen(found))
    first: dict[str, tuple[int, str]] = {}
    for at, (email, name) in enumerate(people):
        if email not in {None, "bad"}:
            first.setdefault(str(email).lower(), (at, name))
    sent = []
    for address, (at, name) in first.items():
        standing, was = known.get(address, (None, ""))
        same = was == name
        left_alone = (
            (standing is MemberState.MEMBER and same and mode is Mode.CHANGES)
            or (standing is MemberState.REFUSED and same and not include_refused)
            or standing is MemberState.OUT
        )
        if not left_alone:
            sent.append(at)
    assert chosen(found) == sorted(sent)
    listed = {name for name, (standing, _) in known.items() if standing in {MemberState.MEMBER, MemberState.MAYBE}}
    assert found.gone == len(listed - first.keys())
