"""Who is known again under another address: what the survey makes of every case, and what is kept and sent of them."""

import random
from typing import Any

import pytest

from producer.contacts.mapped_rows import MappedRows
from producer.contacts.mapper import Mapper, MappingSpec
from producer.people.suppression import SuppressionList, by_id
from producer.pipeline import address_changes
from producer.pipeline.address_changes import AddressChange
from producer.pipeline.chunking import pack
from producer.pipeline.comparison import Known, page_of
from producer.pipeline.survey import KnownBefore, Survey, run_survey
from tests.unit.in_memory import InMemorySnapshot, Row
from tests.unit.pipeline.test_survey import lines
from wire.activecampaign.requests import CONTACT_BYTES_MAX, addresses_of, former_of, import_body, unmoved
from wire.chunk_queue.membership_entry import UNKNOWN, MembershipEntry, MemberState
from wire.chunk_queue.rejects import RejectCode
from wire.chunk_queue.run import Mode
from wire.store import codec

KEY = b"a key"
MAPPER = Mapper(MappingSpec(email="Email", first_name="First", id="Id"), 12, automations=False, person_key=KEY)
MEMBER, OUT, REFUSED, MAYBE = MemberState.MEMBER, MemberState.OUT, MemberState.REFUSED, MemberState.MAYBE


def row(email: str, number: str | None, name: str = "Ann") -> Row:
    """A profile with the platform's id."""
    return {"Email": email, "First": name, "Id": number}


def person(number: str | None) -> bytes:
    """What is kept of an id."""
    (batch,) = InMemorySnapshot([row("a@x.org", number)]).read(MAPPER.columns)
    (found,) = MAPPER.persons(batch)
    return found


def entry(email: str, number: str | None, standing: MemberState = MEMBER, **options: Any) -> bytes:
    """What is known of an address whose row was as `row` makes it."""
    (batch,) = InMemorySnapshot([row(email, number)]).read(MAPPER.columns)
    (print_,) = MAPPER.prints(batch)
    return MembershipEntry(standing, print_[:8], 1, 1, person=print_[8:], **options).to_bytes()


def surveyed(rows: list[Row], known: dict[str, bytes], batch_rows: int = 2, **options: Any) -> Survey:
    before = KnownBefore(Known([page_of(known)]), **options)
    return run_survey(InMemorySnapshot(rows, batch_rows), MAPPER, before, automations=False, wanted=lambda: True)


def held(found: Survey) -> list[tuple[str, str]]:
    return [(line["email"], line["code"]) for line in lines(found.held)]


def found_in(found: Survey) -> list[tuple[int, str, bool]]:
    return [(one.row, one.email, one.is_met) for one in found.moves]


ANN = {"ann@x.org": entry("ann@x.org", "1")}
TWO = ANN | {"bob@x.org": entry("bob@x.org", "2")}


def test_a_person_who_is_known_under_another_address_is_found() -> None:
    """They are selected, and apart from all others; their old address has not left."""
    found = surveyed([row("bob@x.org", "2"), row("anna@x.org", "1"), row("new@x.org", "3")], TWO)
    assert found_in(found) == [(2, "anna@x.org", False)]
    assert (found.adds, found.unchanged, found.selected, found.gone) == (1, 1, 2, 0)
    assert found.moves[0].person == person("1")


def test_where_no_id_is_known_nobody_is_found() -> None:
    """In the first run, and for whom the platform has none."""
    rows = [row("anna@x.org", None), row("anne@x.org", " ")]
    assert not surveyed([row("anna@x.org", "1")], {}).moves
    assert not surveyed(rows, ANN).moves
    assert not surveyed([row("anna@x.org", "1")], {"ann@x.org": entry("ann@x.org", None)}).moves


def test_an_id_of_several_rows_is_nobodys() -> None:
    """Whose address has changed cannot be told; who is where they were stays there."""
    found = surveyed([row("anna@x.org", "1"), row("bob@x.org", "2"), row("anne@x.org", "1")], TWO)
    assert not found.moves
    assert sorted(held(found)) == [("anna@x.org", "ambiguous_id"), ("anne@x.org", "ambiguous_id")]
    assert (found.held_back, found.moves_held_back, found.unchanged) == (2, 2, 1)
    also_where_they_were = surveyed([row("ann@x.org", "1"), row("anne@x.org", "1")], TWO)
    assert held(also_where_they_were) == [("anne@x.org", "ambiguous_id")]
    assert also_where_they_were.unchanged == 1


