"""Previews changes of connections, exports and channels: makes them above the store and reports what they would do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from producer.notifications.channels_overlay import ChannelsOverlay
from producer.registry.overlay import RegistryOverlay
from producer.registry.store import RegistryError
from producer.services.bodies import Body, checked, merged
from producer.services.connections import change_connection, connection_as_body, create_connection, delete_connection
from producer.services.context import Services
from producer.services.errors import ServiceError, TryLater
from producer.services.exports import change_export, create_export, delete_export
from producer.services.identity import Identity
from producer.services.notification_requests import NotificationBody, NotificationChange
from producer.services.notifications import change_channel, delete_channel, make_channel
from producer.services.requests import ConnectionBody, ConnectionChange, ExportBody, ExportChange
from wire.vault import SecretError

CHANGES_MOST: Final = 1_000


class ChangeBody(Body):
    """One change: `body` is what would be posted, or the merge patch of what is there."""

    action: Literal["create", "change", "delete"]
    kind: Literal["connections", "exports", "notifications"]
    name: str
    body: dict[str, Any] = Field(default_factory=dict)


class RehearsalBody(Body):
    """Changes in the order in which they would be made."""

    changes: Annotated[list[ChangeBody], Field(max_length=CHANGES_MOST)]


@dataclass(frozen=True, slots=True)
class RefusedChange:
    """Why a change would be refused; `change` is its place in the order, from 0."""

    change: int
    error: Exception


async def rehearse_changes(services: Services, identity: Identity, body: RehearsalBody) -> list[RefusedChange]:
    """Rehearse changes. TryLater while an account answers no questions: then nobody knows."""
    channels = ChannelsOverlay(services.notifying.channels)
    stage = replace(
        services, registry=RegistryOverlay(services.registry), notifying=replace(services.notifying, channels=channels)
    )
    refused, unmade = list[RefusedChange](), set[tuple[str, str]]()
    for number, change in enumerate(body.changes):
        if unmade & _needed(change):
            unmade.add((change.kind, change.name))  # what it needs is refused, and with that mended it may be good
            continue
        try:
            await _rehearse(stage, identity, change)
        except TryLater:
            raise
        except (ServiceError, RegistryError, SecretError) as error:
            refused.append(RefusedChange(number, error))
            unmade.add((change.kind, change.name))
    return refused


def _needed(change: ChangeBody) -> set[tuple[str, str]]:
    """Name what a change stands on; a body that is nonsense stands on nothing, and is refused for what it is."""
    named = change.body.get("exports")
    exports = named if change.kind == "notifications" and isinstance(named, list) else []
    connection = change.body.get("connection") if change.kind == "exports" else None
    needed = {("exports", name) for name in exports if isinstance(name, str)}
    return needed | ({("connections", connection)} if isinstance(connection, str) else set())


async def _rehearse(services: Services, identity: Identity, change: ChangeBody) -> None:
    match change.kind:
        case "connections":
            await _rehearse_connection(services, identity, change)
        case "exports":
            await _rehearse_export(services, identity, change)
        case "notifications":
            await _rehearse_channel(services, identity, change)


async def _rehearse_connection(services: Services, identity: Identity, change: ChangeBody) -> None:
    match change.action:
        case "create":
            await create_connection(services, identity, checked(ConnectionBody, change.body))
        case "change":
            before = await services.registry.connection(change.name)
            after = checked(ConnectionChange, merged(connection_as_body(before), change.body))
            await change_connection(services, identity, before, after)
        case "delete":
            await delete_connection(services, identity, change.name)


async def _rehearse_export(services: Services, identity: Identity, change: ChangeBody) -> None:
    async def read(onto: Mapping[str, Any]) -> ExportChange:
        return checked(ExportChange, merged(onto, change.body))

    match change.action:
        case "create":
            await create_export(services, identity, checked(ExportBody, change.body))
        case "change":
            await change_export(services, identity, await services.registry.export(change.name), read)
        case "delete":
            await delete_export(services, identity, change.name)


async def _rehearse_channel(services: Services, identity: Identity, change: ChangeBody) -> None:
    async def read(onto: Mapping[str, Any]) -> NotificationChange:
        return checked(NotificationChange, merged(onto, change.body))

    match change.action:
        case "create":
            await make_channel(services, identity, checked(NotificationBody, change.body))
        case "change":
            await change_channel(services, identity, await services.notifying.channels.named(change.name), read)
        case "delete":
            await delete_channel(services, identity, change.name)
