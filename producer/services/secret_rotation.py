"""Seals every stored secret again with the newest key."""

from producer.audit.trail import AuditedAction, AuditedKind
from producer.notifications.channels import Channel
from producer.registry.model import Connection
from producer.registry.store import Unregistered
from producer.services.context import Services
from producer.services.documents import SecretsRotated
from producer.services.identity import Identity
from producer.services.permissions import require_admin
from wire.vault import SecretError


async def rotate_secrets(of: Services, who: Identity) -> SecretsRotated:
    """Seal anew what is not sealed with the first key, and say what could not be opened. Problem 403."""
    require_admin(who)
    connections = await of.registry.connections()
    rotated, unreadable = 0, []
    for connection in connections:
        try:
            rotated += await _resealed(of, who, connection)
        except SecretError:
            unreadable.append(connection.name)
    channels = await of.notifying.channels.all()
    for channel in channels:
        try:
            rotated += await _resealed_channel(of, who, channel)
        except SecretError:
            unreadable.append(channel.name)
    told = SecretsRotated(
        connections=len(connections), notifications=len(channels), rotated=rotated, unreadable=unreadable
    )
    await of.audit.note(AuditedAction.SECRETS_ROTATED, who.author, kind=AuditedKind.SECRETS, facts=told.model_dump())
    return told


async def _resealed_channel(of: Services, who: Identity, channel: Channel) -> bool:
    """Whether a webhook's secret had to be sealed anew; SecretError if it cannot be opened."""
    while True:
        before = await of.notifying.channels.secret(channel.id)
        if before is None:
            return False
        of.vault.open(channel.id, before)
        if of.vault.is_current(before):
            return False
        if await of.notifying.channels.reseal(channel.id, before, of.vault.rotate(before), by=who.author):
            return True


async def _resealed(of: Services, who: Identity, connection: Connection) -> bool:
    """Whether the key had to be sealed anew; SecretError if it cannot be opened."""
    while True:
        try:
            before = await of.registry.secret(connection.id)
        except Unregistered:
            return False
        of.vault.open(connection.id, before)
        if of.vault.is_current(before):
            return False
        if await of.registry.reseal(connection.id, before, of.vault.rotate(before), by=who.author):
            return True
