"""Other ways to bring people into a list, as they are usually written: each is the loop that its documentation leads to.

None of them sends anything again or asks what became of it, since nothing in those documents does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from activecampaign.client import Client
from aiohttp import ClientError, ClientSession
from requests import RequestException

from tests.bench.place import LIST
from wire.activecampaign.requests import MAX_CONTACTS

CALLS_A_SECOND: Final = 5
IMPORT_EVERY_SECONDS: Final = 0.6

Row = Sequence[str]
Step = Callable[[Sequence[Row]], Awaitable[None]]
"""Sends some rows, once."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to send: how many rows it takes at a time, and how long it sleeps after each."""

    name: str
    rows_at_a_time: int
    sleep_seconds: float
    step: Callable[[ClientSession, str, str], Step]


def by_the_client(session: ClientSession, base: str, key: str) -> Step:
    """Send by the PyPI client `activecampaign-python`: upsert the contact, then put it on the list."""
    client = Client(base, key)

    def send(row: Row) -> None:
        email, first_name, last_name, phone = row
        details = {"email": email, "firstName": first_name, "lastName": last_name, "phone": phone}
        # It returns whatever came as JSON, so an error is an answer without a contact.
        with suppress(RequestException, KeyError, TypeError):
            answer = client.contacts.create_or_update_contact({"contact": details})
            membership = {"list": LIST, "contact": answer["contact"]["id"], "status": 1}
            client.contacts.update_list_status_for_a_contact({"contactList": membership})

    async def step(rows: Sequence[Row]) -> None:
        for row in rows:
            await asyncio.to_thread(send, row)

    return step


def by_sync(session: ClientSession, base: str, key: str) -> Step:
    """Send by `contact/sync` with the list in it."""

    async def step(rows: Sequence[Row]) -> None:
        for email, first_name, last_name, phone in rows:
            contact = {"email": email, "firstName": first_name, "lastName": last_name, "phone": phone, "lists": [LIST]}
            await _post(session, f"{base}/api/3/contact/sync", key, {"contact": contact})

    return step


def by_bulk(session: ClientSession, base: str, key: str) -> Step:
    """Send by the bulk importer."""

    async def step(rows: Sequence[Row]) -> None:
        names = ("email", "first_name", "last_name", "phone")
        contacts = [dict(zip(names, row, strict=True)) | {"subscribe": [{"listid": LIST}]} for row in rows]
        await _post(session, f"{base}/api/3/import/bulk_import", key, {"contacts": contacts})

    return step


PEERS: Final = (
    Peer("activecampaign-python", 1, 0.0, by_the_client),
    Peer("contact/sync at 5 a second", 1, 1 / CALLS_A_SECOND, by_sync),
    Peer("bulk loop with a fixed sleep", MAX_CONTACTS, IMPORT_EVERY_SECONDS, by_bulk),
)


async def _post(session: ClientSession, url: str, key: str, body: Mapping[str, Any]) -> None:
    with suppress(ClientError):
        async with session.post(url, json=body, headers={"Api-Token": key}) as answer:
            await answer.read()
