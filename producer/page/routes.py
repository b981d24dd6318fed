"""Every leaf of the page, in one table: the only place where it is said who may see and do what there."""

from typing import Final

from aiohttp import web

from producer.api.routes import ADMIN, READERS
from producer.page import assets, connections, exports, login
from producer.page.rendering import see
from producer.page.table import Leaf


async def begin(_: web.Request) -> web.Response:
    """Send whoever comes to what they come for most."""
    return see("/exports")


LEAVES: Final = (
    Leaf(method="GET", path="/", handler=begin, roles=READERS),
    Leaf(method="GET", path="/login", handler=login.show, roles=None),
    Leaf(method="POST", path="/login", handler=login.enter, roles=None),
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
    Leaf(method="GET", path="/static/{digest}/{name}", handler=assets.show, roles=None),
)
