"""What seals every API key and every secret of a webhook anew with the first of SECRET_KEYS, so that the others may be dropped.

It may be called again at any time: what is sealed with the first key already is left as it is. Nothing stands still
meanwhile, since a key that was sealed before is opened by the others until they are gone.
"""

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer
from producer.services.requests import NothingBody
from producer.services.secret_rotation import rotate_secrets


async def rotate(request: web.Request) -> web.Response:
    """Rotate secrets."""
    await read_body(request, NothingBody, optional=True)
    return answer(await rotate_secrets(services_of(request), request[IDENTITY]))
