"""Connections: what is done with them, and the handlers; the key of one goes in, is checked and sealed, and never comes out.

Functions that take `of` and `who` know nothing of requests: the page does the same things by them.
"""

from aiohttp import web

from producer.accounts.discovery import seen
from producer.accounts.findings import Ok, Wrong
from producer.api.access import IDENTITY
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer, answer_page, window
from producer.registry.model import Connection
from producer.services.connections import (
    change_connection,
    check_connection,
    connection_as_body,
    connection_document,
    create_connection,
    delete_connection,
    shown_connection,
)
from producer.services.documents import (
    CheckDocument,
    ConnectionDeleted,
    account_note,
)
from producer.services.paging import cut
from producer.services.requests import ConnectionBody, ConnectionChange, NothingBody


async def create(request: web.Request) -> web.Response:
    """Make a connection."""
    body = await read_body(request, ConnectionBody)
    connection = await create_connection(services_of(request), request[IDENTITY], body)
    return answer(await connection_document(services_of(request), connection), 201)


async def show_all(request: web.Request) -> web.Response:
    """List connections by name, as much of each as whoever asks may see."""
    connections = await services_of(request).registry.connections()
    part, following = cut(connections, lambda one: one.name, window(request))
    return answer_page([shown_connection(connection, connections, request[IDENTITY]) for connection in part], following)


async def show(request: web.Request) -> web.Response:
    """Show a connection, or as much of it as whoever asks may see."""
    connection = await _named(request)
    connections = await services_of(request).registry.connections()
    return answer(shown_connection(connection, connections, request[IDENTITY]))


async def change(request: web.Request) -> web.Response:
    """Change a connection by a merge patch."""
    before = await _named(request)
    body = await read_body(request, ConnectionChange, onto=connection_as_body(before))
    services = services_of(request)
    return answer(
        await connection_document(services, await change_connection(services, request[IDENTITY], before, body))
    )


async def delete(request: web.Request) -> web.Response:
    """Delete a connection and its key."""
    gone = await delete_connection(services_of(request), request[IDENTITY], request.match_info["name"])
    return answer(ConnectionDeleted(detached=list(gone.detached), ended_runs=list(gone.ended_runs)))


async def check(request: web.Request) -> web.Response:
    """Look whether host and key are still good."""
    connection = await _named(request)
    await read_body(request, NothingBody, optional=True)
    services = services_of(request)
    found = await check_connection(services, connection)
    connection = await services.registry.connection_by_id(connection.id) or connection
    account = seen(connection, await services.registry.connections())
    document = CheckDocument(
        ok=True,
        account=account.account,
        account_known_by=account.known_by.value,
        account_note=account_note(account, connection.host),
        same_account=[one.name for one in account.others],
    )
    match found:
        case Ok(administrator):
            return answer(document.model_copy(update={"administrator": administrator}))
        case Wrong(field, reason):
            return answer(document.model_copy(update={"ok": False, "field": field, "detail": reason}))


async def _named(request: web.Request) -> Connection:
    return await services_of(request).registry.connection(request.match_info["name"])
