"""The leaves of exports."""

from aiohttp import web

from producer.api.collaborators import collaborators
from producer.page.rendering import render


async def show_all(request: web.Request) -> web.Response:
    """List exports by name."""
    return render(request, "exports.html", exports=await collaborators(request).registry.exports())
