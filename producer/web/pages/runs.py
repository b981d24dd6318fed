"""The leaves of runs: listed, one as it goes, and what a person does with one, which is asked before it is done."""

from typing import Any, Final

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.problem_responses import Problem
from producer.api.request_context import services_of
from producer.services.context import Services
from producer.services.identity import Identity
from producer.services.paging import Window
from producer.services.permissions import may_use, require_use
from producer.services.roles import WRITERS
from producer.services.runs import listed_runs, retry_run, steer_run
from producer.web.rendering.run_labels import ACTS, BOOKS, CODES, FORESEEN, MODES
from producer.web.rendering.run_view import RunView, run_view
from producer.web.rendering.templating import redirect_to, render
from wire.chunk_queue.run import Run

LISTED: Final = 25
WORDS: Final[dict[str, Any]] = {"books": BOOKS, "acts": ACTS, "modes": MODES, "foreseen": FORESEEN, "codes": CODES}
"""What templates say of runs."""


async def show_all(request: web.Request) -> web.Response:
    """List runs, the newest first, all or those of one export."""
    services, export = services_of(request), request.query.get("export", "")
    exports = [each.name for each in await services.registry.exports()]
    listed = await listed_runs(services, Window(request.query.get("after", ""), LISTED), export or None)
    runs = await services.run_store.look([document.id for document in listed.runs])
    shown = await _all_seen(services, runs)
    return render(
        request,
        "runs.html",
        runs=shown,
        export=export,
        exports=exports,
        following=listed.following,
        is_first="after" not in request.query,
        **WORDS,
    )


async def show(request: web.Request) -> web.Response:
    """Show a run."""
    services, run = services_of(request), request.match_info["id"]
    found = await look(services, run)
    if found is None:
        raise unknown(run)
    may_act = await may_act_on(services, request[IDENTITY], found.run)
    said = request.query.get("said", "")
    return render(request, "run.html", seen=found, may_act=may_act, said=said, **WORDS)


async def ask_to_steer(request: web.Request) -> web.Response:
    """Ask whether something shall be done with a run, and say what it means."""
    services, run = services_of(request), request.match_info["id"]
    found = await look(services, run)
    if found is None:
        raise unknown(run)
    require_use(request[IDENTITY], await services.registry.connection_by_id(found.run.connection))
    return render(request, "run_act.html", seen=found, act=_act(request), **WORDS)


async def steer(request: web.Request) -> web.Response:
    """Do something with a run, and show it, or the one that was opened."""
    services, identity, run = services_of(request), request[IDENTITY], request.match_info["id"]
    match _act(request):
        case "retry":
            done = await retry_run(services, identity, run)
        case "accept":
            done = await steer_run(services, identity, run, "resume", accept=True)
        case "pause":
            done = await steer_run(services, identity, run, "pause")
        case "resume" | "decline":
            done = await steer_run(services, identity, run, "resume")
        case _:
            done = await steer_run(services, identity, run, "cancel")
    said = "" if done.result == "done" else f"?said={done.result}"
    return redirect_to(f"/runs/{done.run.id}{said}")


async def look(services: Services, run: str) -> RunView | None:
    """See a run as it stands; None if there is none."""
    return next(iter(await _all_seen(services, await services.run_store.look([run]))), None)


async def may_act_on(services: Services, identity: Identity, run: Run) -> bool:
    """Whether somebody may do something with a run, or see whom it left out."""
    return identity.role in WRITERS and may_use(identity, await services.registry.connection_by_id(run.connection))


def unknown(run: str) -> Problem:
    """Make the problem of a run that is not there."""
    return Problem(404, f"There is no run {run!r}.")


async def _all_seen(services: Services, runs: list[Run]) -> list[RunView]:
    if not runs:
        return []
    projected, now = await services.project(runs), await services.run_store.now()
    return [run_view(run, projected, now) for run in runs]


def _act(request: web.Request) -> str:
    return request.path.rpartition("/")[2]
