"""Hands the services to the handler of a request."""

from typing import Final

from aiohttp import web

from producer.services.context import Collaborators

COLLABORATORS: Final = web.AppKey("collaborators", Collaborators)


def collaborators(request: web.Request) -> Collaborators:
    """Return whom the handler of this request works with."""
    return request.app[COLLABORATORS]
