"""What can be done with notification channels and their deliveries."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import SecretStr

from producer.notifications.attempts import AttemptOutcome
from producer.notifications.channel import Channel, ChannelKind
from producer.notifications.delivery import DeliveryCounts
from producer.notifications.messages import encoded, test_body
from producer.notifications.signing import BYTES, secret_of
from producer.notifications.webhooks import read_url
from producer.services.context import Services
from producer.services.errors import NotFound, invalid_fields
from producer.services.identity import Identity
from producer.services.notification_documents import (
    NotificationDocument,
    NotificationMade,
    NotificationTested,
    Redelivered,
)
from producer.services.notification_requests import NotificationBody, NotificationChange
from producer.services.permissions import require_admin


async def make_channel(services: Services, identity: Identity, body: NotificationBody) -> NotificationMade:
    """Keep a new channel; a webhook without a secret gets one, which is told this once. NameTaken; Forbidden or Invalid."""
    require_admin(identity)
    said = await _checked(services, body)
    now = services.clock_ms()
    channel = Channel(id=services.new_id(), created=now, changed=now, **said)
    made = secret_of(secrets.token_bytes(BYTES)) if body.kind == "webhook" and body.secret is None else None
    await services.notifying.channels.save(
        channel, secret=_sealed(services, channel, made or body.secret), by=identity.author
    )
    shown = await shown_channel(services, channel)
    return NotificationMade(**shown.model_dump(), secret=made and made.get_secret_value())


async def change_channel(
    services: Services,
    identity: Identity,
    before: Channel,
    read: Callable[[Mapping[str, Any]], Awaitable[NotificationChange]],
) -> NotificationDocument:
    """Keep a channel as it is to be from now on; `read` makes the change of what it is. NameTaken; Forbidden or Invalid."""
    require_admin(identity)
    document = (await shown_channel(services, before)).model_dump(mode="json")
    body = await read({name: value for name, value in document.items() if name in NotificationBody.model_fields})
    if body.kind != before.kind:
        raise invalid_fields({"/kind": "stays as it is: delete the channel and make another"})
    said = await _checked(services, body)
    after = Channel(id=before.id, created=before.created, changed=services.clock_ms(), **said)
    await services.notifying.channels.save(
        after, secret=_sealed(services, after, body.secret), replaces=before, by=identity.author
    )
    return await shown_channel(services, after)


async def delete_channel(services: Services, identity: Identity, name: str) -> NotificationDocument:
    """Delete a channel with its messages, and return what it was. Unregistered; Forbidden."""
    require_admin(identity)
    shown = await shown_channel(services, await services.notifying.channels.named(name))
    await services.notifying.channels.delete(name, by=identity.author)
    return shown


async def test_channel(services: Services, identity: Identity, name: str) -> NotificationTested:
    """Send a test message, once and now, and say what came of it. Unregistered; Forbidden."""
    require_admin(identity)
    channel = await services.notifying.channels.named(name)
    secret = await services.notifying.channels.secret(channel.id) or b""
    body = encoded(test_body(services.clock_ms(), channel.name, services.notifying.public_url))
    attempt = await services.notifying.attempt(channel, secret, f"msg_test_{services.new_id()}", body)
    return NotificationTested(delivered=attempt.outcome is AttemptOutcome.DELIVERED, detail=attempt.note)


async def redeliver(services: Services, identity: Identity, name: str, delivery: str) -> Redelivered:
    """Send a message that is over once more. Unregistered; Forbidden or NotFound."""
    require_admin(identity)
    channel = await services.notifying.channels.named(name)
    result = await services.notifying.outbox.redeliver(channel.id, delivery, by=identity.author)
    if result is None:
        raise NotFound(f"There is no message {delivery!r} of this channel.")
    return Redelivered(result=result)


async def shown_channel(services: Services, channel: Channel) -> NotificationDocument:
    """Return a channel as it is shown."""
    return (await shown_channels(services, [channel]))[0]


async def shown_channels(services: Services, channels: list[Channel]) -> list[NotificationDocument]:
    """Return channels as they are shown."""
    names = {export.id: export.name for export in await services.registry.exports()}
    counts = await services.notifying.outbox.count_each()
    return [NotificationDocument.of(channel, names, counts.get(channel.id, DeliveryCounts())) for channel in channels]


async def _checked(services: Services, body: NotificationBody) -> dict[str, Any]:
    """Return what the body says of a channel; Invalid for what only this server can know."""
    faults: dict[str, str] = {}
    url = body.url
    if url is not None:
        try:
            url = read_url(url, services.notifying.trusted_hosts)
        except ValueError as error:
            faults["/url"] = str(error)
    if body.kind == "email" and not services.notifying.mails:
        faults["/kind"] = "no mail server is set: SEGMENT_EXPORT_SMTP_HOST says which"
    ids = {export.name: export.id for export in await services.registry.exports()} if body.exports is not None else {}
    for index, name in enumerate(body.exports or ()):
        if name not in ids:
            faults[f"/exports/{index}"] = f"there is no export {name!r}"
    if faults:
        raise invalid_fields(faults)
    return {
        "name": body.name,
        "kind": ChannelKind(body.kind),
        "url": url,
        "addresses": tuple(body.addresses),
        "events": tuple(body.events),
        "exports": None if body.exports is None else tuple(ids[name] for name in body.exports),
        "enabled": body.enabled,
    }


def _sealed(services: Services, channel: Channel, secret: SecretStr | None) -> bytes | None:
    return None if secret is None else services.vault.seal(channel.id, secret)
