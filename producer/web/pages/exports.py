"""The leaves of exports: how they stand, and what a person does with one as it is. Adding and changing is `export_edit`'s."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.request_context import services_of
from producer.intake.schedule import next_after
from producer.registry.model import Connection, Export, Segment
from producer.services.bodies import checked
from producer.services.context import Services
from producer.services.exports import change_export, connection_of, delete_export, shown_export
from producer.services.identity import Identity
from producer.services.permissions import may_use, require_use
from producer.services.requests import DemandBody, ExportChange
from producer.services.roles import WRITERS
from producer.services.runs import demand_run, demand_scheduled
from producer.web.forms.form import Form, dotted, tried
from producer.web.forms.form_parsing import FORM
from producer.web.rendering.run_labels import MODES
from producer.web.rendering.run_view import RunView, run_view
from producer.web.rendering.templating import redirect_to, render
from wire.chunk_queue.run import Run

RUNS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class ExportStatus:
    """How an export stands; `next_time` in milliseconds, None while nothing is due by the clock."""

    export: Export
    connection: Connection | None
    segment: Segment
    last: RunView | None
    next_time: int | None
    may_act: bool


async def show_all(request: web.Request) -> web.Response:
    """List exports by name, with what became of the last run of each."""
    services, identity = services_of(request), request[IDENTITY]
    exports = await services.registry.exports()
    standings = await _standings(services, identity, exports)
    return render(
        request,
        "exports.html",
        standings=standings,
        may_write=identity.role in WRITERS,
        has_schedules=any(export.schedule for export in exports),
        done=request.query.get("done", ""),
        gone=request.query.get("gone", ""),
        once=secrets.token_hex(16),
    )


async def show(request: web.Request) -> web.Response:
    """Show an export, its last runs, and what can be done with it."""
    return await _shown(request, Form.of({"mode": "changes"}))


async def run(request: web.Request) -> web.Response:
    """Run an export now and show the run; the same form opens one run, however often it is sent."""
    services, identity, sheet = services_of(request), request[IDENTITY], Form(request[FORM])
    document = {"mode": sheet.said("mode") or "changes"}
    boxes = {name: sheet.ticked(name) for name in ("dry_run", "include_refused")}
    body = sheet.made(DemandBody, document | boxes, dotted)
    if body is not None:
        demand = demand_run(services, identity, request.match_info["name"], body, sheet.said("once")[:64])
        opened = await tried(request, sheet, demand, dotted)
        if opened is not None:
            return redirect_to(f"/runs/{opened.id}")
    return await _shown(request, sheet)


async def run_scheduled(request: web.Request) -> web.Response:
    """Run every export that has a schedule, and say of each what came of that."""
    services, identity, sheet = services_of(request), request[IDENTITY], Form(request[FORM])
    found = await demand_scheduled(services, identity, sheet.said("once")[:64])
    return render(request, "exports_scheduled.html", found=found)


async def switch(request: web.Request) -> web.Response:
    """Enable or disable an export, as the form says."""
    services, identity, sheet = services_of(request), request[IDENTITY], Form(request[FORM])
    before, enabled = await _named(request), sheet.said("do") == "enable"

    async def switched(onto: Mapping[str, Any]) -> ExportChange:
        return checked(ExportChange, {**onto, "enabled": enabled})

    saved = await tried(request, sheet, change_export(services, identity, before, switched), dotted)
    if saved is None:
        return await _shown(request, sheet)
    return redirect_to(f"/exports/{saved.name}?done={'enabled' if enabled else 'disabled'}")


async def ask_to_remove(request: web.Request) -> web.Response:
    """Say what goes with an export before it is removed."""
    services, identity, export = services_of(request), request[IDENTITY], await _named(request)
    require_use(identity, await connection_of(services, export))
    under_way = [one for one in await _runs(services, export, RUNS_SHOWN) if not one.run.over]
    return render(request, "export_remove.html", export=export, under_way=under_way)


async def remove(request: web.Request) -> web.Response:
    """Remove an export; its runs end."""
    name = request.match_info["name"]
    await delete_export(services_of(request), request[IDENTITY], name)
    return redirect_to(f"/exports?done=removed&gone={name}")


async def _shown(request: web.Request, sheet: Form) -> web.Response:
    services, identity, export = services_of(request), request[IDENTITY], await _named(request)
    (standing,) = await _standings(services, identity, [export])
    connection = standing.connection
    document = await shown_export(services, export, connection)
    return render(
        request,
        "export.html",
        status=sheet.status,
        sheet=sheet,
        standing=standing,
        document=document,
        runs=await _runs(services, export, RUNS_SHOWN),
        modes={mode.value: word for mode, word in MODES.items()},
        done=request.query.get("done", ""),
        once=secrets.token_hex(16),
    )


async def _standings(services: Services, identity: Identity, exports: list[Export]) -> list[ExportStatus]:
    connections = {one.id: one for one in await services.registry.connections()}
    segments = {segment.name: segment for segment in await services.registry.segments()}
    newest: dict[str, Run] = {}
    lasts = await asyncio.gather(*(services.registry.runs(most=1, export_id=export.id) for export in exports))
    ids = [run for last in lasts for run in last]
    for found in await services.run_store.look(ids):
        newest[found.export] = found
    projected, now = await services.project(list(newest.values())) if newest else {}, await services.run_store.now()
    return [
        ExportStatus(
            export,
            connection := connections.get(export.connection or ""),
            segments.get(export.segment, Segment(export.segment)),
            run_view(newest[export.id], projected, now) if export.id in newest else None,
            next_after(export.schedule, services.clock_ms()) if export.schedule and export.is_on else None,
            identity.role in WRITERS and may_use(identity, connection),
        )
        for export in exports
    ]


async def _runs(services: Services, export: Export, most: int) -> list[RunView]:
    runs = await services.run_store.look(await services.registry.runs(most=most, export_id=export.id))
    if not runs:
        return []
    projected, now = await services.project(runs), await services.run_store.now()
    return [run_view(run, projected, now) for run in runs]


async def _named(request: web.Request) -> Export:
    return await services_of(request).registry.export(request.match_info["name"])
