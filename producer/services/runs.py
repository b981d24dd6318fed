"""What can be done with runs: start, steer, retry, read and list them."""

from typing import NamedTuple

from producer.intake.open_runs import Demand, IntakeError, Pointless
from producer.registry.store import Unregistered
from producer.runs.store import Steering
from producer.services.context import Services
from producer.services.identity import Identity
from producer.services.paging import Window
from producer.services.permissions import closed, require_use
from producer.services.problems import Problem
from producer.services.requests import DemandBody
from producer.services.run_documents import (
    RunDocument,
    ScheduledDocument,
    ScheduledRun,
    ScheduledSkipped,
    SteeredDocument,
)
from wire.chunk_queue.run import Mode


class Listed(NamedTuple):
    """A part of the runs; `following` is what the next part comes after, None at the end."""

    runs: list[RunDocument]
    following: str | None


async def demand_run(
    of: Services, who: Identity, export: str, body: DemandBody, idempotency_key: str = ""
) -> RunDocument:
    """Open a run of an export; the same key with the same demand opens nothing new. Unregistered, Closed and intake's."""
    demand = Demand(body.snapshot, Mode(body.mode), body.dry_run, body.include_refused)
    run = await of.intake.demand(
        export, demand, idempotency_key=idempotency_key, by_contributor=not who.is_admin, by=who.author
    )
    return await shown_run(of, run)


async def demand_scheduled(of: Services, who: Identity, idempotency_key: str = "") -> ScheduledDocument:
    """Open a run of every export that has a schedule and is enabled, and say of the others why not."""
    opened: list[ScheduledRun] = []
    skipped: list[ScheduledSkipped] = []
    for export in await of.registry.exports():
        if not export.schedule:
            continue
        try:
            if not export.enabled:
                raise Pointless("the export is disabled")
            run = await of.intake.demand(
                export.name,
                Demand(),
                idempotency_key=idempotency_key,
                by_contributor=not who.is_admin,
                by=who.author,
            )
        except (IntakeError, Unregistered) as error:
            skipped.append(ScheduledSkipped(export=export.name, reason=str(error)))
        else:
            opened.append(ScheduledRun(export=export.name, run=run))
    return ScheduledDocument(runs=opened, skipped=skipped)


async def steer_run(
    of: Services, who: Identity, run: str, action: Steering, *, accept: bool = False
) -> SteeredDocument:
    """Cancel, pause or resume a run. Problem 403 or 404."""
    result = await of.run_store.steer(run, action, accept=accept, by_contributor=not who.is_admin, by=who.author)
    match result:
        case "unknown":
            raise _unknown(run)
        case "closed":
            raise closed()
        case "done" | "already" | "over":
            return SteeredDocument(run=await shown_run(of, run), result=result)


async def retry_run(of: Services, who: Identity, run: str) -> SteeredDocument:
    """Open a run for those whom a run that is over left refused, unconfirmed or unsent. Problem 403 or 404."""
    found = await of.run_store.look([run])
    if not found:
        raise _unknown(run)
    require_use(who, await of.registry.connection_by_id(found[0].connection))
    opened, is_new = await of.intake.retry(found[0], by_contributor=not who.is_admin, by=who.author)
    return SteeredDocument(run=await shown_run(of, opened), result="done" if is_new else "already")


async def shown_run(of: Services, run: str) -> RunDocument:
    """Return a run as it is shown. Problem 404."""
    found = await of.run_store.look([run])
    if not found:
        raise _unknown(run)
    return RunDocument.all_of(found, await of.project(found))[0]


async def listed_runs(of: Services, wanted: Window, export: str | None = None) -> Listed:
    """Return a part of all runs, or of those of an export by its name, the newest first. Unregistered."""
    export_id = (await of.registry.export(export)).id if export else ""
    ids = await of.registry.runs(after=wanted.after, most=wanted.most + 1, export_id=export_id)
    part = ids[: wanted.most]
    found = await of.run_store.look(part)
    documents = RunDocument.all_of(found, await of.project(found))
    return Listed(documents, part[-1] if len(ids) > len(part) else None)


def _unknown(run: str) -> Problem:
    return Problem(404, f"There is no run {run!r}.")
