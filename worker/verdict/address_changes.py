"""Decides what to ask ActiveCampaign next about somebody whose address has changed, and what follows from the answer; pure.

* Their contact is looked up under the former address. If it is not there, somebody was here before, or it was deleted.
* Where it is to have the new address, nobody else may have that: then it is changed, and stays the same contact with its
  lists and opt-outs. ActiveCampaign's word that another contact has it counts as well as a look.
* Otherwise a contact of the new address is made by the import, which knows nothing of the former one. So whoever has
  unsubscribed from the list under that is not imported: this is the one place that could let somebody in again.

Every step may be repeated: half-done and begun anew it ends in the same.

Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from wire.activecampaign.errors import ObjectNotFound, Rejected, Trouble
from wire.activecampaign.requests import Former, How
from wire.activecampaign.results import AddressChanged, LookedUp, Memberships
from worker.verdict.chunk_history import AddressChangeHistory, AddressChangeStep

NOBODY: Final = ""
"""Instead of a contact's id: none has the former address."""

AFTERWARDS: Final[Mapping[AddressChangeStep, How]] = {"updated": "updated", "newcomer": "newcomer", "nobody": "nobody"}
"""What is noted in a contact when it is looked up; who has opted out leaves the chunk."""

_UPDATES: Final = frozenset({"update", "updated", "nobody"})


@dataclass(frozen=True, slots=True)
class FindContact:
    """Look for a contact under an address: the `former` one, or the new one."""

    email: str
    former: bool


@dataclass(frozen=True, slots=True)
class AskLists:
    """Ask which lists a contact has left."""

    contact: str


@dataclass(frozen=True, slots=True)
class ChangeAddress:
    """Give a contact its new address."""

    contact: str
    email: str


Step: TypeAlias = FindContact | AskLists | ChangeAddress
LookupAnswer: TypeAlias = LookedUp | Memberships | AddressChanged


def next_step(moves: AddressChangeHistory, email: str, former: Former) -> Step:
    """Say what to ask about the next one, who has the address `email` now."""
    if moves.contact is None:
        return FindContact(former.email, former=True)
    if former.how in _UPDATES and moves.taken is None:
        return FindContact(email, former=False)
    if former.how in _UPDATES and not moves.taken:
        return ChangeAddress(moves.contact, email)
    return AskLists(moves.contact)


def after(
    moves: AddressChangeHistory, step: Step, told: LookupAnswer | Trouble, former: Former, list_id: str
) -> AddressChangeHistory | None:
    """Say how far it is after an answer; None if that was none, and is to be judged as trouble."""
    match step, told:
        case FindContact(former=True), LookedUp(contact=None):
            return replace(moves, contact=NOBODY) if former.how in _UPDATES else _found(moves, "nobody")
        case FindContact(former=True), LookedUp(contact=contact) if contact is not None:
            return replace(moves, contact=contact.id)
        case FindContact(), LookedUp(contact=contact) if moves.contact == NOBODY:
            return _found(moves, "updated" if contact is not None else "nobody")
        case FindContact(), LookedUp(contact=contact):
            return replace(moves, taken=contact is not None)
        case ChangeAddress(), AddressChanged():
            return _found(moves, "updated")
        case ChangeAddress(), Rejected():
            return replace(moves, taken=True)
        case (ChangeAddress(), ObjectNotFound()) | (AskLists(), ObjectNotFound()):
            return replace(moves, contact=None, taken=None)  # it was deleted just now
        case AskLists(), Memberships(left=left):
            return _found(moves, "opted_out" if list_id in left else "newcomer")
        case _:
            return None


def _found(moves: AddressChangeHistory, move: AddressChangeStep) -> AddressChangeHistory:
    return AddressChangeHistory((*moves.found, move))
