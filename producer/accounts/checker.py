"""Asks ActiveCampaign whether a host, a key and a list are what a person says they are; what it finds are values."""

from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Final, TypeVar

from pydantic import SecretStr

from producer.accounts.findings import (
    Busy,
    CheckResult,
    Field,
    Fields,
    FoundFields,
    Lists,
    NotThere,
    Ok,
    OldestLists,
    Sight,
    There,
    Wrong,
)
from wire.activecampaign.client import Client
from wire.activecampaign.errors import (
    TROUBLES,
    Because,
    NoUsableAnswer,
    ObjectNotFound,
    Refused,
    Rejected,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
    Unreadable,
)
from wire.activecampaign.results import AccountInfo, ResultPage, User
from wire.chunk_queue.rate_limiter import Go, RateLimiter, Wait
from wire.http.hosts import InvalidHost, account_of, read_host, scheme_for
from wire.http.session import Session

PATIENCE_SECONDS: Final = 10.0
"""As long as a person waits for an answer; under load on the account they are asked to come again."""

TRIES: Final = 3
"""A good key is refused now and then (403), and connections are cut; only the third such answer in a row is believed."""

PAGES_MOST: Final = 10
"""Of a hundred items each."""

T = TypeVar("T")


class Checker:
    """Looks at accounts within their limits, over a session that is handed in."""

    def __init__(self, session: Session, pacer: RateLimiter, trusted_hosts: frozenset[str]) -> None:
        self._session = session
        self._pacer = pacer
        self._trusted = trusted_hosts

    def mend_host(self, text: str) -> str | Wrong:
        """Make a host of what was pasted, or say why it cannot be one."""
        try:
            return read_host(text, self._trusted)
        except InvalidHost as error:
            return Wrong("host", str(error))

    async def check_key(self, host: str, api_key: SecretStr) -> CheckResult:
        """Find out whether the host takes the key, and whether it is an administrator's."""
        found = await self._whose(host, api_key)
        return found if isinstance(found, Wrong | Busy) else Ok(administrator=found[1] is not None)

    async def account(self, host: str, api_key: SecretStr) -> AccountInfo | None:
        """Read the account's contract; None where the key may not know, or the account answers no questions now."""
        found = await self._ask(host, self._client(host, api_key).account)
        return None if isinstance(found, Wrong | Busy) else found

    async def check_list(self, host: str, api_key: SecretStr, list_id: str) -> CheckResult:
        """Find out whether the list is there."""
        client = self._client(host, api_key)
        found = await self._ask(host, lambda: client.contact_list(list_id), missing="list_id")
        return found if isinstance(found, Wrong | Busy) else Ok(administrator=False)

    async def look(self, host: str, api_key: SecretStr) -> Sight | Wrong | Busy:
        """Find out whose key this is, what the contract says, and which lists there are."""
        whose = await self._whose(host, api_key)
        if isinstance(whose, Wrong | Busy):
            return whose
        found = await self.lists(host, api_key)
        if isinstance(found, Wrong | Busy):
            return found
        user, account = whose
        limit, total = (account.subscriber_limit, account.subscriber_total) if account else (None, None)
        return Sight(user.username, account is not None, limit, total, found.lists)

    async def lists(self, host: str, api_key: SecretStr) -> Lists | Wrong | Busy:
        """Find out which lists the account has."""
        found = await self._pages(host, self._client(host, api_key).lists)
        return found if isinstance(found, Wrong | Busy) else Lists(found)

    async def oldest_lists(self, host: str, api_key: SecretStr) -> OldestLists | Wrong | Busy:
        """Find out what does not change of the account's oldest lists, by which it is told from others."""
        found = await self._ask(host, self._client(host, api_key).oldest_lists)
        return found if isinstance(found, Wrong | Busy) else OldestLists(tuple(found.items))

    async def fields(self, host: str, api_key: SecretStr) -> Fields | Wrong | Busy:
        """Find out which custom fields the account has."""
        found = await self._pages(host, self._client(host, api_key).fields)
        return found if isinstance(found, Wrong | Busy) else Fields(found)

    async def find_contact(self, host: str, api_key: SecretStr, address: str) -> FoundFields:
        """Find out whether the account has a contact of this address."""
        client = self._client(host, api_key)
        found = await self._ask(host, lambda: client.find_contact(address))
        if isinstance(found, Wrong | Busy):
            return found
        return NotThere() if found is None else There(found.id)

    async def delete_contact(self, host: str, api_key: SecretStr, address: str) -> FoundFields:
        """Delete the account's contact of this address; tell which one it was."""
        found = await self.find_contact(host, api_key, address)
        if not isinstance(found, There):
            return found
        client, contact_id = self._client(host, api_key), found.contact_id
        gone = await self._ask(host, lambda: client.delete_contact(contact_id))
        if isinstance(gone, Wrong | Busy):
            return gone
        return found if gone else NotThere()

    async def _whose(self, host: str, api_key: SecretStr) -> tuple[User, AccountInfo | None] | Wrong | Busy:
        """Ask whose key this is, and for the contract, which only an administrator's may see."""
        client = self._client(host, api_key)
        user = await self._ask(host, client.me)
        if isinstance(user, Wrong | Busy):
            return user
        account = await self._ask(host, client.account)
        return account if isinstance(account, Wrong | Busy) else (user, account)

    async def _pages(self, host: str, read: Callable[[int], Awaitable[ResultPage[T]]]) -> tuple[T, ...] | Wrong | Busy:
        """Ask for page after page, as many as anybody would look through."""
        items: list[T] = []
        offset: int | None = 0
        for _ in range(PAGES_MOST):
            if offset is None:
                break
            page = await self._ask(host, partial(read, offset))
            if isinstance(page, Wrong | Busy):
                return page
            items += page.items
            offset = page.next_offset
        return tuple(items)

    def _client(self, host: str, api_key: SecretStr) -> Client:
        return Client(self._session, host, api_key, scheme=scheme_for(host, self._trusted))

    async def _ask(
        self, host: str, request: Callable[[], Awaitable[T]], *, missing: Field = "host"
    ) -> T | Wrong | Busy:
        """Send a request when it may go, again while its refusal is a doubtful one; `missing` is at fault for a 404."""
        account = account_of(host)
        tries, until = 0, monotonic() + PATIENCE_SECONDS
        while True:
            tries += 1
            match await self._pacer.wait(account, "question", patience_seconds=PATIENCE_SECONDS):
                case Go(at):
                    sent_at = at
                case Wait(seconds):
                    return Busy(seconds)
                case _:
                    return Busy(PATIENCE_SECONDS)
            try:
                return await request()
            except Throttled as error:
                return Busy(await self._pacer.throttled(account, "any", error.retry_after_seconds, sent_at))
            except TROUBLES as error:
                if not _is_doubtful(error) or tries == TRIES or monotonic() > until:
                    return judged(error, missing)