def test_a_row_that_is_there_twice_is_no_second_person() -> None:
    """It is a duplicate."""
    found = surveyed([row("anna@x.org", "1"), row("ANNA@x.org", "1")], ANN)
    assert found_in(found) == [(1, "anna@x.org", False)]
    assert found.duplicate == 1


def test_an_id_of_several_known_addresses_is_nobodys() -> None:
    """A platform that gives a household one number does not say who moved."""
    known = TWO | {"andy@x.org": entry("andy@x.org", "1")}
    assert held(surveyed([row("anna@x.org", "1")], known)) == [("anna@x.org", "ambiguous_id")]


def test_two_who_have_swapped_their_addresses_are_both_found() -> None:
    """Each has the address of somebody else in the segment."""
    found = surveyed([row("bob@x.org", "1"), row("ann@x.org", "2")], TWO)
    assert found_in(found) == [(1, "bob@x.org", True), (2, "ann@x.org", True)]
    assert (found.moves_met, found.selected, found.gone) == (2, 2, 0)


@pytest.mark.parametrize("standing", [OUT, REFUSED])
@pytest.mark.parametrize("options", [{}, {"include_refused": True}, {"mode": Mode.FULL}], ids=str)
def test_whoever_was_out_stays_out_under_every_address(standing: MemberState, options: dict[str, Any]) -> None:
    """Also in a run that is to send everybody, and the refused."""
    reason = RejectCode.OPTED_OUT_OR_EXCLUDED if standing is REFUSED else None
    known = TWO | {"ann@x.org": entry("ann@x.org", "1", standing, reason=reason)}
    found = surveyed([row("anna@x.org", "1")], known, **options)
    assert held(found) == [("anna@x.org", "opted_out_under_another_address")]
    assert (found.selected, found.held_back, found.moves_held_back) == (0, 1, 1)
    # Neither do they come in by an address that somebody else had.
    assert held(surveyed([row("bob@x.org", "1")], known, **options)) == [
        ("bob@x.org", "opted_out_under_another_address")
    ]


@pytest.mark.parametrize("standing", [MAYBE, MemberState.LEFT, MemberState.YIELDED])
def test_whoever_may_be_there_is_found(standing: MemberState) -> None:
    """Marked as gone, left to another export, or not known to be applied."""
    assert surveyed([row("anna@x.org", "1")], {"ann@x.org": entry("ann@x.org", "1", standing)}).moves


def test_who_was_refused_by_a_rule_may_come_with_a_better_address() -> None:
    """That was no decision of theirs."""
    refused = entry("ann@x.org", "1", REFUSED, reason=RejectCode.REFUSED_BY_ACTIVECAMPAIGN)
    assert surveyed([row("anna@x.org", "1")], {"ann@x.org": refused}).moves


def test_who_is_forgotten_is_known_by_their_id() -> None:
    """Under whatever address, and it is not repeated."""
    forgotten = SuppressionList(KEY, frozenset({by_id(person("1"))}))
    found = surveyed([row("anna@x.org", "1"), row("bob@x.org", "2")], TWO, forgotten=forgotten)
    assert (held(found), found.held_back, found.unchanged, found.moves) == ([("", "forgotten")], 1, 1, ())


def test_an_address_that_is_none_is_invalid_and_one_with_too_much_data_as_well() -> None:
    """Nobody is moved to it."""
    rows = [row("no address", "1"), row("robert@x.org", "2", "x" * (CONTACT_BYTES_MAX - 200))]
    found = surveyed(rows, TWO)
    assert (found.reasons, found.moves) == ({"email_invalid": 1, "too_large": 1}, ())


