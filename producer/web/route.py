"""What a leaf of the page is: where, who, and what answers. One value serves routing and access."""

from dataclasses import dataclass
from typing import Literal

from producer.access.token import Role
from producer.api.route import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRoute:
    """One address of the page with what may be done there; `roles` None is everybody, signed in or not."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    roles: frozenset[Role] | None
