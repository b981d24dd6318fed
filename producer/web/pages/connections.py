"""The leaves of connections: adding one is guided, removing one says what depends on it. What is done, the API's functions do."""

from dataclasses import asdict
from typing import Any, Final

from aiohttp import web
from pydantic import SecretStr

from producer.accounts.discovery import AccountSeen, seen
from producer.accounts.findings import Busy, Sight, Wrong
from producer.api.access import IDENTITY
from producer.api.request_context import services_of
from producer.registry.model import Connection, Export, Limits
from producer.registry.store import ChangedMeanwhile
from producer.services.accounts import look_at, look_through
from producer.services.bodies import merged
from producer.services.connections import (
    BUSY,
    change_connection,
    connection_as_body,
    create_connection,
    delete_connection,
    look_at_account,
)
from producer.services.context import Services
from producer.services.permissions import may_use
from producer.services.requests import ConnectionBody, ConnectionChange
from producer.web.forms.form import Form, as_text, dotted, number, tried, without_blanks
from producer.web.forms.form_parsing import FORM
from producer.web.forms.slugs import free_name
from producer.web.pages.login import DOORKEEPER
from producer.web.rendering.navigation import N_
from producer.web.rendering.templating import redirect_to, render
from producer.web.sessions.cookies import session_of

LIMITS: Final = ("imports_per_minute", "single_imports_per_minute", "requests_per_second")
CHANGED: Final = "Somebody changed it since you opened this page. Open it again to see how it stands now."
KEY_GONE: Final = N_("Enter the key again: it is kept for a quarter of an hour only.")


async def show_all(request: web.Request) -> web.Response:
    """List connections by name, as much of each as whoever asks may see."""
    services, identity = services_of(request), request[IDENTITY]
    exports = await services.registry.exports()
    found = await services.registry.connections()
    counts = {one.id: sum(export.connection == one.id for export in exports) for one in found}
    detached = [export for export in exports if export.connection is None]
    return render(
        request,
        "connections.html",
        connections=found,
        counts=counts,
        detached=detached if identity.is_admin else [],
        may_use={one.id: may_use(identity, one) for one in found},
        done=request.query.get("done", ""),
        gone=request.query.get("gone", ""),
    )


async def show(request: web.Request) -> web.Response:
    """Show a connection."""
    return await _shown(request, await _named(request))


async def begin(request: web.Request) -> web.Response:
    """Show the form of a new connection."""
    limits = {f"limits.{name}": as_text(value) for name, value in asdict(Limits()).items()}
    return _form(request, Form.of({"allow": "admins", **limits}))


async def create(request: web.Request) -> web.Response:
    """Connect: check everything and show what the key opens. Save: keep it as well."""
    services, identity, sheet = services_of(request), request[IDENTITY], Form(request[FORM])
    key = await _key(request, sheet)
    body = await _body(services, sheet, key)
    sight = None
    if body is not None and sheet.said("do") == "save":
        saved = await tried(request, sheet, create_connection(services, identity, body), dotted)
        if saved is not None:
            return redirect_to(f"/connections/{saved.name}?done=saved")
    elif body is not None:
        sight = _judged(
            sheet, await tried(request, sheet, look_at(services, identity, body.host, body.api_key), dotted)
        )
    mended = _mended(services, sheet.said("host"))
    draft = "" if key is None or "api_key" in sheet.faults else await _kept(request, key)
    return _form(request, sheet.with_said("host", mended) if sight else sheet, draft=draft, sight=sight, host=mended)


async def _key(request: web.Request, sheet: Form) -> SecretStr | None:
    """Return the key that was entered, here or at an earlier step of this form."""
    if typed := sheet.said("api_key"):
        return SecretStr(typed)
    draft = sheet.said("draft")
    key = await request.app[DOORKEEPER].pending_keys.kept(services_of(request), session_of(request), draft)
    if key is None and draft:
        sheet.fault("api_key", KEY_GONE)
    return key


async def _body(services: Services, sheet: Form, key: SecretStr | None) -> ConnectionBody | None:
    """Make what the API would be told; None with every fault noted that can be told without asking ActiveCampaign."""
    taken = {connection.name for connection in await services.registry.connections()}
    display_name, name = sheet.said("display_name"), sheet.said("name")
    if not display_name:
        sheet.fault("display_name", "is required")
    if name in taken:
        sheet.fault("name", f"there is a connection {name!r} already")
    name = name or free_name(display_name, taken) or free_name("activecampaign", taken)
    said = {"name": name, "api_key": key, "consent": sheet.ticked("consent")}
    body = sheet.made(ConnectionBody, _document(sheet) | without_blanks(said), dotted)
    _look_at_host(services, sheet)
    return None if sheet.faults else body


