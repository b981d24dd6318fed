"""What can be done with runs: start, steer, retry, read and list them."""

from typing import NamedTuple

from producer.intake.open_runs import Demand, IntakeError, Pointless
from producer.registry.store import Unregistered
from producer.runs.answers import Steering
from producer.services.context import Services
from producer.services.errors import NotFound
from producer.services.identity import Identity
from producer.services.paging import Window
from producer.services.permissions import closed, require_use
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
    services: Services, identity: Identity, export: str, body: DemandBody, idempotency_key: str = ""
) -> RunDocument:
    """Open a run of an export; the same key with the same demand opens nothing new. Unregistered, Closed and intake's."""
    demand = Demand(body.snapshot, Mode(body.mode), body.dry_run, body.include_refused)
    run = await services.intake.demand(
        export, demand, idempotency_key=idempotency_key, by_contributor=not identity.is_admin, by=identity.author
    )
    return await shown_run(services, run)


async def demand_scheduled(services: Services, identity: Identity, idempotency_key: str = "") -> ScheduledDocument:
    """Open a run of every export that has a schedule and is enabled, and say of the others why not."""
    opened: list[ScheduledRun] = []
    skipped: list[ScheduledSkipped] = []
    for export in await services.registry.exports():
        if not export.schedule:
            continue
        try:
            if not export.enabled:
                raise Pointless("the export is disabled")
            run = await services.intake.demand(
                export.name,
                Demand(),
                idempotency_key=idempotency_key,
                by_contributor=not identity.is_admin,
                by=identity.author,
            )
        except (IntakeError, Unregistered) as error:
            skipped.append(ScheduledSkipped(export=export.name, reason=str(error)))
        else:
            opened.append(ScheduledRun(export=export.name, run=run))
    return ScheduledDocument(runs=opened, skipped=skipped)


async def steer_run(
    services: Services, identity: Identity, run: str, action: Steering, *, accept: bool = False
) -> SteeredDocument:
    """Cancel, pause or resume a run. Forbidden or NotFound."""
    result = await services.run_store.steer(
        run, action, accept=accept, by_contributor=not identity.is_admin, by=identity.author
    )
    match result:
        case "unknown":
            raise _unknown(run)
        case "closed":
            raise closed()
        case "done" | "already" | "over":
            return SteeredDocument(run=await shown_run(services, run), result=result)


async def retry_run(services: Services, identity: Identity, run: str) -> SteeredDocument:
    """Open a run for those whom a run that is over left refused, unconfirmed or unsent. Forbidden or NotFound."""
    found = await services.run_store.look([run])
    if not found:
        raise _unknown(run)
    require_use(identity, await services.registry.connection_by_id(found[0].connection))
    opened, is_new = await services.intake.retry(found[0], by_contributor=not identity.is_admin, by=identity.author)
    return SteeredDocument(run=await shown_run(services, opened), result="done" if is_new else "already")


async def shown_run(services: Services, run: str) -> RunDocument:
    """Return a run as it is shown. NotFound."""
    found = await services.run_store.look([run])
    if not found:
        raise _unknown(run)
    return RunDocument.all_of(found, await services.project(found))[0]


async def listed_runs(services: Services, wanted: Window, export: str | None = None) -> Listed:
    """Return a part of all runs, or of those of an export by its name, the newest first. Unregistered."""
    export_id = (await services.registry.export(export)).id if export else ""
    ids = await services.registry.runs(after=wanted.after, most=wanted.most + 1, export_id=export_id)
    part = ids[: wanted.most]
    found = await services.run_store.look(part)
    documents = RunDocument.all_of(found, await services.project(found))
    return Listed(documents, part[-1] if len(ids) > len(part) else None)


def _unknown(run: str) -> NotFound:
    return NotFound(f"There is no run {run!r}.")
