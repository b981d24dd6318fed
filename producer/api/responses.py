"""Writes documents as answers, and reads which part of a list is wanted."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from aiohttp import web
from pydantic import BaseModel

from producer.services.problems import Problem
from wire.store import codec

T = TypeVar("T")

ITEMS: Final = 50
ITEMS_MAX: Final = 200


class Window(NamedTuple):
    """Which part of a list is wanted: `most` items of those that come after the one called `after`."""

    after: str
    most: int


def answer(document: BaseModel, status: int = 200, *, leave_out_none: bool = False) -> web.Response:
    """Answer with a document."""
    return _json(document.model_dump(mode="json", exclude_none=leave_out_none), status)


def answer_page(items: Sequence[BaseModel], following: str | None) -> web.Response:
    """Answer with a part of a list; `following` is what the next part comes after, None at the end."""
    return _json({"items": [item.model_dump(mode="json") for item in items], "next": following}, 200)


def window(request: web.Request) -> Window:
    """Read which part of a list is wanted; Problem 422."""
    limit = request.query.get("limit", str(ITEMS))
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:6]) <= ITEMS_MAX):
        raise Problem(422, f"The parameter limit must be a number from 1 to {ITEMS_MAX}.")
    return Window(request.query.get("after", ""), int(limit))


def cut(items: Sequence[T], name: Callable[[T], str], wanted: Window) -> tuple[list[T], str | None]:
    """Cut the wanted part out of a whole list that is sorted by name."""
    rest = [item for item in items if name(item) > wanted.after]
    part = rest[: wanted.most]
    return part, name(part[-1]) if len(rest) > len(part) else None


def _json(document: Any, status: int) -> web.Response:
    return web.Response(
        body=codec.encode(document),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