def _is_doubtful(error: Trouble) -> bool:
    """Whether the same question may well be answered otherwise at once: a cut connection, a 502, a 403 to a good key."""
    match error:
        case Refused():
            return not error.definite
        case NoUsableAnswer():
            return error.sent
        case _:
            return isinstance(error, Unavailable | Unreadable)


def judged(error: Trouble, missing: Field) -> Wrong | Busy:
    """Say what a person has to mend after an error; `missing` is what a 404 is about."""
    match error:
        case NoUsableAnswer():
            return Wrong("host", "nothing answered at this host; is it copied from Settings > Developer?")
        case Unreadable():
            return Wrong("host", f"the host's answers cannot be read; the last one: {error.form}")
        case Unavailable() | Throttled():
            return Busy(error.retry_after_seconds or PATIENCE_SECONDS)
        case Refused():
            return _refused(error.because)
        case ObjectNotFound():
            return Wrong(missing, "there is no such list" if missing == "list_id" else "this is no ActiveCampaign host")
        case Rejected() | TooLarge():
            return Wrong("host", "the host does not understand us; it is no ActiveCampaign host")


def _refused(because: Because) -> Wrong:
    match because:
        case Because.CREDENTIALS:
            return Wrong("api_key", "ActiveCampaign refuses the key")
        case Because.PERMISSION:
            return Wrong("api_key", "the key's user may not see this")
        case Because.PAYMENT | Because.CONTRACT:
            return Wrong("api_key", "ActiveCampaign refuses the account: its contract has to be mended first")
        case Because.NOT_ACTIVECAMPAIGN:
            return Wrong("host", "the answer is not ActiveCampaign's: host or key is wrong")
        case Because.HOST_NOT_ALLOWED:
            return Wrong("host", "the host has no public address")
