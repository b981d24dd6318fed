"""What can be done with connections: create, change, delete and check them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from producer.accounts.discovery import AGAIN_MS, guess, is_another, look_up, unite_all
from producer.accounts.findings import Busy, CheckResult, Ok, Wrong
from producer.registry.account_identity import AccountIdentity, are_different
from producer.registry.model import Allow, Connection, Consent, Limits
from producer.registry.store import Deleted, NameTaken, Unregistered
from producer.services.context import Services
from producer.services.documents import (
    ConnectionDocument,
    ConnectionGlimpse,
)
from producer.services.errors import TryLater, invalid_fields
from producer.services.identity import Identity
from producer.services.permissions import require_admin
from producer.services.requests import ConnectionBody, ConnectionChange
from wire.http.hosts import account_of
from wire.vault import SecretError

BUSY = "The ActiveCampaign account answers no questions now."


async def create_connection(services: Services, identity: Identity, body: ConnectionBody) -> Connection:
    """Check host and key, then keep the connection with its key sealed. NameTaken; Forbidden, Invalid or TryLater."""
    require_admin(identity)
    host = read_host_field(services, body.host)
    await _refuse_taken(services, body.name)
    found = value_or_problem(await services.checks.check_key(host, body.api_key))
    known_identity = await look_up(services.checks, services.registry, host, body.api_key)
    account = await _account(services, host, body.account or "", known_identity)
    now = services.clock_ms()
    connection = Connection(
        id=services.new_id(),
        name=body.name,
        display_name=body.display_name or body.name,
        host=host,
        allow=Allow(body.allow),
        limits=Limits(**body.limits.model_dump()),
        consent=Consent(identity.name, now),
        administrator=found.administrator,
        created=now,
        changed=now,
        export_user=identity.name,
        account_name=account or account_of(host),
        account_set=body.account or "",
        identity=known_identity,
    )
    secret = services.vault.seal(connection.id, body.api_key)
    await services.registry.save_connection(connection, secret=secret, account=account, by=identity.author)
    return await _as_kept(services, connection)


async def change_connection(
    services: Services, identity: Identity, before: Connection, body: ConnectionChange
) -> Connection:
    """Keep a connection as it is to be from now on; with another host or key, both are checked again.

    NameTaken, Unregistered; Forbidden, Invalid or TryLater.
    """
    require_admin(identity)
    host = read_host_field(services, body.host)
    administrator, export_user = before.administrator, before.export_user
    known_identity = before.identity
    is_told = bool(before.account_set) and not body.account  # what was set by hand is found out again
    if host != before.host or body.api_key is not None or is_told:
        key: SecretStr = body.api_key or await opened_key(services, before)
        administrator = value_or_problem(await services.checks.check_key(host, key)).administrator
        export_user = before.export_user if host == before.host and body.api_key is None else identity.name
        known_identity = await look_up(services.checks, services.registry, host, key)
    account = await _account(services, host, body.account or "", known_identity, before)
    after = replace(
        before,
        name=body.name,
        display_name=body.display_name or body.name,
        host=host,
        allow=Allow(body.allow),
        limits=Limits(**body.limits.model_dump()),
        administrator=administrator,
        changed=services.clock_ms(),
        export_user=export_user,
        account_name=account or (before.account if account_of(host) == before.account_host else account_of(host)),
        account_set=body.account or "",
        identity=known_identity,
    )
    secret = None if body.api_key is None else services.vault.seal(before.id, body.api_key)
    await services.registry.save_connection(after, secret=secret, replaces=before, account=account, by=identity.author)
    return await _as_kept(services, after)


async def delete_connection(services: Services, identity: Identity, name: str) -> Deleted:
    """Delete a connection and its key. Unregistered; Forbidden."""
    require_admin(identity)
    return await services.registry.delete_connection(name, by=identity.author)


async def check_connection(services: Services, connection: Connection) -> Ok | Wrong:
    """Look whether host and key are still good, and which account answers. TryLater."""
    match await services.checks.check_key(connection.host, await opened_key(services, connection)):
        case Busy(seconds):
            raise TryLater(BUSY, seconds)
        case Ok() as found:
            await look_at_account(services, connection)
            return found
        case found:
            return found


async def look_at_account(services: Services, connection: Connection) -> None:
    """Look which account answers at a connection's host; what cannot be told now stays as it is known."""
    sealed = await services.registry.secret(connection.id)
    known_identity = await look_up(
        services.checks, services.registry, connection.host, services.vault.open(connection.id, sealed)
    )
    if known_identity.lists is not None or connection.identity is None:
        await services.registry.keep_identity(connection, sealed, known_identity, again_ms=AGAIN_MS)
    await unite_all(services.registry)


