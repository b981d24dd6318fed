"""The people of an account and their lists: who is subscribed, who opted out, who is kept out. Knows no HTTP, no clock, no batch.

The asymmetry that matters: `import_contact` never re-subscribes anybody, `subscribe` does, and remembers that it did.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

_NO_FIELDS: Final[dict[int, str]] = {}


class Status(IntEnum):
    """A contact's standing on a list, by ActiveCampaign's numbers."""

    SUBSCRIBED = 1
    UNSUBSCRIBED = 2


class KeptOut(StrEnum):
    """Why the importer names a contact in `failure`."""

    OPTED_OUT = "opted_out"
    EXCLUDED = "excluded"
    BOUNCED = "bounced"
    OVER_CONTRACT = "over_contract"
    REFUSED_LATER = "refused_later"


@dataclass(slots=True)
class Contact:
    """A person; `subscriptions` counts the lists they are subscribed to, `automations_fired` the times automations ran."""

    id: int
    email: str
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    fields: dict[int, str] = field(default_factory=lambda: _NO_FIELDS)
    tags: tuple[str, ...] = ()
    subscriptions: int = 0
    automations_fired: int = 0
    times_imported: int = 0


@dataclass(slots=True)
class MailingList:
    """A list: who is on it by contact id, and how many of them are subscribed."""

    id: int
    name: str
    statuses: dict[int, Status] = field(default_factory=dict)
    subscribed: int = 0


class Details(NamedTuple):
    """What a request says about a person; None leaves what is there. A tuple: a million are made in a load test."""

    email: str
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    fields: tuple[tuple[int, str], ...] = ()
    tags: tuple[str, ...] = ()


class Incoming(NamedTuple):
    """One contact of an accepted import."""

    details: Details
    subscribe: tuple[int, ...] = ()
    unsubscribe: tuple[int, ...] = ()
    automations: bool = True


class Imported(NamedTuple):
    """What became of one: the contact's id if there is one, and why it was kept out if it was."""

    contact_id: int | None
    created: bool
    kept_out: KeptOut | None


class Account:
    """Contacts by lower-cased address and by id, and the lists they are on."""

    def __init__(self, lists: Iterable[tuple[int, str]], fields: Iterable[tuple[int, str]]) -> None:
        self.lists = {number: MailingList(number, name) for number, name in lists}
        self.fields = dict(fields)
        self.contacts: dict[int, Contact] = {}
        self.active = 0
        self.automations_fired = 0
        self.excluded: set[str] = set()
        self.bounced: set[str] = set()
        self.resubscribed: list[tuple[str, int]] = []
        self.dropped: Counter[str] = Counter()
        self._by_email: dict[str, Contact] = {}
        self._next_id = 1

    def find(self, email: str) -> Contact | None:
        """The contact with that address in any letter case."""
        return self._by_email.get(email.lower())

    def import_contact(self, incoming: Incoming, *, subscriber_limit: int, update_opted_out: bool) -> Imported:
        """Upsert one contact as the importer does: nobody who is kept out, no list that somebody left."""
        key = incoming.details.email.lower()
        contact = self._by_email.get(key)
        if key in self.excluded:
            return Imported(None, created=False, kept_out=KeptOut.EXCLUDED)
        if key in self.bounced:
            return Imported(None, created=False, kept_out=KeptOut.BOUNCED)
        wanted = self._known(incoming.subscribe)
        if wanted and self.active >= subscriber_limit and (contact is None or contact.subscriptions == 0):
            return Imported(None, created=False, kept_out=KeptOut.OVER_CONTRACT)
        open_to_them = [one for one in wanted if contact is None or not _has_left(contact, one)]
        kept_out = KeptOut.OPTED_OUT if len(open_to_them) < len(wanted) else None
        if kept_out and not update_opted_out:
            return Imported(None, created=False, kept_out=kept_out)
        created = contact is None
        contact = self.upsert(incoming.details)
        contact.times_imported += 1
        if incoming.automations:
            self.fire_automations(contact)
        for one in open_to_them:
            self._set(contact, one, Status.SUBSCRIBED)
        for one in self._known(incoming.unsubscribe):
            self._set(contact, one, Status.UNSUBSCRIBED)
        return Imported(contact.id, created, kept_out)

    def upsert(self, details: Details) -> Contact:
        """Create or change a person by address; lists are not touched, tags are only added, unknown fields are dropped."""
        key = details.email.lower()
        contact = self._by_email.get(key)
        if contact is None:
            contact = Contact(self._next_id, key if key == details.email else details.email)
            self._next_id += 1
            self._by_email[key] = self.contacts[contact.id] = contact
        self.change(contact, details)
        return contact

    def change(self, contact: Contact, details: Details) -> None:
        """Set what was given; the address stays."""
        if details.first_name is not None:
            contact.first_name = details.first_name
        if details.last_name is not None:
            contact.last_name = details.last_name
        if details.phone is not None:
            contact.phone = details.phone
        if details.fields:
            known = {number: value for number, value in details.fields if number in self.fields}
            self.dropped["unknown field"] += len(details.fields) - len(known)
            contact.fields = contact.fields | known
        if details.tags:
            contact.tags = tuple(dict.fromkeys(contact.tags + details.tags))

    def readdress(self, contact: Contact, email: str) -> None:
        """Give a person another address that nobody has: they stay who they are, and opted out where they were."""
        del self._by_email[contact.email.lower()]
        contact.email = email
        self._by_email[email.lower()] = contact

    def subscribe(self, contact: Contact, list_id: int) -> None:
        """Put somebody on a list whether they left it or not, as `contactLists` and `contact/sync` do."""
        if _has_left(contact, self.lists[list_id]):
            self.resubscribed.append((contact.email, list_id))
        self._set(contact, self.lists[list_id], Status.SUBSCRIBED)

    def fire_automations(self, contact: Contact) -> None:
        """Run whatever the account has set up for somebody who is imported or subscribed."""
        contact.automations_fired += 1
        self.automations_fired += 1

    def unsubscribe(self, contact: Contact, list_id: int) -> None:
        """Take somebody off a list; the importer will not put them back."""
        self._set(contact, self.lists[list_id], Status.UNSUBSCRIBED)

    def delete(self, contact: Contact) -> None:
        """Forget a person, their opt-outs included."""
        for one in self.lists.values():
            one.subscribed -= one.statuses.pop(contact.id, None) is Status.SUBSCRIBED
        self.active -= contact.subscriptions > 0
        del self.contacts[contact.id], self._by_email[contact.email.lower()]

    def memberships(self, contact: Contact) -> Iterator[tuple[MailingList, Status]]:
        """The lists somebody is or was on."""
        return ((one, one.statuses[contact.id]) for one in self.lists.values() if contact.id in one.statuses)

    def _known(self, list_ids: Iterable[int]) -> list[MailingList]:
        known = []
        for number in list_ids:
            if number in self.lists:
                known.append(self.lists[number])
            else:
                self.dropped["unknown list"] += 1
        return known

    def _set(self, contact: Contact, mailing_list: MailingList, status: Status) -> None:
        before = mailing_list.statuses.get(contact.id)
        if before is status:
            return
        step = (status is Status.SUBSCRIBED) - (before is Status.SUBSCRIBED)
        was_active = contact.subscriptions > 0
        mailing_list.statuses[contact.id] = status
        mailing_list.subscribed += step
        contact.subscriptions += step
        self.active += (contact.subscriptions > 0) - was_active


def _has_left(contact: Contact, mailing_list: MailingList) -> bool:
    return mailing_list.statuses.get(contact.id) is Status.UNSUBSCRIBED
