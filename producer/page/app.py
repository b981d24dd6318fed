"""Adds the page to the application that serves the API: one door before it, its leaves, its templates."""

from aiohttp import web

from producer.page.door import Door, harden_ours
from producer.page.export_edit import GLIMPSES
from producer.page.glimpses import Glimpses
from producer.page.languages import load_languages
from producer.page.login import DOORKEEPER, Doorkeeper
from producer.page.rendering import set_up
from producer.page.routes import LEAVES
from producer.page.watching import WATCHING, Watching


def add_page(app: web.Application, keeper: Doorkeeper, watching: Watching | None = None) -> None:
    """Add the page; it shares the application's collaborators with the API. `watching` looks after live runs."""
    app[DOORKEEPER], app[GLIMPSES] = keeper, Glimpses()
    set_up(app, load_languages())
    app.middlewares.insert(0, Door(LEAVES, keeper.sessions).middleware())
    app.on_response_prepare.append(harden_ours)
    app[WATCHING] = watching or Watching()
    app.on_shutdown.append(app[WATCHING].close)
    for leaf in LEAVES:
        app.router.add_route(leaf.method, leaf.path, leaf.handler)
