"""Calls about single people. Two of them re-subscribe whoever they are told to, opted out or not, as the real ones do.

Keys are camelCase here and snake_case in the importer; one in the wrong case is dropped without a word.
"""

from collections.abc import Iterator

from tests.sandbox import shapes
from tests.sandbox.account import Contact, Details, Status
from tests.sandbox.answers import Answer, not_found
from tests.sandbox.calls.account import page
from tests.sandbox.validation import is_plausible
from tests.sandbox.world import Call, World


def sync(world: World, call: Call) -> Answer:
    """`POST /contact/sync`: upsert one person; `lists` (in the contact) subscribes, opted out or not."""
    wished = _wished(call, "contact")
    details = _details(wished, str(wished.get("email", "")))
    if not is_plausible(details.email):
        return _bad_email()
    created = world.account.find(details.email) is None
    contact = world.account.upsert(details)
    for list_id in _list_ids(wished.get("lists")):
        if list_id in world.account.lists:
            world.account.subscribe(contact, list_id)
            world.account.fire_automations(contact)
    values = shapes.field_values(contact)
    shown = _shown(world, contact) | {"fieldValues": [value["id"] for value in values]}
    return Answer(201 if created else 200, {"fieldValues": values, "contact": shown})


def subscribe(world: World, call: Call) -> Answer:
    """`POST /contactLists`: status 1 subscribes, opted out or not; 2 unsubscribes."""
    wished = _wished(call, "contactList")
    contact = _numbered(world, str(wished.get("contact", "")))
    list_id = str(wished.get("list", ""))
    if contact is None:
        return not_found("Subscriber", str(wished.get("contact", "")))
    on = world.account.lists.get(int(list_id)) if list_id.isdecimal() else None
    if on is None:
        return not_found("_List", list_id)
    match str(wished.get("status", "")):
        case "1":
            world.account.subscribe(contact, on.id)
            world.account.fire_automations(contact)
        case "2":
            world.account.unsubscribe(contact, on.id)
        case _:
            return Answer(400, {})
    status = on.statuses[contact.id]
    standing = shapes.membership(contact, on, status) | {"status": int(status)}
    return Answer(200, {"contacts": [_shown(world, contact)], "contactList": standing})


def search(world: World, call: Call) -> Answer:
    """`GET /contacts`: everybody page by page, or the one with an address."""
    if "email" in call.query:
        one = world.account.find(call.query["email"])
        found, total = ([one] if one else []), int(one is not None)
    else:
        found, total = page(world.account.contacts.values(), call), len(world.account.contacts)
    return Answer(
        200,
        {
            "scoreValues": [],
            "contacts": [_shown(world, contact) for contact in found],
            "meta": {"page_input": None, "total": str(total), "sortable": True},
        },
    )


def memberships(world: World, call: Call) -> Answer:
    """`GET /contacts/{id}/contactLists`: the lists somebody is or was on."""
    contact = _numbered(world, call.number)
    if contact is None:
        return not_found("Subscriber", call.number)
    standings = [shapes.membership(contact, on, status) for on, status in world.account.memberships(contact)]
    return Answer(200, {"contactLists": standings})


def update(world: World, call: Call) -> Answer:
    """`PUT /contacts/{id}`: change names, phone, fields and the address, which nobody else may have; lists stay as they are."""
    contact = _numbered(world, call.number)
    if contact is None:
        return not_found("Subscriber", call.number)
    wished = _wished(call, "contact")
    email = str(wished.get("email", contact.email))
    if not is_plausible(email):
        return _bad_email()
    if (world.account.find(email) or contact) is not contact:
        return _taken()
    world.account.readdress(contact, email)
    world.account.change(contact, _details(wished, email))
    return Answer(200, {"fieldValues": shapes.field_values(contact), "contact": _shown(world, contact)})


def delete(world: World, call: Call) -> Answer:
    """`DELETE /contacts/{id}`: forget somebody."""
    contact = _numbered(world, call.number)
    if contact is None:
        return not_found("Subscriber", call.number)
    world.account.delete(contact)
    return Answer(200, {})


def _shown(world: World, contact: Contact) -> dict[str, object]:
    return shapes.contact(contact, bounced=contact.email.lower() in world.account.bounced)


def _numbered(world: World, number: str) -> Contact | None:
    return world.account.contacts.get(int(number)) if number.isdecimal() else None


def _wished(call: Call, envelope: str) -> dict[str, object]:
    wished = call.document.get(envelope) if isinstance(call.document, dict) else None
    return wished if isinstance(wished, dict) else {}


def _details(wished: dict[str, object], email: str) -> Details:
    values = wished.get("fieldValues")
    return Details(
        email,
        _text(wished.get("firstName")),
        _text(wished.get("lastName")),
        _text(wished.get("phone")),
        tuple(_field_values(values if isinstance(values, list) else [])),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _field_values(values: list[object]) -> Iterator[tuple[int, str]]:
    for value in values:
        match value:
            case {"field": int() | str() as number, "value": content} if str(number).isdecimal():
                yield int(number), str(content)
            case _:
                continue


def _list_ids(lists: object) -> Iterator[int]:
    """Ids from `[12]`, `["12"]` or `[{"listid": 12, "status": 1}]`: how sync takes lists is not documented."""
    for one in lists if isinstance(lists, list) else [lists]:
        match one:
            case {"status": status} if str(status) != str(int(Status.SUBSCRIBED)):
                continue
            case {"listid": number} | {"list": number} | {"id": number} | number:
                if str(number).isdecimal():
                    yield int(str(number))


def _bad_email() -> Answer:
    return _invalid_fields("Contact Email Address is not valid.", "email_invalid")


def _taken() -> Answer:
    return _invalid_fields("Email address already exists in the system", "duplicate")


def _invalid_fields(title: str, code: str) -> Answer:
    pointer = {"pointer": "/data/attributes/email"}
    return Answer(422, {"errors": [{"title": title, "detail": "", "code": code, "source": pointer}]})