def test_the_figures_balance_whatever_is_known_and_changed() -> None:
    """Every row has one fate, and whoever was kept out is selected under no address."""
    dice = random.Random(11)
    addresses, numbers = [f"{letter}@x.org" for letter in "abcdefg"], ["1", "2", "3", "4", None]
    for _ in range(300):
        known, out = {}, set()
        for email in dice.sample(addresses, 4):
            number, standing = dice.choice(numbers), dice.choice(list(MemberState))
            reason = RejectCode.OPTED_OUT_OR_EXCLUDED if standing is REFUSED else None
            known[email] = entry(email, number, standing, reason=reason)
            if standing in {OUT, REFUSED} and number:
                out.add(number)
        rows = [row(dice.choice(addresses), dice.choice(numbers)) for _ in range(dice.randint(1, 9))]
        found = surveyed(rows, known, dice.randint(1, 4))
        assert found.read == found.invalid + found.duplicate + found.unchanged + found.held_back + found.selected
        assert found.selected == found.adds + found.changes + found.again + len(found.moves)
        for one in found.moves:
            assert rows[one.row - 1]["Id"] not in out
            assert rows[one.row - 1]["Email"] == one.email


def test_ids_are_hashed_with_the_key_and_by_their_column() -> None:
    """Without it nobody can tell whose they are; columns of another name are other ids."""
    (batch,) = InMemorySnapshot([row("a@x.org", "1"), row("b@x.org", " 1 "), row("c@x.org", None)]).read(MAPPER.columns)
    one, same, nobody = MAPPER.persons(batch)
    assert (one, nobody) == (same, UNKNOWN)
    other_key = Mapper(MappingSpec(email="Email", first_name="First", id="Id"), 12, automations=False, person_key=b"k")
    assert other_key.persons(batch)[0] != one
    other = batch.rename_columns(["Email", "First", "Number"])
    by_number = Mapper(MappingSpec(email="Email", id="Number"), 12, automations=False, person_key=KEY)
    assert by_number.persons(other)[0] != one


def test_who_has_an_id_for_the_first_time_is_sent_and_without_ids_nothing_has_changed() -> None:
    """So that it is known from then on; fingerprints of exports without ids are what they were."""
    plain, later = MappingSpec(email="Email"), MappingSpec(email="Email", id="Id")
    assert Mapper(plain, 12, automations=False).version == "6ea84367f0aeb58aa5573686899f9339"
    assert Mapper(plain, 12, automations=False).version != Mapper(later, 12, automations=False).version


def test_what_is_kept_of_them_comes_back_and_holds_no_address() -> None:
    """For whoever reads on."""
    moves = [
        AddressChange(3, b"person 1", "update", "anna@x.org", "ann@x.org"),
        AddressChange(9, b"person 2", "check", "b@x.org", "c@x.org"),
    ]
    assert address_changes.from_bytes(address_changes.to_bytes(moves)) == [
        AddressChange(3, b"person 1", "update"),
        AddressChange(9, b"person 2", "check"),
    ]
    assert address_changes.from_bytes(b"") == []
    assert (address_changes.count(moves, "update"), address_changes.count(moves, "check")) == (1, 1)
    (page,) = address_changes.lines(moves)
    told = [codec.decode(line) for line in codec.unsqueeze(page).splitlines()]
    assert [(one["row"], one["email"], one["former"], one["code"]) for one in told] == [
        (3, "anna@x.org", "ann@x.org", "update"),
        (9, "b@x.org", "c@x.org", "check"),
    ]


def test_the_former_address_travels_with_a_contact_and_never_to_activecampaign() -> None:
    """Whoever is not known under it any more is passed over."""
    contact = MappedRows(3, b'{"email":"anna@x.org"}', phone_left_out=False, fingerprint=bytes(16))
    (noted,) = address_changes.contacts([contact], {3: AddressChange(3, b"person 1", "update", former="ann@x.org")})
    former = former_of(noted.json)
    assert former is not None
    assert (former.email, former.how) == ("ann@x.org", "update")
    assert addresses_of(import_body([noted.json, contact.json], automations=False)) == [
        ("anna@x.org", "ann@x.org"),
        ("anna@x.org",),
    ]
    assert unmoved(noted.json) == contact.json
    assert not address_changes.is_stranded(noted.json)
    (stranded,) = address_changes.contacts([contact], {3: AddressChange(3, b"person 1", "update")})
    assert address_changes.is_stranded(stranded.json)
    assert not address_changes.is_stranded(contact.json)


def test_chunks_of_them_are_small() -> None:
    """And nobody is alone in one, who would pass five times less often."""
    people = [MappedRows(at, b"{}", phone_left_out=False, fingerprint=bytes(16)) for at in range(1, 22)]
    assert [len(chunk.contacts) for chunk in pack(people, most=address_changes.MOST)] == [10, 9, 2]
