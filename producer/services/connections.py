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
from producer.services.identity import Identity
from producer.services.permissions import require_admin
from producer.services.problems import try_later, unprocessable
from producer.services.requests import ConnectionBody, ConnectionChange
from wire.http.hosts import account_of
from wire.vault import SecretError

BUSY = "The ActiveCampaign account answers no questions now."


async def create_connection(of: Services, who: Identity, body: ConnectionBody) -> Connection:
    """Check host and key, then keep the connection with its key sealed. NameTaken; Problem 403, 422 or 503."""
    require_admin(who)
    host = read_host_field(of, body.host)
    await _refuse_taken(of, body.name)
    found = value_or_problem(await of.checks.check_key(host, body.api_key))
    identity = await look_up(of.checks, of.registry, host, body.api_key)
    account = await _account(of, host, body.account or "", identity)
    now = of.clock_ms()
    connection = Connection(
        id=of.new_id(),
        name=body.name,
        display_name=body.display_name or body.name,
        host=host,
        allow=Allow(body.allow),
        limits=Limits(**body.limits.model_dump()),
        consent=Consent(who.name, now),
        administrator=found.administrator,
        created=now,
        changed=now,
        export_user=who.name,
        account_name=account or account_of(host),
        account_set=body.account or "",
        identity=identity,
    )
    secret = of.vault.seal(connection.id, body.api_key)
    await of.registry.save_connection(connection, secret=secret, account=account, by=who.author)
    return await _as_kept(of, connection)


async def change_connection(of: Services, who: Identity, before: Connection, body: ConnectionChange) -> Connection:
    """Keep a connection as it is to be from now on; with another host or key, both are checked again.

    NameTaken, Unregistered; Problem 403, 422 or 503.
    """
    require_admin(who)
    host = read_host_field(of, body.host)
    administrator, export_user = before.administrator, before.export_user
    identity = before.identity
    is_told = bool(before.account_set) and not body.account  # what was set by hand is found out again
    if host != before.host or body.api_key is not None or is_told:
        key: SecretStr = body.api_key or await opened_key(of, before)
        administrator = value_or_problem(await of.checks.check_key(host, key)).administrator
        export_user = before.export_user if host == before.host and body.api_key is None else who.name
        identity = await look_up(of.checks, of.registry, host, key)
    account = await _account(of, host, body.account or "", identity, before)
    after = replace(
        before,
        name=body.name,
        display_name=body.display_name or body.name,
        host=host,
        allow=Allow(body.allow),
        limits=Limits(**body.limits.model_dump()),
        administrator=administrator,
        changed=of.clock_ms(),
        export_user=export_user,
        account_name=account or (before.account if account_of(host) == before.account_host else account_of(host)),
        account_set=body.account or "",
        identity=identity,
    )
    secret = None if body.api_key is None else of.vault.seal(before.id, body.api_key)
    await of.registry.save_connection(after, secret=secret, replaces=before, account=account, by=who.author)
    return await _as_kept(of, after)


async def delete_connection(of: Services, who: Identity, name: str) -> Deleted:
    """Delete a connection and its key. Unregistered; Problem 403."""
    require_admin(who)
    return await of.registry.delete_connection(name, by=who.author)


async def check_connection(of: Services, connection: Connection) -> Ok | Wrong:
    """Look whether host and key are still good, and which account answers. Problem 503."""
    match await of.checks.check_key(connection.host, await opened_key(of, connection)):
        case Busy(seconds):
            raise try_later(BUSY, seconds)
        case Ok() as found:
            await look_at_account(of, connection)
            return found
        case found:
            return found


async def look_at_account(of: Services, connection: Connection) -> None:
    """Look which account answers at a connection's host; what cannot be told now stays as it is known."""
    sealed = await of.registry.secret(connection.id)
    identity = await look_up(of.checks, of.registry, connection.host, of.vault.open(connection.id, sealed))
    if identity.lists is not None or connection.identity is None:
        await of.registry.keep_identity(connection, sealed, identity, again_ms=AGAIN_MS)
    await unite_all(of.registry)


