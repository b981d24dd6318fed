"""Reads the forms of the page: what was typed is kept for showing it again, and faults stand beside their fields."""

from typing import Final

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from producer.api.problem_responses import Problem

FORM: Final = web.RequestKey("form", MultiDictProxy[str])
MEDIA_TYPE: Final = "application/x-www-form-urlencoded"


async def read_form(request: web.Request) -> MultiDictProxy[str]:
    """Read a form as browsers send it; files are nobody's business here. Problem 413 or 415."""
    if request.content_type != MEDIA_TYPE:
        raise Problem(415, f"The body must be {MEDIA_TYPE}.")
    said = await request.post()
    return MultiDictProxy(MultiDict((name, value) for name, value in said.items() if isinstance(value, str)))
