"""The sandbox's own calls below `/sandbox`: what it saw, and levers for people and switches. None of this is ActiveCampaign's.

They need no token, count against no limit and are never faulty. What cannot be read is answered 422 with `{"errors":{...}}`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

import orjson
from aiohttp import web

from tests.sandbox import report
from tests.sandbox.account import Contact, Details, MailingList, Status
from tests.sandbox.gateway import Clock
from tests.sandbox.switches import BadSwitches, as_json
from tests.sandbox.world import World

_LINES_A_WRITE: Final = 500
"""Few enough that a request that is being timed never waits long behind a page of contacts."""


class Observation:
    """The handlers, over one world; each first works off what has become due."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    def add_routes(self, app: web.Application) -> None:
        """Answer below `/sandbox`."""
        app.add_routes(
            [
                web.get("/sandbox/", self.page),
                web.get("/sandbox/state", self.state),
                web.get("/sandbox/totals", self.totals),
                web.get("/sandbox/contacts", self.contacts),
                web.get("/sandbox/requests", self.requests),
                web.get("/sandbox/acceptances", self.acceptances),
                web.get("/sandbox/lists/{id}/members", self.members),
                web.get("/sandbox/switches", self.switches),
                web.post("/sandbox/switches", self.flip),
                web.post("/sandbox/lists", self.add_list),
                web.post("/sandbox/fields", self.add_field),
                web.post("/sandbox/opt_outs", self.opt_out),
                web.post("/sandbox/exclusions", self.exclude),
                web.post("/sandbox/bounces", self.bounce),
            ]
        )

    async def page(self, _request: web.Request) -> web.Response:
        """`GET /sandbox/`: the figures for a person."""
        self._advance()
        return web.Response(text=report.page(self._world), content_type="text/html")

    async def state(self, _request: web.Request) -> web.Response:
        """`GET /sandbox/state`: everything but people and single requests."""
        return _json(report.state(self._world, self._advance()))

    async def totals(self, _request: web.Request) -> web.Response:
        """`GET /sandbox/totals`: the figures alone."""
        self._advance()
        return _json(report.totals(self._world))

    async def acceptances(self, _request: web.Request) -> web.Response:
        """`GET /sandbox/acceptances`: how many addresses the importer accepted once, twice, three times ... in imports."""
        times = Counter(self._world.importer.acceptances.values())
        return _json({str(number): count for number, count in sorted(times.items())})

    async def contacts(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/contacts`: NDJSON, everybody, or the one with `?email=`."""
        self._advance()
        account = self._world.account
        if "email" in request.query:
            one = account.find(request.query["email"])
            found = [one] if one else []
        else:
            found = list(account.contacts.values())
        return await _stream(request, found, self._person)

    async def requests(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/requests`: NDJSON, the calls in the order in which they came; `?endpoint=` keeps one kind."""
        kind = request.query.get("endpoint")
        entries = [one for one in self._world.journal.requests if kind in (None, one.endpoint)]
        return await _stream(request, entries, lambda entry: entry)

    async def members(self, request: web.Request) -> web.Response:
        """`GET /sandbox/lists/{id}/members`: the addresses that are subscribed, and those that are no longer."""
        self._advance()
        one = self._list(request.match_info["id"])
        if one is None:
            raise web.HTTPNotFound
        contacts = self._world.account.contacts
        emails: dict[Status, list[str]] = {status: [] for status in Status}
        for contact_id, status in one.statuses.items():
            emails[status].append(contacts[contact_id].email)
        named = {status.name.lower(): addresses for status, addresses in emails.items()}
        return _json({"id": str(one.id), "name": one.name, **named})

    async def switches(self, _request: web.Request) -> web.Response:
        """`GET /sandbox/switches`: how the account behaves now."""
        return _json(as_json(self._world.switches))

    async def flip(self, request: web.Request) -> web.Response:
        """`POST /sandbox/switches`: set some, all of them or none; answers as the GET does."""
        self._advance()
        try:
            self._world.flip(await _object(request))
        except BadSwitches as bad:
            return _unreadable(bad.problems)
        return _json(as_json(self._world.switches))

    async def add_list(self, request: web.Request) -> web.Response:
        """`POST /sandbox/lists` `{"id","name"}`: add a list, or rename it."""
        wish = await _object(request)
        number = _id(wish.get("id"))
        if number is None:
            return _unreadable({"id": "expected a whole number"})
        name = str(wish.get("name", f"List {number}"))
        self._world.account.lists.setdefault(number, MailingList(number, name)).name = name
        return _json({"id": str(number), "name": name})

    async def add_field(self, request: web.Request) -> web.Response:
        """`POST /sandbox/fields` `{"id","title"}`: add a custom field, or rename it."""
        wish = await _object(request)
        number = _id(wish.get("id"))
        if number is None:
            return _unreadable({"id": "expected a whole number"})
        title = self._world.account.fields[number] = str(wish.get("title", f"Field {number}"))
        return _json({"id": str(number), "title": title})

    async def opt_out(self, request: web.Request) -> web.Response:
        """`POST /sandbox/opt_outs` `{"list","emails"}`: these people leave the list, as if by the link in a mail."""
        wish = await _object(request)
        one = self._list(str(wish.get("list", "")))
        if one is None:
            return _unreadable({"list": "no such list"})
        self._advance()
        emails = _emails(wish)
        for email in emails:
            account = self._world.account
            account.unsubscribe(account.find(email) or account.upsert(Details(email)), one.id)
        return _json({"count": len(emails)})

    async def exclude(self, request: web.Request) -> web.Response:
        """`POST /sandbox/exclusions` `{"emails"}`: put these on the account's exclusion list."""
        emails = _emails(await _object(request))
        self._advance()
        self._world.account.excluded.update(email.lower() for email in emails)
        return _json({"count": len(emails)})

    async def bounce(self, request: web.Request) -> web.Response:
        """`POST /sandbox/bounces` `{"emails"}`: mails to these have bounced for good."""
        emails = _emails(await _object(request))
        self._advance()
        self._world.account.bounced.update(email.lower() for email in emails)
        return _json({"count": len(emails)})

    def _advance(self) -> float:
        now = self._clock()
        self._world.importer.advance(now)
        return now

    def _list(self, number: str) -> MailingList | None:
        return self._world.account.lists.get(int(number)) if number.isdecimal() else None

    def _person(self, contact: Contact) -> dict[str, object]:
        return report.person(self._world, contact)


async def _stream(request: web.Request, items: Iterable[Any], shown: Callable[[Any], object]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    left = iter(items)
    while some := list(islice(left, _LINES_A_WRITE)):
        lines = (orjson.dumps(shown(item), option=orjson.OPT_APPEND_NEWLINE) for item in some)
        await response.write(b"".join(lines))
        await asyncio.sleep(0)
    await response.write_eof()
    return response


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        document = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise web.HTTPUnprocessableEntity(
            text='{"errors":{"":"expected a JSON object"}}', content_type="application/json"
        )
    return document


def _emails(wish: dict[str, Any]) -> list[str]:
    emails = wish.get("emails")
    if not isinstance(emails, list) or not all(isinstance(email, str) for email in emails):
        raise web.HTTPUnprocessableEntity(
            text='{"errors":{"emails":"expected a list of addresses"}}', content_type="application/json"
        )
    return emails


def _id(value: object) -> int | None:
    return int(str(value)) if str(value).isdecimal() else None


def _json(value: object) -> web.Response:
    return web.Response(body=orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS), content_type="application/json")


def _unreadable(problems: dict[str, str]) -> web.Response:
    return web.Response(status=422, body=orjson.dumps({"errors": problems}), content_type="application/json")
