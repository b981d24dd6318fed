"""Rehearses changes of connections, exports and notification channels: everything is checked as if it were done, and nothing is done.

So whoever has many changes to make learns of every fault of all of them before the first is made. They are rehearsed by the
very functions that make them, over a registry that keeps what is saved to itself (`producer.registry.overlay`).
"""

from aiohttp import web
from pydantic import BaseModel

from producer.api.access import IDENTITY
from producer.api.problem_responses import problem_of
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer
from producer.services.change_preview import RefusedChange, RehearsalBody, rehearse_changes
from producer.services.errors import Fault


class RefusedChangeDocument(BaseModel):
    """Why a change would be refused; `change` is its place in the order, from 0."""

    change: int
    status: int
    detail: str
    errors: list[Fault]

    @classmethod
    def of(cls, refused: RefusedChange) -> "RefusedChangeDocument":
        """Describe a refusal as the change itself would be answered."""
        problem = problem_of(refused.error)
        return cls(change=refused.change, status=problem.status, detail=problem.detail, errors=list(problem.faults))


class RehearsalDocument(BaseModel):
    """Every change that would be refused; empty if all of them would be made."""

    refused: list[RefusedChangeDocument]


async def rehearse(request: web.Request) -> web.Response:
    """Say what of these changes would be refused."""
    body = await read_body(request, RehearsalBody)
    refused = await rehearse_changes(services_of(request), request[IDENTITY], body)
    return answer(RehearsalDocument(refused=[RefusedChangeDocument.of(each) for each in refused]))
