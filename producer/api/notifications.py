"""Notification channels: what is done with them, and the handlers; a secret that we made is told once, in one answer."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from producer.api.access import IDENTITY, Identity
from producer.api.request_body import read_body
from producer.api.responses import answer, answer_page, cut, window
from producer.notifications.attempts import Outcome
from producer.notifications.channels import Channel, Kind
from producer.notifications.messages import encoded, test_body
from producer.notifications.outbox import LetterCounts, LetterState
from producer.notifications.signing import BYTES, secret_of
from producer.notifications.webhooks import mended_url
from producer.services.context import Collaborators, collaborators
from producer.services.notification_documents import (
    DeliveryDocument,
    NotificationDocument,
    NotificationMade,
    NotificationTested,
    Redelivered,
)
from producer.services.notification_requests import NotificationBody, NotificationChange
from producer.services.permissions import require_admin
from producer.services.problems import Problem, unprocessable
from producer.services.requests import NothingBody


async def make_channel(of: Collaborators, who: Identity, body: NotificationBody) -> NotificationMade:
    """Keep a new channel; a webhook without a secret gets one, which is told this once. NameTaken; Problem 403 or 422."""
    require_admin(who)
    said = await _checked(of, body)
    now = of.clock_ms()
    channel = Channel(id=of.new_id(), created=now, changed=now, **said)
    made = secret_of(secrets.token_bytes(BYTES)) if body.kind == "webhook" and body.secret is None else None
    await of.notifying.channels.save(channel, secret=_sealed(of, channel, made or body.secret), by=who.author)
    shown = await shown_channel(of, channel)
    return NotificationMade(**shown.model_dump(), secret=made and made.get_secret_value())


async def change_channel(
    of: Collaborators,
    who: Identity,
    before: Channel,
    read: Callable[[Mapping[str, Any]], Awaitable[NotificationChange]],
) -> NotificationDocument:
    """Keep a channel as it is to be from now on; `read` makes the change of what it is. NameTaken; Problem 403 or 422."""
    require_admin(who)
    document = (await shown_channel(of, before)).model_dump(mode="json")
    body = await read({name: value for name, value in document.items() if name in NotificationBody.model_fields})
    if body.kind != before.kind:
        raise unprocessable({"/kind": "stays as it is: delete the channel and make another"})
    said = await _checked(of, body)
    after = Channel(id=before.id, created=before.created, changed=of.clock_ms(), **said)
    await of.notifying.channels.save(after, secret=_sealed(of, after, body.secret), replaces=before, by=who.author)
    return await shown_channel(of, after)


async def delete_channel(of: Collaborators, who: Identity, name: str) -> NotificationDocument:
    """Delete a channel with its messages, and return what it was. Unregistered; Problem 403."""
    require_admin(who)
    shown = await shown_channel(of, await of.notifying.channels.named(name))
    await of.notifying.channels.delete(name, by=who.author)
    return shown


async def test_channel(of: Collaborators, who: Identity, name: str) -> NotificationTested:
    """Send a test message, once and now, and say what came of it. Unregistered; Problem 403."""
    require_admin(who)
    channel = await of.notifying.channels.named(name)
    secret = await of.notifying.channels.secret(channel.id) or b""
    body = encoded(test_body(of.clock_ms(), channel.name, of.notifying.public_url))
    attempt = await of.notifying.attempt(channel, secret, f"msg_test_{of.new_id()}", body)
    return NotificationTested(delivered=attempt.outcome is Outcome.DELIVERED, detail=attempt.note)


async def redeliver(of: Collaborators, who: Identity, name: str, letter: str) -> Redelivered:
    """Send a message that is over once more. Unregistered; Problem 403 or 404."""
    require_admin(who)
    channel = await of.notifying.channels.named(name)
    result = await of.notifying.letters.redeliver(channel.id, letter, by=who.author)
    if result is None:
        raise Problem(404, f"There is no message {letter!r} of this channel.")
    return Redelivered(result=result)


async def shown_channel(of: Collaborators, channel: Channel) -> NotificationDocument:
    """Return a channel as it is shown."""
    return (await shown_channels(of, [channel]))[0]


async def shown_channels(of: Collaborators, channels: list[Channel]) -> list[NotificationDocument]:
    """Return channels as they are shown."""
    names = {export.id: export.name for export in await of.registry.exports()}
    counts = await of.notifying.letters.count_each()
    return [NotificationDocument.of(channel, names, counts.get(channel.id, LetterCounts())) for channel in channels]


async def create(request: web.Request) -> web.Response:
    """Make a channel."""
    body = await read_body(request, NotificationBody)
    return answer(await make_channel(collaborators(request), request[IDENTITY], body), 201)


async def show_all(request: web.Request) -> web.Response:
    """List channels by name, never their secrets."""
    of = collaborators(request)
    part, following = cut(await of.notifying.channels.all(), lambda channel: channel.name, window(request))
    return answer_page(await shown_channels(of, part), following)


async def show(request: web.Request) -> web.Response:
    """Show a channel."""
    of = collaborators(request)
    return answer(await shown_channel(of, await _named(request)))


async def change(request: web.Request) -> web.Response:
    """Change a channel by a merge patch."""

    async def read(onto: Mapping[str, Any]) -> NotificationChange:
        return await read_body(request, NotificationChange, onto=onto)

    return answer(await change_channel(collaborators(request), request[IDENTITY], await _named(request), read))


async def delete(request: web.Request) -> web.Response:
    """Delete a channel."""
    return answer(await delete_channel(collaborators(request), request[IDENTITY], request.match_info["name"]))


async def test(request: web.Request) -> web.Response:
    """Send a test message."""
    await read_body(request, NothingBody, optional=True)
    return answer(await test_channel(collaborators(request), request[IDENTITY], request.match_info["name"]))


async def show_deliveries(request: web.Request) -> web.Response:
    """List a channel's messages, the newest first; `state` picks some."""
    of, wanted, states = collaborators(request), window(request), _states(request)
    letters = await of.notifying.letters.listed((await _named(request)).id, states)
    ids = [letter.id for letter in letters]
    first = ids.index(wanted.after) + 1 if wanted.after in ids else 0
    part = letters[first : first + wanted.most]
    following = part[-1].id if first + wanted.most < len(letters) else None
    return answer_page([DeliveryDocument.of(letter) for letter in part], following)


