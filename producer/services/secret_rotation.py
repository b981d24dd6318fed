"""Seals every stored secret again with the newest key."""

from producer.audit.entry import AuditedAction, AuditedKind
from producer.notifications.channel import Channel
from producer.registry.model import Connection
from producer.registry.store import Unregistered
from producer.services.context import Services
from producer.services.documents import SecretsRotated
from producer.services.identity import Identity
from producer.services.permissions import require_admin
from wire.vault import SecretError


async def rotate_secrets(services: Services, identity: Identity) -> SecretsRotated:
    """Seal anew what is not sealed with the first key, and say what could not be opened. Forbidden."""
    require_admin(identity)
    connections = await services.registry.connections()
    rotated, unreadable = 0, []
    for connection in connections:
        try:
            rotated += await _resealed(services, identity, connection)
        except SecretError:
            unreadable.append(connection.name)
    channels = await services.notifying.channels.all()
    for channel in channels:
        try:
            rotated += await _resealed_channel(services, identity, channel)
        except SecretError:
            unreadable.append(channel.name)
    told = SecretsRotated(
        connections=len(connections), notifications=len(channels), rotated=rotated, unreadable=unreadable
    )
    await services.audit.note(
        AuditedAction.SECRETS_ROTATED, identity.author, kind=AuditedKind.SECRETS, facts=told.model_dump()
    )
    return told


async def _resealed_channel(services: Services, identity: Identity, channel: Channel) -> bool:
    """Whether a webhook's secret had to be sealed anew; SecretError if it cannot be opened."""
    while True:
        before = await services.notifying.channels.secret(channel.id)
        if before is None:
            return False
        services.vault.open(channel.id, before)
        if services.vault.is_current(before):
            return False
        if await services.notifying.channels.reseal(
            channel.id, before, services.vault.rotate(before), by=identity.author
        ):
            return True


async def _resealed(services: Services, identity: Identity, connection: Connection) -> bool:
    """Whether the key had to be sealed anew; SecretError if it cannot be opened."""
    while True:
        try:
            before = await services.registry.secret(connection.id)
        except Unregistered:
            return False
        services.vault.open(connection.id, before)
        if services.vault.is_current(before):
            return False
        if await services.registry.reseal(connection.id, before, services.vault.rotate(before), by=identity.author):
            return True
