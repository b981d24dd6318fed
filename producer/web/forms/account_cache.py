"""Remembers for a minute what an account's lists and fields are, so that filling in a form does not ask for them at every step.

Only forms look here: saving asks the account itself.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from producer.accounts.findings import Busy, Fields, Lists, Wrong
from producer.registry.model import Connection
from producer.services.accounts import fields_of, lists_of
from producer.services.connections import BUSY
from producer.services.context import Services
from producer.services.identity import Identity
from producer.services.permissions import require_use
from wire.activecampaign.results import ContactList, CustomField
from wire.vault import SecretError

REMEMBERED_SECONDS: Final = 60.0
CONNECTIONS_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class CachedAccount:
    """An account's lists and fields, or in `trouble` why they cannot be told now."""

    lists: tuple[ContactList, ...] = ()
    fields: tuple[CustomField, ...] = ()
    trouble: str = ""


class AccountCache:
    """What was seen, by connection as it stands: with another key or host, it is looked at anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[tuple[str, int], tuple[float, CachedAccount]] = OrderedDict()

    async def of(self, services: Services, identity: Identity, connection: Connection) -> CachedAccount:
        """Return what the account has. Problem 403."""
        require_use(identity, connection)
        known = (connection.id, connection.changed)
        at, glimpse = self._seen.get(known, (0.0, None))
        if glimpse is not None and self._clock() - at < REMEMBERED_SECONDS:
            return glimpse
        glimpse = await _looked(services, identity, connection)
        if not glimpse.trouble:
            self._seen[known] = (self._clock(), glimpse)
            while len(self._seen) > CONNECTIONS_MOST:
                self._seen.popitem(last=False)
        return glimpse


async def _looked(services: Services, identity: Identity, connection: Connection) -> CachedAccount:
    try:
        lists, fields = await lists_of(services, identity, connection), await fields_of(services, identity, connection)
    except SecretError as error:
        return CachedAccount(trouble=str(error))
    match lists, fields:
        case Lists(found), Fields(custom):
            return CachedAccount(tuple(sorted(found, key=lambda one: one.name.casefold())), custom)
        case (Wrong(_, reason), _) | (_, Wrong(_, reason)):
            return CachedAccount(trouble=reason)
        case (Busy(), _) | (_, Busy()):
            return CachedAccount(trouble=BUSY)
        case _:
            raise AssertionError(lists, fields)