async def send_again(request: web.Request) -> web.Response:
    """Send a message again."""
    await read_body(request, NothingBody, optional=True)
    of, who = collaborators(request), request[IDENTITY]
    return answer(await redeliver(of, who, request.match_info["name"], request.match_info["id"]), 202)


async def _named(request: web.Request) -> Channel:
    return await collaborators(request).notifying.channels.named(request.match_info["name"])


async def _checked(of: Collaborators, body: NotificationBody) -> dict[str, Any]:
    """Return what the body says of a channel; Problem 422 for what only this server can know."""
    faults: dict[str, str] = {}
    url = body.url
    if url is not None:
        try:
            url = mended_url(url, of.notifying.trusted_hosts)
        except ValueError as error:
            faults["/url"] = str(error)
    if body.kind == "email" and not of.notifying.mails:
        faults["/kind"] = "no mail server is set: SEGMENT_EXPORT_SMTP_HOST says which"
    ids = {export.name: export.id for export in await of.registry.exports()} if body.exports is not None else {}
    for index, name in enumerate(body.exports or ()):
        if name not in ids:
            faults[f"/exports/{index}"] = f"there is no export {name!r}"
    if faults:
        raise unprocessable(faults)
    return {
        "name": body.name,
        "kind": Kind(body.kind),
        "url": url,
        "addresses": tuple(body.addresses),
        "events": tuple(body.events),
        "exports": None if body.exports is None else tuple(ids[name] for name in body.exports),
        "enabled": body.enabled,
    }


def _sealed(of: Collaborators, channel: Channel, secret: SecretStr | None) -> bytes | None:
    return None if secret is None else of.vault.seal(channel.id, secret)


def _states(request: web.Request) -> list[LetterState]:
    said = request.query.get("state")
    if said is None:
        return list(LetterState)
    if said not in set(LetterState):
        raise Problem(422, f"The parameter state must be one of {', '.join(LetterState)}.")
    return [LetterState(said)]
