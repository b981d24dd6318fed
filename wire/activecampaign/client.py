"""Speaks to one ActiveCampaign account: one method, one request, one answer. To pace and to retry is the caller's part.

Contacts reach a list by the bulk importer only. The calls that would subscribe people again who have opted out
(`POST contactLists`, `contact/sync` with lists) are not here, so that no code path can make them.

Every method raises what `errors` draws, and nothing of aiohttp's: its exceptions print the headers, and so the key.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Literal

import aiohttp
from pydantic import SecretStr
from yarl import URL

from wire.activecampaign.errors import Because, NoUsableAnswer, ObjectNotFound, Refused, Rejected, Unreadable
from wire.activecampaign.requests import address_body
from wire.activecampaign.responses import ApiAnswer, document_of
from wire.activecampaign.results import (
    AcceptedImport,
    AccountInfo,
    AddressChanged,
    BatchInfo,
    Contact,
    ContactList,
    CustomField,
    ListMarks,
    LookedUp,
    Memberships,
    ResultPage,
    User,
    contact_list,
    custom_field,
    list_marks,
    read_accepted,
    read_account,
    read_batch,
    read_changed,
    read_contact,
    read_list,
    read_lookup,
    read_memberships,
    read_page,
    read_user,
)
from wire.http.hosts import Scheme, endpoint_of

TIMEOUT: Final = aiohttp.ClientTimeout(total=120, connect=10, sock_connect=10)
"""Seconds. The importer's own time for a full request is unknown; a connection is made in a fraction of one."""

MOST_BODY_BYTES: Final = 2 * 1024 * 1024
"""The largest answer asked for, a page of 100 lists, is under 1 MiB. What is larger is not read to its end: of ten times as much
the worst, millions of empty lists, takes a worker seven seconds."""

PAGE: Final = 100
"""Items of a page, the most there are. Source: ActiveCampaign's API reference, pagination."""

_LONGEST_REQUEST_ID: Final = 100

_UNSENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class Client:
    """One account, by its host and a key of one of its users, over a session that is handed in and stays open."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        host: str,
        api_key: SecretStr,
        *,
        scheme: Scheme = "https",
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        endpoint = endpoint_of(host)
        self._session = session
        self._base = URL.build(scheme=scheme, host=endpoint.name, port=endpoint.port, path="/api/3")
        self._api_key = api_key
        self._timeout = timeout

    async def import_contacts(self, body: bytes) -> AcceptedImport:
        """Queue an import, `body` as `payloads.import_body` writes it. All of its contacts are queued, or none."""
        return read_accepted(*await self._ask("POST", "import", "bulk_import", body=body))

    async def import_info(self, batch_id: str) -> BatchInfo:
        """Ask how far a batch is. A batch that ActiveCampaign does not know is `unknown`, not an error."""
        try:
            return read_batch(*await self._ask("GET", "import", "info", query={"batchId": batch_id}))
        except (ObjectNotFound, Rejected) as error:
            return BatchInfo("unknown", (), error.status or HTTPStatus.NOT_FOUND, error.request_id)

    async def me(self) -> User:
        """Ask whose key this is: the cheapest check of host and key."""
        return read_user(*await self._ask("GET", "users", "me"))

    async def contact_list(self, list_id: str) -> ContactList:
        """Ask after one list; NotFound if there is none of this id."""
        return read_list(*await self._ask("GET", "lists", list_id))

    async def lists(self, offset: int = 0) -> ResultPage[ContactList]:
        """Ask for a page of all lists."""
        document, answer = await self._ask("GET", "lists", query=_page(offset))
        return read_page("lists", contact_list, document, answer, offset=offset, limit=PAGE)

    async def oldest_lists(self) -> ResultPage[ListMarks]:
        """Ask for what does not change of the oldest lists."""
        document, answer = await self._ask("GET", "lists", query={**_page(0), "orders[id]": "ASC"})
        return read_page("lists", list_marks, document, answer, offset=0, limit=PAGE)

    async def fields(self, offset: int = 0) -> ResultPage[CustomField]:
        """Ask for a page of all custom fields."""
        document, answer = await self._ask("GET", "fields", query=_page(offset))
        return read_page("fields", custom_field, document, answer, offset=offset, limit=PAGE)

    async def account(self) -> AccountInfo | None:
        """Ask for the contract's limit; None where this key may not know, which only an administrator's may."""
        try:
            return read_account(*await self._ask("GET", "settings", "account"))
        except ObjectNotFound:
            return None
        except Refused as error:
            if error.because is Because.PERMISSION:
                return None
            raise

    async def find_contact(self, email: str) -> Contact | None:
        """Look a contact up by its address, in any letter case."""
        return read_contact(*await self._ask("GET", "contacts", query={"email": email}), email=email)

    async def look_up(self, email: str) -> LookedUp:
        """Look a contact up by its address, in any letter case, where it matters that there is none.

        An answer that holds others than who was asked for does not say so: it is none.
        """
        return read_lookup(*await self._ask("GET", "contacts", query={"email": email}), email=email)

    async def memberships(self, contact_id: str) -> Memberships:
        """Ask which lists a contact is or was on, and which of these they have left; NotFound if there is none of this id."""
        return read_memberships(*await self._ask("GET", "contacts", contact_id, "contactLists", query=_page(0)))

    async def change_address(self, contact_id: str, email: str) -> AddressChanged:
        """Give a contact another address: it stays who it is, with its lists and opt-outs.

        NotFound if there is none of this id, Rejected if the address is another contact's, or none.
        """
        body = address_body(email)
        return read_changed(*await self._ask("PUT", "contacts", contact_id, body=body), email=email)

    async def delete_contact(self, contact_id: str) -> bool:
        """Delete a contact; False if there was none of this id."""
        try:
            await self._ask("DELETE", "contacts", contact_id)
        except ObjectNotFound:
            return False
        return True

    async def _ask(
        self,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        *path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[Any, ApiAnswer]:
        key = self._api_key.get_secret_value()
        if not (key and key.isascii() and key.isprintable()):
            # With a line break in it, it would be a header of its own.
            raise Refused(Because.CREDENTIALS, definite=True)
        url = self._base.joinpath(*path).with_query(query)
        try:
            answer = await self._send(method, url, body)
        except aiohttp.ClientResponseError:
            raise Unreadable("no HTTP") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoUsableAnswer(type(error).__name__, sent=not isinstance(error, _UNSENT)) from None
        return document_of(answer, now=datetime.now(UTC)), answer

    async def _send(self, method: str, url: URL, body: bytes | None) -> ApiAnswer:
        headers = {"Api-Token": self._api_key.get_secret_value(), "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = self._session.request(
            method, url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
        )
        async with request as response:
            return ApiAnswer(
                status=response.status,
                body=await _body_of(response),
                content_type=response.headers.get("Content-Type", "").partition(";")[0].strip(),
                request_id=response.headers.get("x-request-id", "")[:_LONGEST_REQUEST_ID] or None,
                retry_after=response.headers.get("Retry-After"),
                date=response.headers.get("Date"),
            )


async def _body_of(response: aiohttp.ClientResponse) -> bytes | None:
    """Read a body, or None if it breaks off, is too slow or too large: its status may be enough all the same."""
    read = bytearray()
    try:
        async for piece in response.content.iter_any():
            read += piece
            if len(read) > MOST_BODY_BYTES:
                response.close()
                return None
    except (aiohttp.ClientError, OSError):
        return None
    return bytes(read)


def _page(offset: int) -> dict[str, str]:
    return {"limit": str(PAGE), "offset": str(offset)}
