"""Whatever an account has, somebody with a changed address ends right: a walk over every account, with steps forgotten."""

from itertools import product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.activecampaign.errors import NoUsableAnswer, ObjectNotFound, Rejected, Throttled
from wire.activecampaign.requests import Former, How
from wire.activecampaign.results import AddressChanged, Contact, LookedUp, Memberships
from worker.verdict.address_changes import AskLists, ChangeAddress, FindContact, LookupAnswer, Step, after, next_step
from worker.verdict.chunk_history import AddressChangeHistory, AddressChangeStep, ChunkHistory

LIST: Final = "12"
OLD, NEW = "ann@example.org", "anna@example.org"
HOWS: Final[tuple[How, ...]] = ("update", "check", "updated", "newcomer", "nobody")
UPDATES: Final = {"update", "updated", "nobody"}


class Account:
    """Who has which address, and who has left the list."""

    def __init__(self, *, old: bool, new: bool, opted_out: bool) -> None:
        self.contacts = {OLD: "1"} if old else {}
        self.contacts |= {NEW: "2"} if new else {}
        self.left = {"1"} if opted_out else set[str]()

    def answer(self, step: Step) -> LookupAnswer | ObjectNotFound | Rejected:
        match step:
            case FindContact(email=email):
                found = self.contacts.get(email)
                return LookedUp(Contact(found) if found else None, 200, None)
            case AskLists(contact=contact):
                if contact not in self.contacts.values():
                    return ObjectNotFound()
                return Memberships(frozenset({LIST} if contact in self.left else {"99"}), 200, None)
            case ChangeAddress(contact=contact, email=email):
                if contact not in self.contacts.values():
                    return ObjectNotFound()
                if self.contacts.get(email, contact) != contact:
                    return Rejected()
                self.contacts = {address: of for address, of in self.contacts.items() if of != contact} | {
                    email: contact
                }
                return AddressChanged(contact, 200, None)


def walk(account: Account, former: Former, *, forget_after: int) -> AddressChangeStep:
    """Ask until it is found out; what was found so far is forgotten once, after so many steps."""
    moves = AddressChangeHistory()
    for number in range(20):
        if number == forget_after:
            moves = AddressChangeHistory()
        step = next_step(moves, NEW, former)
        found = after(moves, step, account.answer(step), former, LIST)
        assert found is not None
        moves = found
        if moves.found:
            return moves.found[0]
    raise AssertionError("it has no end")


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("old", "new", "opted_out"), list(product([True, False], repeat=3)))
def test_every_account_is_told_apart(how: How, *, old: bool, new: bool, opted_out: bool) -> None:
    """Nobody who has opted out is a newcomer, and nobody's contact is changed into another's."""
    account = Account(old=old, new=new, opted_out=opted_out)
    move = walk(account, Former(OLD, how), forget_after=-1)
    if how in UPDATES and old and not new:
        assert move == "updated"
        assert account.contacts == {NEW: "1"}
    elif old:
        assert move == ("opted_out" if opted_out else "newcomer")
        assert account.contacts[OLD] == "1"
    else:
        assert move == ("updated" if new and how in UPDATES else "nobody")


@given(st.sampled_from(["update", "check"]), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 6))
def test_begun_anew_it_ends_in_the_same(
    how: How,
    old: bool,  # noqa: FBT001  drawn
    new: bool,  # noqa: FBT001  drawn
    opted_out: bool,  # noqa: FBT001  drawn
    forget_after: int,
) -> None:
    """Whoever is killed after any step is followed by somebody who knows nothing of it."""
    once = Account(old=old, new=new, opted_out=opted_out)
    twice = Account(old=old, new=new, opted_out=opted_out)
    first = walk(once, Former(OLD, how), forget_after=-1)
    assert walk(twice, Former(OLD, how), forget_after=forget_after) == first
    assert twice.contacts == once.contacts


@pytest.mark.parametrize("how", ["update", "check"])
def test_a_contact_that_is_deleted_meanwhile_is_looked_for_again(how: How) -> None:
    """It is nobody's then."""
    account = Account(old=True, new=False, opted_out=False)
    moves, former = AddressChangeHistory(), Former(OLD, how)
    for _ in range(6):
        step = next_step(moves, NEW, former)
        if not isinstance(step, FindContact):
            account.contacts.clear()
        moves = after(moves, step, account.answer(step), former, LIST) or AddressChangeHistory()
        if moves.found:
            break
    assert moves.found == ("nobody",)


def test_what_is_no_answer_is_trouble() -> None:
    """And is judged as such."""
    former = Former(OLD, "update")
    for trouble in (Throttled(), NoUsableAnswer("reset")):
        assert after(AddressChangeHistory(), FindContact(OLD, former=True), trouble, former, LIST) is None
    assert after(AddressChangeHistory(), FindContact(OLD, former=True), Rejected(), former, LIST) is None


@given(
    st.builds(
        AddressChangeHistory,
        st.lists(st.sampled_from(["updated", "newcomer", "nobody", "opted_out"])).map(tuple),
        st.none() | st.text(max_size=3),
        st.none() | st.booleans(),
    )
)
def test_a_chunk_remembers_how_far_it_is(moves: AddressChangeHistory) -> None:
    """From one taking to the next."""
    assert ChunkHistory.read(ChunkHistory(moves=moves).document()).moves == moves
    assert "moves" not in ChunkHistory().document()
