"""Answers every error with an RFC 9457 problem document."""

from aiohttp import web
from aiohttp.typedefs import Handler

from producer.services.problems import problem_of


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error with a problem document; what nobody expected is logged, and answered without its text."""
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001  the outermost door: nothing else stands between an error and the caller
        return problem_of(error, method=request.method, route=route_of(request)).response()


def route_of(request: web.Request) -> str:
    """Name the route of a request, without what fills it in; empty if there is none."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""
