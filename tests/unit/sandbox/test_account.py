"""The sandbox's account: who is let onto a list and who is kept out, by importer and by the calls that re-subscribe."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.account import Account, Details, Imported, Incoming, KeptOut, Status

LISTS = ((12, "Newsletter"), (3, "Product news"))


def _account() -> Account:
    return Account(LISTS, ((7, "LoyaltyTier"),))


def _import(account: Account, email: str, *, limit: int = 1000, update_opted_out: bool = True, **more: Any) -> Imported:
    details = Details(email, **{name: more.pop(name) for name in tuple(more) if name in Details._fields})
    incoming = Incoming(details, **({"subscribe": (12,)} | more))
    return account.import_contact(incoming, subscriber_limit=limit, update_opted_out=update_opted_out)


def _standing(account: Account, email: str) -> dict[int, Status]:
    contact = account.find(email)
    return {on.id: status for on, status in account.memberships(contact)} if contact else {}


def test_an_import_is_an_upsert_by_address_in_any_letter_case() -> None:
    """The first spelling stays, data that was not given stays, tags are only added."""
    account = _account()
    first = _import(account, "Ann@Example.org", first_name="Ann", last_name="Li", tags=("a",), fields=((7, "Gold"),))
    again = _import(account, "ann@example.ORG", first_name="Anna", tags=("b", "a"))
    assert (first.created, again.created, again.contact_id) == (True, False, first.contact_id)
    contact = account.find("ANN@example.org")
    assert contact is not None
    assert (contact.email, contact.first_name, contact.last_name) == ("Ann@Example.org", "Anna", "Li")
    assert (contact.tags, contact.fields, contact.times_imported) == (("a", "b"), {7: "Gold"}, 2)
    assert len(account.contacts) == 1


def test_an_import_never_resubscribes_somebody_who_left_that_list() -> None:
    """They are named, the other list is not touched by it, and nobody is counted as re-subscribed."""
    account = _account()
    account.unsubscribe(account.upsert(Details("ann@example.org")), 12)
    imported = _import(account, "ANN@example.org", subscribe=(12, 3), first_name="Ann")
    assert imported.kept_out is KeptOut.OPTED_OUT
    assert _standing(account, "ann@example.org") == {12: Status.UNSUBSCRIBED, 3: Status.SUBSCRIBED}
    assert account.resubscribed == []
    assert account.find("ann@example.org").first_name == "Ann"  # type: ignore[union-attr] # just imported


def test_an_opted_out_contact_can_be_left_alone_altogether() -> None:
    """Whether their other data change is not known, so it is a switch."""
    account = _account()
    account.unsubscribe(account.upsert(Details("ann@example.org", first_name="Ann")), 12)
    _import(account, "ann@example.org", subscribe=(12, 3), first_name="X", update_opted_out=False)
    assert _standing(account, "ann@example.org") == {12: Status.UNSUBSCRIBED}
    assert account.find("ann@example.org").first_name == "Ann"  # type: ignore[union-attr] # upserted above


def test_subscribing_by_the_other_calls_does_resubscribe_and_is_remembered() -> None:
    """That is what a client must be shown never to do."""
    account = _account()
    contact = account.upsert(Details("ann@example.org"))
    account.unsubscribe(contact, 12)
    account.subscribe(contact, 12)
    account.subscribe(contact, 3)
    assert _standing(account, "ann@example.org") == {12: Status.SUBSCRIBED, 3: Status.SUBSCRIBED}
    assert account.resubscribed == [("ann@example.org", 12)]


def test_unsubscribing_by_import_is_a_one_way_door() -> None:
    """The importer puts nobody back whom it took off."""
    account = _account()
    _import(account, "ann@example.org")
    _import(account, "ann@example.org", subscribe=(), unsubscribe=(12,))
    assert _import(account, "ann@example.org").kept_out is KeptOut.OPTED_OUT
    assert (account.lists[12].subscribed, account.active) == (0, 0)


@pytest.mark.parametrize(("kind", "reason"), [("excluded", KeptOut.EXCLUDED), ("bounced", KeptOut.BOUNCED)])
def test_excluded_and_bounced_people_are_not_even_created(kind: str, reason: KeptOut) -> None:
    """Their addresses compare without letter case."""
    account = _account()
    getattr(account, kind).add("ann@example.org")
    assert _import(account, "Ann@example.org") == Imported(None, created=False, kept_out=reason)
    assert account.find("ann@example.org") is None


def test_a_full_contract_takes_nobody_new_and_still_updates_those_it_has() -> None:
    """One person counts once, on however many lists, and only while subscribed to one."""
    account = _account()
    assert _import(account, "a@example.org", subscribe=(12, 3), limit=1).kept_out is None
    assert _import(account, "b@example.org", limit=1).kept_out is KeptOut.OVER_CONTRACT
    account.upsert(Details("known@example.org"))
    assert _import(account, "known@example.org", limit=1).kept_out is KeptOut.OVER_CONTRACT
    assert _import(account, "a@example.org", limit=1, first_name="A").kept_out is None
    assert account.active == 1
    _import(account, "a@example.org", subscribe=(), unsubscribe=(12,), limit=1)
    assert account.active == 1
    _import(account, "a@example.org", subscribe=(), unsubscribe=(3,), limit=1)
    assert account.active == 0
    assert _import(account, "b@example.org", limit=1).kept_out is None


def test_automations_fire_for_whoever_is_imported_without_their_exclusion() -> None:
    """Per contact and per import, so that an answer that was lost shows."""
    account = _account()
    _import(account, "a@example.org", automations=False)
    _import(account, "b@example.org")
    _import(account, "b@example.org")
    fired = {contact.email: contact.automations_fired for contact in account.contacts.values()}
    assert fired == {"a@example.org": 0, "b@example.org": 2}
    assert account.automations_fired == 2


def test_unknown_lists_and_fields_are_dropped_and_counted() -> None:
    """ActiveCampaign says nothing, so the sandbox tells it afterwards."""
    account = _account()
    assert _import(account, "a@example.org", subscribe=(99,), fields=((8, "x"), (7, "y"))).kept_out is None
    assert account.dropped == {"unknown list": 1, "unknown field": 1}
    assert account.find("a@example.org").fields == {7: "y"}  # type: ignore[union-attr] # just imported


def test_one_contacts_fields_are_not_anothers() -> None:
    """They begin from the same empty mapping."""
    account = _account()
    _import(account, "a@example.org", fields=((7, "Gold"),))
    _import(account, "b@example.org")
    assert account.find("b@example.org").fields == {}  # type: ignore[union-attr] # just imported


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["import", "leave", "return", "delete"]), st.sampled_from("abc"), st.sampled_from([12, 3])
    )
)


@given(_STEPS)
def test_the_running_counts_are_those_of_a_walk_over_everybody(steps: list[tuple[str, str, int]]) -> None:
    """Whatever happened to whom: subscribed per list, and active people."""
    account = _account()
    for step, name, list_id in steps:
        contact = account.upsert(Details(f"{name}@example.org"))
        match step:
            case "import":
                _import(account, contact.email, subscribe=(list_id,), limit=2)
            case "leave":
                account.unsubscribe(contact, list_id)
            case "return":
                account.subscribe(contact, list_id)
            case _:
                account.delete(contact)
    standings = [_standing(account, contact.email) for contact in account.contacts.values()]
    for list_id, one in account.lists.items():
        assert one.subscribed == sum(standing.get(list_id) is Status.SUBSCRIBED for standing in standings)
    assert account.active == sum(Status.SUBSCRIBED in standing.values() for standing in standings)
