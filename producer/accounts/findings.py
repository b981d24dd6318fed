"""What a look at ActiveCampaign can find out about a host, a key or a list, and who can be asked to look. Pure."""

from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import SecretStr

from wire.activecampaign.results import ContactList, CustomField, ListMarks

Field = Literal["host", "api_key", "list_id"]


@dataclass(frozen=True, slots=True)
class Ok:
    """Everything is as it should be. `administrator`: whether the key may see the whole account."""

    administrator: bool


@dataclass(frozen=True, slots=True)
class Wrong:
    """ActiveCampaign refuses, or is not there: a person has to mend `field`."""

    field: Field
    reason: str


@dataclass(frozen=True, slots=True)
class Busy:
    """The account answers no questions now."""

    retry_after_seconds: float


CheckResult = Ok | Wrong | Busy


@dataclass(frozen=True, slots=True)
class Lists:
    """An account's lists; the first of them where there are very many."""

    lists: tuple[ContactList, ...]


@dataclass(frozen=True, slots=True)
class OldestLists:
    """What does not change of an account's oldest lists."""

    lists: tuple[ListMarks, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """An account's custom fields; the first of them where there are very many."""

    fields: tuple[CustomField, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a key shows of its account. `limit` and `total`: contacts by the contract, None where the key may not know."""

    username: str
    administrator: bool
    limit: int | None
    total: int | None
    lists: tuple[ContactList, ...]


@dataclass(frozen=True, slots=True)
class There:
    """A contact is there, by this id of ActiveCampaign's."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """There is no contact of this address."""


FoundFields = There | NotThere | Wrong | Busy


class Checks(Protocol):
    """Whoever looks: `producer.accounts.checker.Checker`, or a double in tests."""

    def mend_host(self, text: str) -> str | Wrong:
        """Make a host of what was pasted, or say why it cannot be one."""
        ...

    async def check_key(self, host: str, api_key: SecretStr) -> CheckResult:
        """Find out whether the host takes the key."""
        ...

    async def check_list(self, host: str, api_key: SecretStr, list_id: str) -> CheckResult:
        """Find out whether the list is there."""
        ...

    async def look(self, host: str, api_key: SecretStr) -> Sight | Wrong | Busy:
        """Find out what the key shows of its account."""
        ...

    async def lists(self, host: str, api_key: SecretStr) -> Lists | Wrong | Busy:
        """Find out which lists the account has."""
        ...

    async def oldest_lists(self, host: str, api_key: SecretStr) -> OldestLists | Wrong | Busy:
        """Find out what tells the account from others."""
        ...

    async def fields(self, host: str, api_key: SecretStr) -> Fields | Wrong | Busy:
        """Find out which custom fields the account has."""
        ...

    async def find_contact(self, host: str, api_key: SecretStr, address: str) -> FoundFields:
        """Find out whether the account has a contact of this address."""
        ...

    async def delete_contact(self, host: str, api_key: SecretStr, address: str) -> FoundFields:
        """Delete the account's contact of this address; tell which one it was."""
        ...
