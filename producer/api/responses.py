"""Writes documents as answers, and reads which part of a list is wanted."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from producer.api.problem_responses import Problem
from producer.services.paging import ITEMS, ITEMS_MAX, Window
from wire.store import codec


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


def _json(document: Any, status: int) -> web.Response:
    return web.Response(
        body=codec.encode(document),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
