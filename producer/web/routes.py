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
from producer.web.rendering.templating import see
from producer.web.route import Leaf


async def begin(_: web.Request) -> web.Response:
    """Send whoever comes to what they come for most."""
    return see("/exports")


LEAVES: Final = (
    Leaf(method="GET", path="/", handler=begin, roles=READERS),
    Leaf(method="GET", path="/login", handler=login.show, roles=None),
    Leaf(method="POST", path="/login", handler=login.enter, roles=None),
    Leaf(method="GET", path="/login/openid", handler=openid_login.begin, roles=None),
    Leaf(method="GET", path=CALLBACK, handler=openid_login.back, roles=None),
    Leaf(method="GET", path="/login/openid/goodbye", handler=openid_login.goodbye, roles=None),
    Leaf(method="POST", path="/logout", handler=login.leave, roles=READERS),
    Leaf(method="GET", path="/connections", handler=connections.show_all, roles=READERS),
    Leaf(method="GET", path="/new/connection", handler=connections.begin, roles=ADMIN),
    Leaf(method="POST", path="/new/connection", handler=connections.create, roles=ADMIN),
    Leaf(method="GET", path="/connections/{name}", handler=connections.show, roles=ADMIN),
    Leaf(method="POST", path="/connections/{name}/check", handler=connections.check, roles=ADMIN),
    Leaf(method="GET", path="/connections/{name}/edit", handler=connections.edit, roles=ADMIN),
    Leaf(method="POST", path="/connections/{name}/edit", handler=connections.change, roles=ADMIN),
    Leaf(method="GET", path="/connections/{name}/remove", handler=connections.ask_to_remove, roles=ADMIN),
    Leaf(method="POST", path="/connections/{name}/remove", handler=connections.remove, roles=ADMIN),
    Leaf(method="GET", path="/exports", handler=exports.show_all, roles=READERS),
    Leaf(method="POST", path="/exports", handler=exports.run_scheduled, roles=WRITERS),
    Leaf(method="GET", path="/new/export", handler=export_edit.begin, roles=WRITERS),
    Leaf(method="POST", path="/new/export", handler=export_edit.create, roles=WRITERS),
    Leaf(method="GET", path="/exports/{name}", handler=exports.show, roles=READERS),
    Leaf(method="GET", path="/exports/{name}/edit", handler=export_edit.edit, roles=WRITERS),
    Leaf(method="POST", path="/exports/{name}/edit", handler=export_edit.change, roles=WRITERS),
    Leaf(method="GET", path="/exports/{name}/duplicate", handler=export_edit.duplicate, roles=WRITERS),
    Leaf(method="POST", path="/exports/{name}/run", handler=exports.run, roles=WRITERS),
    Leaf(method="POST", path="/exports/{name}/switch", handler=exports.switch, roles=WRITERS),
    Leaf(method="GET", path="/exports/{name}/remove", handler=exports.ask_to_remove, roles=WRITERS),
    Leaf(method="POST", path="/exports/{name}/remove", handler=exports.remove, roles=WRITERS),
    Leaf(method="GET", path="/runs", handler=runs.show_all, roles=READERS),
    Leaf(method="GET", path="/runs/{id}", handler=runs.show, roles=READERS),
    Leaf(method="GET", path="/runs/{id}/live", handler=run_stream.show, roles=READERS),
    Leaf(method="GET", path="/runs/{id}/rejects", handler=rejects.show, roles=WRITERS),
    Leaf(method="POST", path="/runs/{id}/rejects", handler=rejects.search, roles=WRITERS),
    Leaf(method="GET", path="/runs/{id}/rejects/download", handler=rejects.download, roles=WRITERS),
    *(Leaf(method="GET", path=f"/runs/{{id}}/{act}", handler=runs.ask, roles=WRITERS) for act in ACTS),
    *(Leaf(method="POST", path=f"/runs/{{id}}/{act}", handler=runs.do, roles=WRITERS) for act in ACTS),
    Leaf(method="GET", path="/segments", handler=segments.show_all, roles=READERS),
    Leaf(method="GET", path="/audit", handler=audit.show, roles=ADMIN),
    Leaf(method="GET", path="/audit/download", handler=audit.download, roles=ADMIN),
    Leaf(method="GET", path="/static/{digest}/{name}", handler=assets.show, roles=None),
)
