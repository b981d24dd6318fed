"""Forgets people: erases them from the record, keeps them from being sent again, and tells what was done as a receipt.

What a chunk under way still has is erased when that has ended, by whichever producer is there: `go_on` is one step of that.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Literal

import structlog

from producer.accounts.findings import Busy, Checks, FoundFields, NotThere, There, Wrong
from producer.audit.entry import SYSTEM, Author
from producer.contacts.email_addresses import address_key
from producer.people.erasure_store import Erased, ErasureRequest, ErasureStore, sum_of
from producer.registry.store import Registry, Unregistered
from wire.store.results import Rewritten
from wire.vault import SecretError, Vault

DeletionOutcome = Literal["deleted", "not_there", "not_deleted"]

_log: Any = structlog.get_logger(__name__)

UNATTENDED_MS: Final = 15_000
"""After that, somebody's erasure is gone on with by any producer: as long as whoever asked may be about it."""

_WEIGHTS: Final[tuple[DeletionOutcome, ...]] = ("not_there", "deleted", "not_deleted")

UNREADABLE: Final = "its key cannot be opened"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What became of the contact at an ActiveCampaign account; `why` it is not deleted."""

    connection: str
    fate: DeletionOutcome
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased where; `is_done`: nothing in the record holds the person. `log` is about its append-only file."""

    forgotten_at: int
    erased: Erased
    is_done: bool
    log: Rewritten | None
    elsewhere: tuple[Elsewhere, ...]


class Eraser:
    """Forgets people for one producer process; may be asked again for the same."""

    def __init__(
        self,
        erasure_store: ErasureStore,
        registry: Registry,
        checks: Checks,
        vault: Vault,
        now: Callable[[], Awaitable[int]],
    ) -> None:
        self._now = now
        self._erasure_store = erasure_store
        self._registry = registry
        self._checks = checks
        self._vault = vault

    async def forget(self, address: str, *, elsewhere: bool, by: Author = SYSTEM) -> Receipt:
        """Forget the person of an address, as `address_key` writes it, and of those that they had before; StoreError."""
        at, receipts = 0, []
        # All of them are noted before the first is erased: with its entry goes what tells the others.
        addresses = [*sorted(await self._erasure_store.others_of(address)), address]
        for one in addresses:
            at = await self._erasure_store.forget(one, elsewhere=elsewhere, by=by)
        kept = {one.address: one for one in await self._erasure_store.asked()}
        for one in addresses:
            asked = kept.get(one) or ErasureRequest(one, at, elsewhere)
            receipts.append(await self._erase(asked, at_once=True))
        is_done = all(done for _, done, _ in receipts)
        log = await self._erasure_store.rewrite_log() if is_done else None
        erased = sum_of(erased for erased, _, _ in receipts)
        return Receipt(at, erased, is_done, log, _worst(accounts for _, _, accounts in receipts))

    async def go_on(self) -> None:
        """Erase whomever a chunk or a survey under way had when it was asked for, as far as that has ended."""
        now = await self._now()
        for asked in await self._erasure_store.asked():
            if now - asked.at < UNATTENDED_MS:
                continue  # whoever asked is still about it
            erased, is_done, accounts = await self._erase(asked, at_once=False)
            if is_done:
                failed = sum(one.fate == "not_deleted" for one in accounts)
                _log.info("erased", **erased.counts(), accounts=len(accounts), accounts_failed=failed)
        await self._erasure_store.rewrite_log(due_ms=UNATTENDED_MS)

    async def _erase(self, asked: ErasureRequest, *, at_once: bool) -> tuple[Erased, bool, tuple[Elsewhere, ...]]:
        """Erase, and tell whether nothing has them any more. Contacts are deleted last: nobody sends them again then."""
        erased = await self._erasure_store.erase(asked, same(asked.address), at_once=at_once)
        if erased.waits_for:
            return erased, False, ()
        accounts = await self._delete(asked.address) if asked.elsewhere else ()
        return erased, await self._erasure_store.finish(asked), accounts

    async def _delete(self, address: str) -> tuple[Elsewhere, ...]:
        """Delete the contact at every account, over the first of its connections that can."""
        fates: dict[str, Elsewhere] = {}
        for connection in await self._registry.connections():
            told = fates.get(connection.account)
            if told is not None and told.fate != "not_deleted":
                continue
            try:
                api_key = self._vault.open(connection.id, await self._registry.secret(connection.id))
            except (SecretError, Unregistered):
                fates[connection.account] = Elsewhere(connection.name, "not_deleted", UNREADABLE)
                continue
            found = await self._checks.delete_contact(connection.host, api_key, address)
            fates[connection.account] = _told(connection.name, found)
        return tuple(fates.values())


def _worst(accounts: Iterable[tuple[Elsewhere, ...]]) -> tuple[Elsewhere, ...]:
    """Tell once of each account what became of somebody's contacts: one that is still there counts more than one that is not."""
    told: dict[str, Elsewhere] = {}
    for one in chain.from_iterable(accounts):
        before = told.get(one.connection)
        if before is None or _WEIGHTS.index(one.fate) > _WEIGHTS.index(before.fate):
            told[one.connection] = one
    return tuple(told.values())


def _told(connection: str, found: FoundFields) -> Elsewhere:
    match found:
        case There():
            return Elsewhere(connection, "deleted")
        case NotThere():
            return Elsewhere(connection, "not_there")
        case Wrong(_, reason):
            return Elsewhere(connection, "not_deleted", reason)
        case Busy():
            return Elsewhere(connection, "not_deleted", "the account answers no questions now")


def same(address: str) -> Callable[[str], bool]:
    """Tell an address in whatever spelling from others."""
    return lambda text: text.strip().lower() == address or (not text.isascii() and address_key(text) == address)
