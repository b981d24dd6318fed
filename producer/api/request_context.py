"""Hands the services to the handler of a request."""

from typing import Final

from aiohttp import web

from producer.services.context import Services

SERVICES: Final = web.AppKey("collaborators", Services)


def services_of(request: web.Request) -> Services:
    """Return whom the handler of this request works with."""
    return request.app[SERVICES]
