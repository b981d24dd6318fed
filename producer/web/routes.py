"""Every leaf of the page, in one table: the only place where it is said who may see and do what there."""

from typing import Final

from aiohttp import web

from producer.access.openid.config import CALLBACK
from producer.services.roles import ADMIN, READERS, WRITERS
from producer.web.pages import (
    audit,
    connections,
    export_edit,
    exports,
    login,
    openid_login,
    rejects,
    run_stream,
    runs,
    segments,
)
from producer.web.rendering import assets
from producer.web.rendering.run_labels import ACTS
from producer.web.rendering.templating import redirect_to
from producer.web.route import PageRoute


async def begin(_: web.Request) -> web.Response:
    """Send whoever comes to what they come for most."""
    return redirect_to("/exports")


PAGE_ROUTES: Final = (
    PageRoute(method="GET", path="/", handler=begin, roles=READERS),
    PageRoute(method="GET", path="/login", handler=login.show, roles=None),
    PageRoute(method="POST", path="/login", handler=login.sign_in, roles=None),
    PageRoute(method="GET", path="/login/openid", handler=openid_login.begin, roles=None),
    PageRoute(method="GET", path=CALLBACK, handler=openid_login.back, roles=None),
    PageRoute(method="GET", path="/login/openid/goodbye", handler=openid_login.goodbye, roles=None),
    PageRoute(method="POST", path="/logout", handler=login.sign_out, roles=READERS),
    PageRoute(method="GET", path="/connections", handler=connections.show_all, roles=READERS),
    PageRoute(method="GET", path="/new/connection", handler=connections.begin, roles=ADMIN),
    PageRoute(method="POST", path="/new/connection", handler=connections.create, roles=ADMIN),
    PageRoute(method="GET", path="/connections/{name}", handler=connections.show, roles=ADMIN),
    PageRoute(method="POST", path="/connections/{name}/check", handler=connections.check, roles=ADMIN),
    PageRoute(method="GET", path="/connections/{name}/edit", handler=connections.edit, roles=ADMIN),
    PageRoute(method="POST", path="/connections/{name}/edit", handler=connections.change, roles=ADMIN),
    PageRoute(method="GET", path="/connections/{name}/remove", handler=connections.ask_to_remove, roles=ADMIN),
    PageRoute(method="POST", path="/connections/{name}/remove", handler=connections.remove, roles=ADMIN),
    PageRoute(method="GET", path="/exports", handler=exports.show_all, roles=READERS),
    PageRoute(method="POST", path="/exports", handler=exports.run_scheduled, roles=WRITERS),
    PageRoute(method="GET", path="/new/export", handler=export_edit.begin, roles=WRITERS),
    PageRoute(method="POST", path="/new/export", handler=export_edit.create, roles=WRITERS),
    PageRoute(method="GET", path="/exports/{name}", handler=exports.show, roles=READERS),
    PageRoute(method="GET", path="/exports/{name}/edit", handler=export_edit.edit, roles=WRITERS),
    PageRoute(method="POST", path="/exports/{name}/edit", handler=export_edit.change, roles=WRITERS),
    PageRoute(method="GET", path="/exports/{name}/duplicate", handler=export_edit.duplicate, roles=WRITERS),
    PageRoute(method="POST", path="/exports/{name}/run", handler=exports.run, roles=WRITERS),
    PageRoute(method="POST", path="/exports/{name}/switch", handler=exports.switch, roles=WRITERS),
    PageRoute(method="GET", path="/exports/{name}/remove", handler=exports.ask_to_remove, roles=WRITERS),
    PageRoute(method="POST", path="/exports/{name}/remove", handler=exports.remove, roles=WRITERS),
    PageRoute(method="GET", path="/runs", handler=runs.show_all, roles=READERS),
    PageRoute(method="GET", path="/runs/{id}", handler=runs.show, roles=READERS),
    PageRoute(method="GET", path="/runs/{id}/live", handler=run_stream.show, roles=READERS),
    PageRoute(method="GET", path="/runs/{id}/rejects", handler=rejects.show, roles=WRITERS),
    PageRoute(method="POST", path="/runs/{id}/rejects", handler=rejects.search, roles=WRITERS),
    PageRoute(method="GET", path="/runs/{id}/rejects/download", handler=rejects.download, roles=WRITERS),
    *(PageRoute(method="GET", path=f"/runs/{{id}}/{act}", handler=runs.ask_to_steer, roles=WRITERS) for act in ACTS),
    *(PageRoute(method="POST", path=f"/runs/{{id}}/{act}", handler=runs.steer, roles=WRITERS) for act in ACTS),
    PageRoute(method="GET", path="/segments", handler=segments.show_all, roles=READERS),
    PageRoute(method="GET", path="/audit", handler=audit.show, roles=ADMIN),
    PageRoute(method="GET", path="/audit/download", handler=audit.download, roles=ADMIN),
    PageRoute(method="GET", path="/static/{digest}/{name}", handler=assets.show, roles=None),
)
