"""Connections: what is done with them, and the handlers; the key of one goes in, is checked and sealed, and never comes out.

Functions that take `of` and `who` know nothing of requests: the page does the same things by them.
"""

from dataclasses import replace
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from producer.api.access import IDENTITY, Identity
from producer.api.answering import answer, answer_page, cut, window
from producer.api.bodies import ConnectionBody, ConnectionChange, NothingBody
from producer.api.collaborators import Collaborators, collaborators
from producer.api.documents import CheckDocument, ConnectionDeleted, ConnectionDocument, ConnectionGlimpse
from producer.api.openness import require_admin
from producer.api.problems import later, unprocessable
from producer.api.reading import read_body
from producer.findings import Busy, Finding, Good, Wrong
from wire.registrations import Allow, Connection, Consent, Limits
from wire.registry import Deleted, NameTaken, Unregistered

BUSY = "The ActiveCampaign account answers no questions now."


async def create_connection(of: Collaborators, who: Identity, body: ConnectionBody) -> Connection:
    """Check host and key, then keep the connection with its key sealed. NameTaken; Problem 403, 422 or 503."""
    require_admin(who)
    host = mended_host(of, body.host)
    await _refuse_taken(of, body.name)
    found = good(await of.checks.check_key(host, body.api_key))
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
    )
    await of.registry.save_connection(connection, secret=of.vault.seal(connection.id, body.api_key), by=who.author)
    return connection


async def change_connection(of: Collaborators, who: Identity, before: Connection, body: ConnectionChange) -> Connection:
    """Keep a connection as it is to be from now on; with another host or key, both are checked again.

    NameTaken, Unregistered; Problem 403, 422 or 503.
    """
    require_admin(who)
    host = mended_host(of, body.host)
    administrator, export_user = before.administrator, before.export_user
    if host != before.host or body.api_key is not None:
        key: SecretStr = body.api_key or await opened_key(of, before)
        administrator, export_user = good(await of.checks.check_key(host, key)).administrator, who.name
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
    )
    secret = None if body.api_key is None else of.vault.seal(before.id, body.api_key)
    await of.registry.save_connection(after, secret=secret, replaces=before, by=who.author)
    return after


async def delete_connection(of: Collaborators, who: Identity, name: str) -> Deleted:
    """Delete a connection and its key. Unregistered; Problem 403."""
    require_admin(who)
    return await of.registry.delete_connection(name, by=who.author)


async def check_connection(of: Collaborators, connection: Connection) -> Good | Wrong:
    """Look whether host and key are still good. Problem 503."""
    match await of.checks.check_key(connection.host, await opened_key(of, connection)):
        case Busy(seconds):
            raise later(BUSY, seconds)
        case found:
            return found


async def create(request: web.Request) -> web.Response:
    """Make a connection."""
    body = await read_body(request, ConnectionBody)
    connection = await create_connection(collaborators(request), request[IDENTITY], body)
    return answer(ConnectionDocument.of(connection), 201)


async def show_all(request: web.Request) -> web.Response:
    """List connections by name, as much of each as whoever asks may see."""
    part, following = cut(await collaborators(request).registry.connections(), lambda one: one.name, window(request))
    return answer_page([_shown(connection, request[IDENTITY]) for connection in part], following)


async def show(request: web.Request) -> web.Response:
    """Show a connection, or as much of it as whoever asks may see."""
    return answer(_shown(await _named(request), request[IDENTITY]))


async def change(request: web.Request) -> web.Response:
    """Change a connection by a merge patch."""
    before = await _named(request)
    body = await read_body(request, ConnectionChange, onto=connection_as_body(before))
    return answer(
        ConnectionDocument.of(await change_connection(collaborators(request), request[IDENTITY], before, body))
    )


async def delete(request: web.Request) -> web.Response:
    """Delete a connection and its key."""
    gone = await delete_connection(collaborators(request), request[IDENTITY], request.match_info["name"])
    return answer(ConnectionDeleted(detached=list(gone.detached), ended_runs=list(gone.ended_runs)))


async def check(request: web.Request) -> web.Response:
    """Look whether host and key are still good."""
    connection = await _named(request)
    await read_body(request, NothingBody, optional=True)
    match await check_connection(collaborators(request), connection):
        case Good(administrator):
            return answer(CheckDocument(ok=True, administrator=administrator))
        case Wrong(field, reason):
            return answer(CheckDocument(ok=False, field=field, detail=reason))


def good(found: Finding) -> Good:
    """Return what is good; Problem 422 naming the field, or 503 while the account is busy."""
    match found:
        case Good():
            return found
        case Wrong(field, reason):
            raise unprocessable({f"/{field}": reason})
        case Busy(seconds):
            raise later(BUSY, seconds)


def mended_host(of: Collaborators, text: str) -> str:
    """Return the host that was meant; Problem 422."""
    match of.checks.mend_host(text):
        case Wrong(field, reason):
            raise unprocessable({f"/{field}": reason})
        case host:
            return host


async def opened_key(of: Collaborators, connection: Connection) -> SecretStr:
    """Open the kept key of a connection."""
    return of.vault.open(connection.id, await of.registry.secret(connection.id))


async def _refuse_taken(of: Collaborators, name: str) -> None:
    """Say that the name is taken before anything is asked of ActiveCampaign; the script that saves decides."""
    try:
        await of.registry.connection(name)
    except Unregistered:
        return
    raise NameTaken(f"there is a connection {name!r} already")


async def _named(request: web.Request) -> Connection:
    return await collaborators(request).registry.connection(request.match_info["name"])


def _shown(connection: Connection, to: Identity) -> ConnectionDocument | ConnectionGlimpse:
    return ConnectionDocument.of(connection) if to.is_admin else ConnectionGlimpse(name=connection.name)


def connection_as_body(connection: Connection) -> dict[str, Any]:
    """Return what a merge patch of a connection goes onto."""
    document = ConnectionDocument.of(connection).model_dump()
    return {name: document[name] for name in ("name", "display_name", "host", "allow", "limits")}
