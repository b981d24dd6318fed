"""What a route is: where, who, what goes in, what comes out. One value serves routing, access and description."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel

from producer.access.token import Role

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something a request may say outside of its body; `schema` is for the description, the handler reads it."""

    name: str
    place: Literal["query", "header"]
    says: str
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call of the API.

    `roles`: who may; None is everybody, without a token. `patches`: the body is a merge patch of what `body` describes.
    `media`: what comes out instead of JSON. `refusals`: statuses besides those that every call may answer.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    handler: Handler
    roles: frozenset[Role] | None
    says: str
    status: int = 200
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    needs_body: bool = True
    patches: bool = False
    parameters: tuple[Parameter, ...] = ()
    media: tuple[str, ...] = ()
    refusals: tuple[int, ...] = ()
