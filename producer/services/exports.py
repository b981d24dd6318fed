"""What can be done with exports. Saving checks that the list exists; it runs nothing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from producer.registry.model import Connection, Export
from producer.registry.store import Unregistered
from producer.services.connections import opened_key, value_or_problem
from producer.services.context import Services
from producer.services.documents import ExportDocument
from producer.services.errors import invalid_fields
from producer.services.identity import Identity
from producer.services.permissions import require_use
from producer.services.requests import ExportBody, ExportChange, LeaversGuardBody


async def create_export(services: Services, identity: Identity, body: ExportBody) -> ExportDocument:
    """Check the list, then keep the export. NameTaken; Forbidden, Invalid or TryLater."""
    _confirmed(body, before=None)
    connection = await _connection(services, body.connection)
    require_use(identity, connection)
    await _check_list(services, connection, body.list_id)
    now = services.clock_ms()
    export = Export(
        id=services.new_id(), connection=connection.id, created=now, changed=now, **_settings(services, body)
    )
    await services.registry.save_export(export, by_contributor=not identity.is_admin, by=identity.author)
    return await shown_export(services, export, connection)


async def change_export(
    services: Services, identity: Identity, before: Export, read: Callable[[Mapping[str, Any]], Awaitable[ExportChange]]
) -> ExportDocument:
    """Keep an export as it is to be from now on; with another list or connection, the list is checked again.

    `read` makes the change of what the export is now. NameTaken, Unregistered; Forbidden, Invalid or TryLater.
    """
    was = await connection_of(services, before)
    require_use(identity, was)
    body = await read(export_as_body(await shown_export(services, before, was)))
    _confirmed(body, before)
    connection = None if body.connection is None else await _connection(services, body.connection)
    require_use(identity, connection)
    moved = connection is not None and connection.id != before.connection
    if connection is not None and (moved or body.list_id != before.list_id):
        await _check_list(services, connection, body.list_id)
    after = replace(
        before,
        connection=None if connection is None else connection.id,
        changed=services.clock_ms(),
        **_settings(services, body),
    )
    await services.registry.save_export(
        after, replaces=before, by_contributor=not identity.is_admin, by=identity.author
    )
    return await shown_export(services, after, connection)


async def delete_export(services: Services, identity: Identity, name: str) -> tuple[str, ...]:
    """Delete an export and cancel its runs, whose ids are returned. Unregistered, Closed."""
    return await services.registry.delete_export(name, by_contributor=not identity.is_admin, by=identity.author)


async def shown_export(services: Services, export: Export, connection: Connection | None) -> ExportDocument:
    """Return an export over this connection as it is shown."""
    now = await services.run_store.now()
    warnings = await services.staleness_check.of_exports([export], now)
    return ExportDocument.of(export, _name(connection), now=now, warnings=warnings[export.id])


async def shown_exports(services: Services, exports: Sequence[Export]) -> list[ExportDocument]:
    """Return exports as they are shown."""
    now = await services.run_store.now()
    names = {connection.id: connection.name for connection in await services.registry.connections()}
    warnings = await services.staleness_check.of_exports(exports, now)
    return [
        ExportDocument.of(export, names.get(export.connection or ""), now=now, warnings=warnings[export.id])
        for export in exports
    ]


async def _connection(services: Services, name: str) -> Connection:
    try:
        return await services.registry.connection(name)
    except Unregistered as error:
        raise invalid_fields({"/connection": str(error)}) from None


async def connection_of(services: Services, export: Export) -> Connection | None:
    """Return an export's connection; None while it is detached."""
    return None if export.connection is None else await services.registry.connection_by_id(export.connection)


def must_confirm(body: ExportBody, before: Export | None) -> bool:
    """Whether a body makes an export unsubscribe people, or unsubscribe them at once, that did not before."""
    if body.leavers != "unsubscribe":
        return False
    is_new = before is None or before.leavers != body.leavers
    return is_new or (body.leavers_confirm == "at_once" and before is not None and before.leavers_confirm != "at_once")


def _confirmed(body: ExportBody, before: Export | None) -> None:
    """Unsubscribing is a one-way door: ActiveCampaign may never let those people back in. So it is asked for twice."""
    if must_confirm(body, before) and not body.confirm_unsubscribe:
        raise invalid_fields(
            {"/confirm_unsubscribe": "must be true: whoever leaves the segment is unsubscribed for ever"}
        )


async def _check_list(services: Services, connection: Connection, list_id: str) -> None:
    value_or_problem(await services.checks.check_list(connection.host, await opened_key(services, connection), list_id))


def _name(connection: Connection | None) -> str | None:
    return None if connection is None else connection.name


def _settings(services: Services, body: ExportBody) -> dict[str, Any]:
    """Return what the body says of an export, but for the connection, which is kept by its id."""
    said = body.model_dump(exclude={"connection", "confirm_unsubscribe"})
    if body.leavers_guard == LeaversGuardBody():
        said[
            "leavers_guard"
        ] = {}  # the default is not written: an earlier version beside this one does not know the field
    return said | {"budget_minutes": body.budget_minutes or services.budget_minutes}


def export_as_body(document: ExportDocument) -> dict[str, Any]:
    """Return what a merge patch of an export goes onto."""
    return {name: value for name, value in document.model_dump().items() if name in ExportBody.model_fields}