async def _as_kept(of: Services, connection: Connection) -> Connection:
    """Read a connection again, with the account that it is of from now on."""
    await unite_all(of.registry)
    return await of.registry.connection_by_id(connection.id) or connection


async def _account(
    of: Services, host: str, wanted: str, identity: AccountIdentity | None, before: Connection | None = None
) -> str:
    """Name the account that answers at a host; empty where that stays what it is. Problem 422."""
    at, connections = account_of(host), await of.registry.connections()
    others = [one for one in connections if before is None or one.id != before.id]
    here = [one for one in others if one.account_host == at]
    set_here = next((one for one in here if one.account_set), None)
    has_moved = before is not None and before.account_host != at
    if wanted:
        if set_here and set_here.account_set != wanted:
            raise unprocessable(
                {"/account": f"the connection {set_here.name} of the same host says {set_here.account_set}"}
            )
        if before and has_moved and before.account_set == wanted and _are_different(identity, before.identity):
            raise unprocessable(
                {"/account": "the lists at this host are not those of that account: name another, or leave it empty"}
            )
        return wanted
    if set_here:
        return set_here.account
    if identity is None or (before and identity == before.identity and not before.account_set):
        return ""
    if before and has_moved:
        others.append(await _with_identity(of, before))
    if found := guess(at, identity, others):
        return found
    known = (await of.registry.account_names()).get(at, at)
    is_wrong = is_another(identity, [one for one in connections if one.account == known and one.account_host != at])
    return at if not here and (is_wrong or (before and before.account_set)) else ""


def _are_different(one: AccountIdentity | None, other: AccountIdentity | None) -> bool:
    return one is not None and other is not None and are_different(one, other)


async def _with_identity(of: Services, connection: Connection) -> Connection:
    """Find out what an earlier version did not note: what tells the account that a connection leaves from others."""
    if connection.identity is not None:
        return connection
    try:
        api_key = await opened_key(of, connection)
    except (SecretError, Unregistered):
        return connection
    return replace(connection, identity=await look_up(of.checks, of.registry, connection.host, api_key))


def value_or_problem(found: CheckResult) -> Ok:
    """Return what is good; Problem 422 naming the field, or 503 while the account is busy."""
    match found:
        case Ok():
            return found
        case Wrong(field, reason):
            raise unprocessable({f"/{field}": reason})
        case Busy(seconds):
            raise try_later(BUSY, seconds)


def read_host_field(of: Services, text: str) -> str:
    """Return the host that was meant; Problem 422."""
    match of.checks.mend_host(text):
        case Wrong(field, reason):
            raise unprocessable({f"/{field}": reason})
        case host:
            return host


async def opened_key(of: Services, connection: Connection) -> SecretStr:
    """Open the kept key of a connection."""
    return of.vault.open(connection.id, await of.registry.secret(connection.id))


async def _refuse_taken(of: Services, name: str) -> None:
    """Say that the name is taken before anything is asked of ActiveCampaign; the script that saves decides."""
    try:
        await of.registry.connection(name)
    except Unregistered:
        return
    raise NameTaken(f"there is a connection {name!r} already")


def shown_connection(
    connection: Connection, connections: Sequence[Connection], to: Identity
) -> ConnectionDocument | ConnectionGlimpse:
    """Return a connection as this identity may see it."""
    return ConnectionDocument.of(connection, connections) if to.is_admin else ConnectionGlimpse(name=connection.name)


async def connection_document(of: Services, connection: Connection) -> ConnectionDocument:
    """Show a connection among all others."""
    return ConnectionDocument.of(connection, await of.registry.connections())


def connection_as_body(connection: Connection) -> dict[str, Any]:
    """Return what a merge patch of a connection goes onto."""
    document = ConnectionDocument.of(connection, ()).model_dump()
    said = {name: document[name] for name in ("name", "display_name", "host", "allow", "limits")}
    return said | {"account": connection.account_set or None}