async def _as_kept(services: Services, connection: Connection) -> Connection:
    """Read a connection again, with the account that it is of from now on."""
    await unite_all(services.registry)
    return await services.registry.connection_by_id(connection.id) or connection


async def _account(
    services: Services, host: str, wanted: str, known_identity: AccountIdentity | None, before: Connection | None = None
) -> str:
    """Name the account that answers at a host; empty where that stays what it is. Invalid."""
    at, connections = account_of(host), await services.registry.connections()
    others = [one for one in connections if before is None or one.id != before.id]
    here = [one for one in others if one.account_host == at]
    set_here = next((one for one in here if one.account_set), None)
    has_moved = before is not None and before.account_host != at
    if wanted:
        if set_here and set_here.account_set != wanted:
            raise invalid_fields(
                {"/account": f"the connection {set_here.name} of the same host says {set_here.account_set}"}
            )
        if before and has_moved and before.account_set == wanted and _are_different(known_identity, before.identity):
            raise invalid_fields(
                {"/account": "the lists at this host are not those of that account: name another, or leave it empty"}
            )
        return wanted
    if set_here:
        return set_here.account
    if known_identity is None or (before and known_identity == before.identity and not before.account_set):
        return ""
    if before and has_moved:
        others.append(await _with_identity(services, before))
    if found := guess(at, known_identity, others):
        return found
    known = (await services.registry.account_names()).get(at, at)
    is_wrong = is_another(
        known_identity, [one for one in connections if one.account == known and one.account_host != at]
    )
    return at if not here and (is_wrong or (before and before.account_set)) else ""


def _are_different(one: AccountIdentity | None, other: AccountIdentity | None) -> bool:
    return one is not None and other is not None and are_different(one, other)


async def _with_identity(services: Services, connection: Connection) -> Connection:
    """Find out what an earlier version did not note: what tells the account that a connection leaves from others."""
    if connection.identity is not None:
        return connection
    try:
        api_key = await opened_key(services, connection)
    except (SecretError, Unregistered):
        return connection
    return replace(connection, identity=await look_up(services.checks, services.registry, connection.host, api_key))


def value_or_problem(found: CheckResult) -> Ok:
    """Return what is good; Invalid naming the field, or 503 while the account is busy."""
    match found:
        case Ok():
            return found
        case Wrong(field, reason):
            raise invalid_fields({f"/{field}": reason})
        case Busy(seconds):
            raise TryLater(BUSY, seconds)


def read_host_field(services: Services, text: str) -> str:
    """Return the host that was meant; Invalid."""
    match services.checks.mend_host(text):
        case Wrong(field, reason):
            raise invalid_fields({f"/{field}": reason})
        case host:
            return host


async def opened_key(services: Services, connection: Connection) -> SecretStr:
    """Open the kept key of a connection."""
    return services.vault.open(connection.id, await services.registry.secret(connection.id))


async def _refuse_taken(services: Services, name: str) -> None:
    """Say that the name is taken before anything is asked of ActiveCampaign; the script that saves decides."""
    try:
        await services.registry.connection(name)
    except Unregistered:
        return
    raise NameTaken(f"there is a connection {name!r} already")


def shown_connection(
    connection: Connection, connections: Sequence[Connection], to: Identity
) -> ConnectionDocument | ConnectionGlimpse:
    """Return a connection as this identity may see it."""
    return ConnectionDocument.of(connection, connections) if to.is_admin else ConnectionGlimpse(name=connection.name)


async def connection_document(services: Services, connection: Connection) -> ConnectionDocument:
    """Show a connection among all others."""
    return ConnectionDocument.of(connection, await services.registry.connections())


def connection_as_body(connection: Connection) -> dict[str, Any]:
    """Return what a merge patch of a connection goes onto."""
    document = ConnectionDocument.of(connection, ()).model_dump()
    said = {name: document[name] for name in ("name", "display_name", "host", "allow", "limits")}
    return said | {"account": connection.account_set or None}
