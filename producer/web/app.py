"""Adds the page to the application that serves the API: one door before it, its leaves, its templates."""

from aiohttp import web

from producer.web.forms.account_cache import AccountCache
from producer.web.middleware import PageMiddleware, harden_ours
from producer.web.pages.export_edit import GLIMPSES
from producer.web.pages.login import DOORKEEPER, PageAccess
from producer.web.rendering.templating import set_up
from producer.web.rendering.translations import load_languages
from producer.web.routes import PAGE_ROUTES
from producer.web.run_watcher import WATCHING, RunWatcher


def add_page(app: web.Application, keeper: PageAccess, watching: RunWatcher | None = None) -> None:
    """Add the page; it shares the application's collaborators with the API. `watching` looks after live runs."""
    app[DOORKEEPER], app[GLIMPSES] = keeper, AccountCache()
    set_up(app, load_languages())
    app.middlewares.insert(0, PageMiddleware(PAGE_ROUTES, keeper.sessions).middleware())
    app.on_response_prepare.append(harden_ours)
    app[WATCHING] = watching or RunWatcher()
    app.on_shutdown.append(app[WATCHING].close)
    for page_route in PAGE_ROUTES:
        app.router.add_route(page_route.method, page_route.path, page_route.handler)