async def edit(request: web.Request) -> web.Response:
    """Show the form of a connection as it is."""
    connection = await _named(request)
    said = connection_as_body(connection)
    limits = {f"limits.{name}": as_text(value) for name, value in said.pop("limits").items()}
    said["account"] = said["account"] or ""
    return _form(request, Form.of({**said, **limits, "seen": _version(connection)}), connection)


async def change(request: web.Request) -> web.Response:
    """Keep a connection as the form says."""
    services, identity, sheet = services_of(request), request[IDENTITY], Form(request[FORM])
    before = await _named(request)
    typed = sheet.said("api_key")
    said = _document(sheet) | {"name": sheet.said("name")} | ({"api_key": SecretStr(typed)} if typed else {})
    body = sheet.made(ConnectionChange, merged(connection_as_body(before), said), dotted)
    _look_at_host(services, sheet)
    if body is not None and not sheet.faults:

        async def changed() -> Connection:
            if sheet.said("seen") != _version(before):
                raise ChangedMeanwhile(CHANGED)
            return await change_connection(services, identity, before, body)

        saved = await tried(request, sheet, changed(), dotted)
        if saved is not None:
            return redirect_to(f"/connections/{saved.name}?done=changed")
    return _form(request, sheet, before)


async def check(request: web.Request) -> web.Response:
    """Look whether host and key are still good, and at the account behind them."""
    services, identity, connection = services_of(request), request[IDENTITY], await _named(request)
    sheet = Form.of({})
    sight = await tried(request, sheet, look_through(services, identity, connection), dotted)
    found = _judged(sheet, sight)
    if found is not None:
        await look_at_account(services, connection)
        connection = await _named(request)
    return await _shown(request, connection, checked=True, sight=found, faults=list(sheet.faults.values()))


async def ask_to_remove(request: web.Request) -> web.Response:
    """Say what depends on a connection before it is removed."""
    services, connection = services_of(request), await _named(request)
    return render(
        request, "connection_remove.html", connection=connection, exports=await _exports_over(services, connection)
    )


async def remove(request: web.Request) -> web.Response:
    """Remove a connection; its exports stay, detached."""
    name = request.match_info["name"]
    await delete_connection(services_of(request), request[IDENTITY], name)
    return redirect_to(f"/connections?done=removed&gone={name}")


async def _shown(
    request: web.Request,
    connection: Connection,
    *,
    checked: bool = False,
    sight: Sight | None = None,
    faults: list[str] | None = None,
) -> web.Response:
    return render(
        request,
        "connection.html",
        connection=connection,
        account=await _account(services_of(request), connection),
        exports=await _exports_over(services_of(request), connection),
        done=request.query.get("done", ""),
        checked=checked,
        sight=sight,
        faults=faults or [],
    )


def _form(
    request: web.Request,
    sheet: Form,
    connection: Connection | None = None,
    *,
    draft: str = "",
    sight: Sight | None = None,
    host: str = "",
) -> web.Response:
    return render(
        request,
        "connection_form.html",
        status=sheet.status,
        sheet=sheet,
        connection=connection,
        draft=draft,
        sight=sight,
        host=host,
    )


async def _kept(request: web.Request, key: SecretStr) -> str:
    """Keep the key for the next step of this form."""
    return await request.app[DOORKEEPER].pending_keys.keep(services_of(request), session_of(request), key)


def _document(sheet: Form) -> dict[str, Any]:
    limits = {name: number(sheet.said(f"limits.{name}")) for name in LIMITS}
    said = {name: sheet.said(name) for name in ("display_name", "host", "allow")}
    return without_blanks({**said, "limits": without_blanks(limits)}) | {"account": sheet.said("account") or None}


def _look_at_host(services: Services, sheet: Form) -> None:
    """Say what is wrong with the host together with everything else."""
    if host := sheet.said("host"):
        mended = services.checks.mend_host(host)
        if isinstance(mended, Wrong):
            sheet.fault(mended.field, mended.reason)


def _mended(services: Services, host: str) -> str:
    mended = services.checks.mend_host(host)
    return host if isinstance(mended, Wrong) else mended


def _judged(sheet: Form, found: Sight | Wrong | Busy | None) -> Sight | None:
    match found:
        case Wrong(field, reason):
            sheet.fault(field, reason)
        case Busy():
            sheet.faults[""], sheet.status = BUSY, 503
        case Sight():
            return found
        case None:
            pass
    return None


def _version(connection: Connection) -> str:
    """Name how a connection stands, so that nobody overwrites what he has not seen."""
    return str(connection.changed)


async def _account(services: Services, connection: Connection) -> AccountSeen:
    return seen(connection, await services.registry.connections())


async def _exports_over(services: Services, connection: Connection) -> list[Export]:
    return [export for export in await services.registry.exports() if export.connection == connection.id]


async def _named(request: web.Request) -> Connection:
    return await services_of(request).registry.connection(request.match_info["name"])
