"""The sandbox as an aiohttp application: for the command line, and for tests that run it in their own process."""

import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from tests.sandbox.gateway import add_routes
from tests.sandbox.observation import Observation
from tests.sandbox.settings import Settings
from tests.sandbox.world import World

_LARGEST_BODY_BYTES: Final = 64 << 20
"""Far above ActiveCampaign's own limit, which the account checks and answers itself."""

WORLD: Final = web.AppKey("world", World)
"""Where a test in the same process finds the account."""


def create_app(settings: Settings, clock: Callable[[], float] | None = None) -> web.Application:
    """An account behind HTTP; `clock` gives unix seconds and never goes back."""
    world = World(settings)
    now = clock or steady_unix_clock()
    app = web.Application(client_max_size=_LARGEST_BODY_BYTES)
    app[WORLD] = world
    Observation(world, now).add_routes(app)
    add_routes(app, world, now)
    return app


def steady_unix_clock() -> Callable[[], float]:
    """Unix seconds that a corrected system clock cannot move, so that no window is ever judged by a jump."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()
