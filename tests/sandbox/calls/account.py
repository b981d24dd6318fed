"""Calls that only look at the account: whose key it is, its lists, its fields, its contract."""

from collections.abc import Iterable
from itertools import islice
from typing import Final, TypeVar

from tests.sandbox import shapes
from tests.sandbox.answers import Answer, not_found, problem
from tests.sandbox.world import Call, World

T = TypeVar("T")

_DEFAULT_PAGE: Final = 20
_LARGEST_PAGE: Final = 100


def me(_world: World, _call: Call) -> Answer:
    """`GET /users/me`: the cheap check of a key."""
    return Answer(200, {"user": shapes.user()})


def lists(world: World, call: Call) -> Answer:
    """`GET /lists`, page by page, by id if that is asked for."""
    every = list(world.account.lists.values())
    if call.query.get("orders[id]") == "ASC":
        every.sort(key=lambda one: one.id)
    found = page(every, call)
    return Answer(
        200,
        {
            "lists": [shapes.mailing_list(one, world.settings.made) for one in found],
            "meta": {"total": str(len(world.account.lists))},
        },
    )


def one_list(world: World, call: Call) -> Answer:
    """`GET /lists/{id}`."""
    found = world.account.lists.get(int(call.number)) if call.number.isdecimal() else None
    if found is None:
        return not_found("_List", call.number)
    return Answer(200, {"list": shapes.mailing_list(found, world.settings.made)})


def settings(world: World, _call: Call) -> Answer:
    """`GET /settings/account`: the contract, for administrators."""
    if not world.switches.administrator:
        return problem(403, "Forbidden", "You do not have permission to view account settings.")
    return Answer(
        200,
        {
            "subscriber_limit": str(world.switches.subscriber_limit),
            "subscriber_total": str(world.account.active),
        },
    )


def fields(world: World, call: Call) -> Answer:
    """`GET /fields`, page by page."""
    found = page(world.account.fields.items(), call)
    return Answer(
        200,
        {
            "fieldOptions": [],
            "fieldRels": [],
            "fields": [shapes.custom_field(number, title) for number, title in found],
            "meta": {"total": str(len(world.account.fields))},
        },
    )


def page(items: Iterable[T], call: Call) -> list[T]:
    """The items that `limit` (20 by default, 100 at most) and `offset` ask for."""
    limit = min(_whole(call.query.get("limit"), _DEFAULT_PAGE), _LARGEST_PAGE)
    offset = _whole(call.query.get("offset"), 0)
    return list(islice(items, offset, offset + limit))


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() else default
