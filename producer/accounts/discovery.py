"""Finds out which ActiveCampaign account a connection is of, and which connections are of the same one.

It is found out when a connection is made, changed or checked, and by the producer itself once a day, for connections of an
earlier version and for lists that come and go. What a person set is never found out otherwise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import structlog
from pydantic import SecretStr

from producer.accounts.findings import Busy, Checks, OldestLists, Wrong
from producer.registry.account_identity import (
    AccountIdentity,
    KnownBy,
    are_different,
    digest_of_key,
    identity_of_list,
    oldest,
    same_account,
)
from producer.registry.model import Connection
from producer.registry.store import Registry, Unregistered
from wire.vault import SecretError, Vault

AT_ONCE: Final = 5
"""Connections that one step asks after: a question each, among all others of their accounts."""

ALONE_MS: Final = 60_000
AGAIN_MS: Final = 86_400_000
REFUSED_AGAIN_MS: Final = 3_600_000

_log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """What a connection's account is, by what that is known, and the other connections of it, by their names."""

    account: str
    known_by: KnownBy
    others: tuple[Connection, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The other connections' hosts, each once."""
        return tuple(dict.fromkeys(one.host for one in self.others))


async def look_up(checks: Checks, registry: Registry, host: str, api_key: SecretStr) -> AccountIdentity:
    """Ask what tells the account behind host and key from others."""
    return _identity(await checks.oldest_lists(host, api_key), host, api_key, await registry.account_key())


def guess(host: str, identity: AccountIdentity, others: Iterable[Connection]) -> str:
    """Name the account that answers at a host, by the connections that there are; empty where none is known to be the same.

    Those whose account a person set count last: they may have been parted from the rest.
    """
    known = [
        one for one in others if one.identity and one.account_host != host and same_account(identity, one.identity)
    ]
    known.sort(key=lambda one: (bool(one.account_set), one.created))
    return known[0].account if known else ""


def is_another(identity: AccountIdentity, others: Iterable[Connection]) -> bool:
    """Whether some of these connections are known to be of another account than this."""
    return any(one.identity is not None and are_different(identity, one.identity) for one in others)


def seen(connection: Connection, connections: Iterable[Connection]) -> AccountSeen:
    """Say what is known of a connection's account."""
    others = tuple(one for one in connections if one.account == connection.account and one.id != connection.id)
    if connection.account_set:
        return AccountSeen(connection.account, KnownBy.OVERRIDE, others)
    found = {
        same_account(connection.identity, one.identity)
        for one in others
        if connection.identity and one.identity and one.account_host != connection.account_host
    }
    by = KnownBy.API_KEY if KnownBy.API_KEY in found else KnownBy.LISTS if KnownBy.LISTS in found else KnownBy.HOST
    return AccountSeen(connection.account, by, others)


def to_unite(connections: Sequence[Connection]) -> tuple[Connection, Connection] | None:
    """Pick two connections that are the same account and are not known to be: the one that was there first comes first.

    Accounts that a person named are left as that person has put them together.
    """
    named = {one.account for one in connections if one.account_set}
    free = sorted((one for one in connections if one.account not in named), key=lambda one: (one.created, one.name))
    for first, second in combinations(free, 2):
        if first.account == second.account or not (first.identity and second.identity):
            continue
        if same_account(first.identity, second.identity):
            return first, second
    return None


class AccountDiscovery:
    """Finds out by itself, for one producer; several share the work."""

    def __init__(self, registry: Registry, checks: Checks, vault: Vault) -> None:
        self._registry = registry
        self._checks = checks
        self._vault = vault

    async def step(self) -> None:
        """Ask after connections whose turn it is, and unite accounts that are the same."""
        ids = await self._registry.claim_identities(AT_ONCE, alone_ms=ALONE_MS, longest_ms=AGAIN_MS)
        for connection_id in ids:
            connection = await self._registry.connection_by_id(connection_id)
            if connection is not None:
                await self._look(connection)
        if ids:
            await unite_all(self._registry)

    async def _look(self, connection: Connection) -> None:
        try:
            sealed = await self._registry.secret(connection.id)
            api_key = self._vault.open(connection.id, sealed)
        except (SecretError, Unregistered):
            return
        found = await self._checks.oldest_lists(connection.host, api_key)
        identity = _identity(found, connection.account_host, api_key, await self._registry.account_key())
        if identity.lists is None and connection.identity and connection.identity.key == identity.key:
            identity = connection.identity  # what they were when they could be read
        again = {OldestLists: AGAIN_MS, Wrong: REFUSED_AGAIN_MS, Busy: ALONE_MS}[type(found)]
        await self._registry.keep_identity(connection, sealed, identity, again_ms=again)


async def unite_all(registry: Registry) -> None:
    """Unite the accounts of connections that are the same."""
    while (found := to_unite(await registry.connections())) is not None:
        first, second = found
        changed = await registry.unite_accounts(second.account, first.account)
        if not changed:
            return  # another producer is about it
        _log.info("accounts_united", account=first.account, was=second.account, connections=list(changed))


def _identity(found: OldestLists | Wrong | Busy, host: str, api_key: SecretStr, secret: bytes) -> AccountIdentity:
    lists = None
    if isinstance(found, OldestLists):
        lists = oldest(identity_of_list(one.id, one.stringid, one.created, secret) for one in found.lists)
    return AccountIdentity(host, digest_of_key(api_key, secret), lists)
