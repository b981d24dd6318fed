"""The handlers of exports; saving checks that the list is there and runs nothing."""

from dataclasses import replace
from typing import Any

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.answering import answer, answer_page, cut, window
from producer.api.bodies import ExportBody, ExportChange
from producer.api.collaborators import Collaborators, collaborators
from producer.api.connections import good, opened_key
from producer.api.documents import ExportDeleted, ExportDocument
from producer.api.openness import require_use
from producer.api.problems import unprocessable
from producer.api.reading import read_body
from wire.registrations import Connection, Export
from wire.registry import Unregistered


async def create(request: web.Request) -> web.Response:
    """Check the list, then keep the export."""
    of = collaborators(request)
    body = await read_body(request, ExportBody)
    _confirmed(body, before=None)
    connection = await _connection(of, body.connection)
    require_use(request[IDENTITY], connection)
    await _check_list(of, connection, body.list_id)
    now = of.clock_ms()
    export = Export(id=of.new_id(), connection=connection.id, created=now, changed=now, **_settings(of, body))
    await of.registry.save_export(export, by_contributor=not request[IDENTITY].is_admin)
    return answer(ExportDocument.of(export, connection.name), 201)


async def show_all(request: web.Request) -> web.Response:
    """List exports by name."""
    registry = collaborators(request).registry
    part, following = cut(await registry.exports(), lambda export: export.name, window(request))
    names = {connection.id: connection.name for connection in await registry.connections()}
    return answer_page([ExportDocument.of(export, names.get(export.connection or "")) for export in part], following)


async def show(request: web.Request) -> web.Response:
    """Show an export."""
    export = await _named(request)
    connection = await _connection_of(collaborators(request), export)
    return answer(ExportDocument.of(export, _name(connection)))


async def change(request: web.Request) -> web.Response:
    """Change an export by a merge patch; with another list or connection, the list is checked again."""
    of, before, who = collaborators(request), await _named(request), request[IDENTITY]
    was = await _connection_of(of, before)
    require_use(who, was)
    document = ExportDocument.of(before, _name(was)).model_dump()
    body = await read_body(request, ExportChange, onto=_as_body(document))
    _confirmed(body, before)
    connection = None if body.connection is None else await _connection(of, body.connection)
    require_use(who, connection)
    moved = connection is not None and connection.id != before.connection
    if connection is not None and (moved or body.list_id != before.list_id):
        await _check_list(of, connection, body.list_id)
    after = replace(
        before,
        connection=None if connection is None else connection.id,
        changed=of.clock_ms(),
        **_settings(of, body),
    )
    await of.registry.save_export(after, replaces=before, by_contributor=not who.is_admin)
    return answer(ExportDocument.of(after, _name(connection)))


async def delete(request: web.Request) -> web.Response:
    """Delete an export and cancel its runs."""
    registry, by_contributor = collaborators(request).registry, not request[IDENTITY].is_admin
    ended = await registry.delete_export(request.match_info["name"], by_contributor=by_contributor)
    return answer(ExportDeleted(ended_runs=list(ended)))


async def _named(request: web.Request) -> Export:
    return await collaborators(request).registry.export(request.match_info["name"])


async def _connection(of: Collaborators, name: str) -> Connection:
    try:
        return await of.registry.connection(name)
    except Unregistered as error:
        raise unprocessable({"/connection": str(error)}) from None


async def _connection_of(of: Collaborators, export: Export) -> Connection | None:
    return None if export.connection is None else await of.registry.connection_by_id(export.connection)


def _confirmed(body: ExportBody, before: Export | None) -> None:
    """Unsubscribing is a one-way door: ActiveCampaign may never let those people back in. So it is asked for twice."""
    is_new = before is None or before.leavers != body.leavers
    if body.leavers == "unsubscribe" and is_new and not body.confirm_unsubscribe:
        raise unprocessable(
            {"/confirm_unsubscribe": "must be true: whoever leaves the segment is unsubscribed for ever"}
        )


async def _check_list(of: Collaborators, connection: Connection, list_id: str) -> None:
    good(await of.checks.check_list(connection.host, await opened_key(of, connection), list_id))


def _name(connection: Connection | None) -> str | None:
    return None if connection is None else connection.name


def _settings(of: Collaborators, body: ExportBody) -> dict[str, Any]:
    """Return what the body says of an export, but for the connection, which is kept by its id."""
    said = body.model_dump(exclude={"connection", "confirm_unsubscribe"})
    return said | {"budget_minutes": body.budget_minutes or of.budget_minutes}


def _as_body(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name in ExportBody.model_fields}
