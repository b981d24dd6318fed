"""The handlers of runs: opened on demand, looked at, and steered at a chunk's edge."""

from typing import Final

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.answering import answer, answer_page, window
from producer.api.bodies import DemandBody, NothingBody, ResumeBody
from producer.api.collaborators import Collaborators, collaborators
from producer.api.openness import closed, require_use
from producer.api.problems import Problem
from producer.api.reading import read_body
from producer.api.run_documents import OpenedDocument, RunDocument, SteeredDocument
from producer.intake import Demand
from wire.ledger import Steering
from wire.runs import Mode

KEY_CHARACTERS_MAX: Final = 255


async def open_run(request: web.Request) -> web.Response:
    """Open a run of an export; the same Idempotency-Key with the same demand opens nothing new."""
    of = collaborators(request)
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > KEY_CHARACTERS_MAX or not key.isascii() or not key.isprintable():
        raise Problem(400, f"The Idempotency-Key must be printable ASCII, of at most {KEY_CHARACTERS_MAX} characters.")
    body = await read_body(request, DemandBody, optional=True)
    demand = Demand(body.snapshot, Mode(body.mode), body.dry_run, body.include_refused)
    by_contributor = not request[IDENTITY].is_admin
    name = request.match_info["name"]
    run = await of.intake.demand(name, demand, idempotency_key=key, by_contributor=by_contributor)
    return answer(OpenedDocument(run=await _shown(of, run)), 202)


async def show_all(request: web.Request) -> web.Response:
    """List runs, the newest first; `export` picks those of one export by its name."""
    of, wanted = collaborators(request), window(request)
    name = request.query.get("export")
    export_id = (await of.registry.export(name)).id if name else ""
    ids = await of.registry.runs(after=wanted.after, most=wanted.most + 1, export_id=export_id)
    part = ids[: wanted.most]
    found = await of.ledger.look(part)
    documents = RunDocument.all_of(found, await of.project(found))
    return answer_page(documents, part[-1] if len(ids) > len(part) else None)


async def show(request: web.Request) -> web.Response:
    """Show a run."""
    return answer(await _shown(collaborators(request), request.match_info["id"]))


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
    of, run = collaborators(request), request.match_info["id"]
    found = await of.ledger.look([run])
    if not found:
        raise _unknown(run)
    require_use(request[IDENTITY], await of.registry.connection_by_id(found[0].connection))
    opened, is_new = await of.intake.retry(found[0], by_contributor=not request[IDENTITY].is_admin)
    return answer(SteeredDocument(run=await _shown(of, opened), result="done" if is_new else "already"), 202)


async def _steered(request: web.Request, action: Steering, *, accept: bool = False) -> web.Response:
    of, run = collaborators(request), request.match_info["id"]
    result = await of.ledger.steer(run, action, accept=accept, by_contributor=not request[IDENTITY].is_admin)
    match result:
        case "unknown":
            raise _unknown(run)
        case "closed":
            raise closed()
        case "done" | "already" | "over":
            return answer(SteeredDocument(run=await _shown(of, run), result=result), 202)


async def _shown(of: Collaborators, run: str) -> RunDocument:
    found = await of.ledger.look([run])
    if not found:
        raise _unknown(run)
    return RunDocument.all_of(found, await of.project(found))[0]


def _unknown(run: str) -> Problem:
    return Problem(404, f"There is no run {run!r}.")
