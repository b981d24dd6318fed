"""Runs: what is done with them, and the handlers: opened on demand, looked at, and steered at a chunk's edge."""

from typing import Final

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.problem_responses import Problem
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer, answer_page, window
from producer.runs.answers import Steering
from producer.services.requests import DemandBody, NothingBody, ResumeBody
from producer.services.run_documents import (
    OpenedDocument,
)
from producer.services.runs import demand_run, demand_scheduled, listed_runs, retry_run, shown_run, steer_run

KEY_CHARACTERS_MAX: Final = 255


async def open_run(request: web.Request) -> web.Response:
    """Open a run of an export; the same Idempotency-Key with the same demand opens nothing new."""
    services, key = services_of(request), _idempotency_key(request)
    body = await read_body(request, DemandBody, optional=True)
    run = await demand_run(services, request[IDENTITY], request.match_info["name"], body, key)
    return answer(OpenedDocument(run=run), 202)


async def open_scheduled(request: web.Request) -> web.Response:
    """Open a run of every export that has a schedule."""
    services, key = services_of(request), _idempotency_key(request)
    await read_body(request, NothingBody, optional=True)
    return answer(await demand_scheduled(services, request[IDENTITY], key), 202)


async def show_all(request: web.Request) -> web.Response:
    """List runs, the newest first; `export` picks those of one export by its name."""
    found = await listed_runs(services_of(request), window(request), request.query.get("export"))
    return answer_page(found.runs, found.following)


async def show(request: web.Request) -> web.Response:
    """Show a run."""
    return answer(await shown_run(services_of(request), request.match_info["id"]))


async def cancel(request: web.Request) -> web.Response:
    """End a run: what is not under way is not sent."""
    await read_body(request, NothingBody, optional=True)
    return await _steered(request, "cancel")


async def pause(request: web.Request) -> web.Response:
    """Stop sending until resumed; what is accepted is followed all the same."""
    await read_body(request, NothingBody, optional=True)
    return await _steered(request, "pause")


async def resume(request: web.Request) -> web.Response:
    """Go on after a pause or a block; with `accept`, also where a person has to take it on themselves."""
    body = await read_body(request, ResumeBody, optional=True)
    return await _steered(request, "resume", accept=body.accept)


async def retry(request: web.Request) -> web.Response:
    """Open a run for those whom a run that is over left refused, unconfirmed or unsent."""
    await read_body(request, NothingBody, optional=True)
    return answer(await retry_run(services_of(request), request[IDENTITY], request.match_info["id"]), 202)


def _idempotency_key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > KEY_CHARACTERS_MAX or not key.isascii() or not key.isprintable():
        raise Problem(400, f"The Idempotency-Key must be printable ASCII, of at most {KEY_CHARACTERS_MAX} characters.")
    return key


async def _steered(request: web.Request, action: Steering, *, accept: bool = False) -> web.Response:
    services, run = services_of(request), request.match_info["id"]
    return answer(await steer_run(services, request[IDENTITY], run, action, accept=accept), 202)
