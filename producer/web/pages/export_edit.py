"""The leaves that add, change and duplicate an export: one form, which shows what it would send before it is saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.request_context import services_of
from producer.registry.model import Connection, Export, Segment
from producer.registry.store import ChangedMeanwhile, Unregistered
from producer.services.accounts import Sample, sampled
from producer.services.context import Services
from producer.services.documents import ExportDocument
from producer.services.exports import change_export, connection_of, create_export, must_confirm
from producer.services.identity import Identity
from producer.services.permissions import may_use, require_use
from producer.services.requests import ExportBody, ExportChange
from producer.snapshots import Preview, SnapshotError
from producer.web.forms.account_cache import AccountCache, CachedAccount
from producer.web.forms.export_form import (
    NAMED,
    OFF_BY_NULL,
    UNSUBSCRIBE,
    MappingRow,
    SubmittedForm,
    rows_of,
    submitted,
    typed,
)
from producer.web.forms.export_options import Choices, preview_value, shown_name
from producer.web.forms.form import Form, tried
from producer.web.forms.form_parsing import FORM
from producer.web.forms.slugs import free_name
from producer.web.rendering.navigation import N_
from producer.web.rendering.templating import redirect_to, render

GLIMPSES: Final = web.AppKey("glimpses", AccountCache)

CHANGED: Final = "Somebody changed it since you opened this page. Open it again to see how it stands now."
NEVER_REFRESHED: Final = N_("The segment was never refreshed, so nobody knows its columns yet: enter their names.")
UNREADABLE: Final = N_("The latest snapshot cannot be read, so enter the columns' names:")
NO_PREVIEW: Final = N_("There is nothing to preview: the segment has no snapshot that can be read.")
ZONES: Final = ("UTC", "Europe/Berlin", "Europe/London", "Europe/Vienna", "Europe/Zurich", "America/New_York")
ROWS_AT_FIRST: Final = 3


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known of a segment's latest snapshot: its beginning, or why not."""

    preview: Preview | None
    trouble: str = ""
    detail: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to choose from."""
        return tuple(self.preview.columns) if self.preview else ()


async def begin(request: web.Request) -> web.Response:
    """Ask which connection and segment; with both, show the form of a new export."""
    services, identity = services_of(request), request[IDENTITY]
    usable = [one for one in await services.registry.connections() if may_use(identity, one)]
    if not usable:
        return await _nothing_usable(request, services)
    wanted = {name: request.query.get(name, "").strip() for name in ("connection", "segment")}
    connection = next((one for one in usable if one.name == wanted["connection"]), None)
    if connection is None or not wanted["segment"]:
        return await _first_step(request, services, usable, wanted)
    first = ExportBody(name="x", connection="x", segment="x", list_id="1", mapping={"email": "x"}).model_dump()  # type: ignore[arg-type]
    taken = [export.name for export in await services.registry.exports()]
    at_first = {**first, **wanted, "name": free_name(wanted["segment"], taken), "list_id": "", "budget_minutes": None}
    at_first |= {"mapping": {"email": ""}, "schedule": {"zone": "UTC"}}
    return await _form(request, Form.of(typed(at_first)), connection)


async def create(request: web.Request) -> web.Response:
    """Preview, or keep a new export; nothing runs by that."""
    services, identity, sheet = services_of(request), request[IDENTITY], Form(request[FORM])
    connection = await _connection(services, identity, sheet)
    if (step := _step(sheet)) is not None:
        return await _form(request, step, connection)
    read = submitted(sheet)
    body = sheet.made(
        ExportBody,
        {name: value for name, value in read.document.items() if value is not None or name in OFF_BY_NULL},
        read.place,
    )
    if body is not None and not sheet.faults:
        if sheet.said("do") == "preview":
            return await _form(request, sheet, connection, sample=body)
        _confirmed(sheet, body, None)
        saved = (
            None if sheet.faults else await tried(request, sheet, create_export(services, identity, body), read.place)
        )
        if saved is not None:
            return redirect_to(f"/exports/{saved.name}?done=saved")
    return await _form(request, sheet, connection)


async def edit(request: web.Request) -> web.Response:
    """Show the form of an export as it is."""
    services, export = services_of(request), await _named(request)
    connection = await connection_of(services, export)
    require_use(request[IDENTITY], connection)
    document = ExportDocument.of(export, connection.name if connection else None, services.clock_ms()).model_dump()
    return await _form(request, Form.of([*typed(document), ("seen", str(export.changed))]), connection, export)


async def change(request: web.Request) -> web.Response:
    """Preview, or keep an export as the form says; runs under way keep their copy."""
    services, identity, sheet, before = (
        services_of(request),
        request[IDENTITY],
        Form(request[FORM]),
        await _named(request),
    )
    require_use(identity, await connection_of(services, before))
    connection = await _connection(services, identity, sheet)
    if (step := _step(sheet)) is not None:
        return await _form(request, step, connection, before)
    read = submitted(sheet)

    async def changed(onto: Mapping[str, Any]) -> ExportChange:
        body = sheet.made(ExportChange, _onto(onto, read), read.place)
        if body is not None:
            _confirmed(sheet, body, before)
        if body is None or sheet.faults:
            raise _Faulty
        if sheet.said("do") == "preview":
            raise _Previewed(body)
        if sheet.said("seen") != str(before.changed):
            raise ChangedMeanwhile(CHANGED)
        return body

    try:
        saved = await tried(request, sheet, change_export(services, identity, before, changed), read.place)
    except _Faulty:
        saved = None
    except _Previewed as shown:
        return await _form(request, sheet, connection, before, sample=shown.body)
    if saved is not None:
        return redirect_to(f"/exports/{saved.name}?done=changed")
    return await _form(request, sheet, connection, before)


async def duplicate(request: web.Request) -> web.Response:
    """Show the form of a new export that is like another one."""
    services, identity, export = services_of(request), request[IDENTITY], await _named(request)
    connection = await connection_of(services, export)
    if not may_use(identity, connection):
        connection = None
    document = ExportDocument.of(export, connection.name if connection else None, services.clock_ms()).model_dump()
    taken = [each.name for each in await services.registry.exports()]
    like = document | {"name": free_name(f"{export.name}-copy", taken)}
    return await _form(request, Form.of(typed(like)), connection, path="/new/export")


class _Faulty(Exception):
    """The form has faults, which the sheet holds."""


class _Previewed(Exception):
    """The form is good, and was sent to be looked at only."""

    def __init__(self, body: ExportBody) -> None:
        self.body = body
        super().__init__()


async def _form(
    request: web.Request,
    sheet: Form,
    connection: Connection | None,
    export: Export | None = None,
    *,
    sample: ExportBody | None = None,
    path: str = "",
) -> web.Response:
    services, identity = services_of(request), request[IDENTITY]
    glimpse = CachedAccount() if connection is None else await request.app[GLIMPSES].of(services, identity, connection)
    if not glimpse.lists and sheet.said("list_other"):
        sheet = sheet.with_said("list_id", sheet.said("list_other"))  # there is one field for it then
    beginning = await _beginning(services, await services.registry.segment(sheet.said("segment")))
    usable = [one for one in await services.registry.connections() if may_use(identity, one)]
    rows = rows_of(sheet)
    least = 0 if "attribute" in sheet.typed else ROWS_AT_FIRST
    if request.method == "GET":
        rows += [MappingRow()] * max(0, least - len(rows))
    return render(
        request,
        "export_form.html",
        status=sheet.status,
        sheet=sheet,
        export=export,
        action=path or request.path,
        connection=connection,
        choices=Choices(usable, glimpse, beginning.columns, identity),
        preview_value=preview_value,
        segments=[segment.name for segment in await services.registry.segments()],
        glimpse=glimpse,
        beginning=beginning,
        named=NAMED,
        rows=rows,
        zones=ZONES,
        samples=_samples(sample, beginning),
        asked=sample,
    )


def _samples(sample: ExportBody | None, beginning: Beginning) -> list[Sample]:
    if sample is None or beginning.preview is None:
        return []
    return sampled(beginning.preview, sample)


def _step(sheet: Form) -> Form | None:
    """Return the form with a row more or less, where that is what was asked for."""
    match sheet.said("do").partition("-"):
        case "add", _, _:
            rows = [*((row.attribute, row.column) for row in rows_of(sheet)), ("", "")]
        case "drop", _, place:
            rows = [(row.attribute, row.column) for at, row in enumerate(rows_of(sheet)) if str(at) != place]
        case "refresh", _, _:
            rows = [(row.attribute, row.column) for row in rows_of(sheet)]
        case _:
            return None
    kept = [(name, value) for name, value in sheet.typed.items() if name not in {"attribute", "column"}]
    for attribute, column in rows:
        kept += [("attribute", attribute), ("column", column)]
    return Form.of(kept)


def _onto(onto: Mapping[str, Any], read: SubmittedForm) -> dict[str, Any]:
    """Put what the form says onto an export as it is; what the form does not know of stays."""
    mapping = {name: value for name, value in onto["mapping"].items() if name not in MAPPED}
    document = {**onto, "leavers_field": None, "schedule": None, **read.document}
    return document | {"mapping": mapping | read.document["mapping"]}


MAPPED: Final = frozenset({"email", "id", "tags", "tags_column", "fields", *NAMED})


def _confirmed(sheet: Form, body: ExportBody, before: Export | None) -> None:
    """Ask for the second yes in the words of the form; that it is needed, the API says again."""
    if must_confirm(body, before) and not body.confirm_unsubscribe:
        sheet.fault("confirm_unsubscribe", UNSUBSCRIBE)


async def _beginning(services: Services, segment: Segment) -> Beginning:
    if segment.snapshot is None:
        return Beginning(None, NEVER_REFRESHED)
    try:
        return Beginning(await services.preview(segment.snapshot))
    except SnapshotError as error:
        return Beginning(None, UNREADABLE, str(error))


async def _connection(services: Services, identity: Identity, sheet: Form) -> Connection | None:
    """Return the connection that the form names, if they may use it; whether it must be one, the API says."""
    try:
        connection = await services.registry.connection(sheet.said("connection"))
    except Unregistered:
        return None
    require_use(identity, connection)
    return connection


async def _named(request: web.Request) -> Export:
    return await services_of(request).registry.export(request.match_info["name"])


async def _first_step(
    request: web.Request, services: Services, usable: list[Connection], wanted: Mapping[str, str]
) -> web.Response:
    chosen = wanted["connection"] or (usable[0].name if len(usable) == 1 else "")
    sheet = Form.of({**wanted, "connection": chosen})
    if "segment" in request.query:
        for name in ("connection", "segment"):
            if not wanted[name]:
                sheet.fault(name, "is required")
    segments = await services.registry.segments()
    options = [(one.name, shown_name(one, request[IDENTITY])) for one in usable]
    return render(request, "export_begin.html", status=sheet.status, sheet=sheet, options=options, segments=segments)


async def _nothing_usable(request: web.Request, services: Services) -> web.Response:
    """Say why there is no connection to choose, and whom to ask."""
    closed = await services.registry.connections()
    askable = sorted({one.export_user or one.consent.by for one in closed})
    return render(request, "export_closed.html", closed=closed, askable=askable)
