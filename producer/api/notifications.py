"""Notification channels: what is done with them, and the handlers; a secret that we made is told once, in one answer."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.problem_responses import Problem
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer, answer_page, window
from producer.notifications.channel import Channel
from producer.notifications.delivery import DeliveryState
from producer.services.notification_documents import (
    DeliveryDocument,
)
from producer.services.notification_requests import NotificationBody, NotificationChange
from producer.services.notifications import (
    change_channel,
    delete_channel,
    make_channel,
    redeliver,
    shown_channel,
    shown_channels,
    test_channel,
)
from producer.services.paging import cut
from producer.services.requests import NothingBody


async def create(request: web.Request) -> web.Response:
    """Make a channel."""
    body = await read_body(request, NotificationBody)
    return answer(await make_channel(services_of(request), request[IDENTITY], body), 201)


async def show_all(request: web.Request) -> web.Response:
    """List channels by name, never their secrets."""
    services = services_of(request)
    part, following = cut(await services.notifying.channels.all(), lambda channel: channel.name, window(request))
    return answer_page(await shown_channels(services, part), following)


async def show(request: web.Request) -> web.Response:
    """Show a channel."""
    services = services_of(request)
    return answer(await shown_channel(services, await _named(request)))


async def change(request: web.Request) -> web.Response:
    """Change a channel by a merge patch."""

    async def read(onto: Mapping[str, Any]) -> NotificationChange:
        return await read_body(request, NotificationChange, onto=onto)

    return answer(await change_channel(services_of(request), request[IDENTITY], await _named(request), read))


async def delete(request: web.Request) -> web.Response:
    """Delete a channel."""
    return answer(await delete_channel(services_of(request), request[IDENTITY], request.match_info["name"]))


async def test(request: web.Request) -> web.Response:
    """Send a test message."""
    await read_body(request, NothingBody, optional=True)
    return answer(await test_channel(services_of(request), request[IDENTITY], request.match_info["name"]))


async def show_deliveries(request: web.Request) -> web.Response:
    """List a channel's messages, the newest first; `state` picks some."""
    services, wanted, states = services_of(request), window(request), _states(request)
    outbox = await services.notifying.outbox.listed((await _named(request)).id, states)
    ids = [delivery.id for delivery in outbox]
    first = ids.index(wanted.after) + 1 if wanted.after in ids else 0
    part = outbox[first : first + wanted.most]
    following = part[-1].id if first + wanted.most < len(outbox) else None
    return answer_page([DeliveryDocument.of(delivery) for delivery in part], following)


async def send_again(request: web.Request) -> web.Response:
    """Send a message again."""
    await read_body(request, NothingBody, optional=True)
    services, identity = services_of(request), request[IDENTITY]
    return answer(await redeliver(services, identity, request.match_info["name"], request.match_info["id"]), 202)


async def _named(request: web.Request) -> Channel:
    return await services_of(request).notifying.channels.named(request.match_info["name"])


def _states(request: web.Request) -> list[DeliveryState]:
    said = request.query.get("state")
    if said is None:
        return list(DeliveryState)
    if said not in set(DeliveryState):
        raise Problem(422, f"The parameter state must be one of {', '.join(DeliveryState)}.")
    return [DeliveryState(said)]
