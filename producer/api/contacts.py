"""What answers for one person, and its handlers: where they stand and why, and that they are forgotten.

The address comes in the body, so that it stands in no log of anybody on the way.
"""

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer
from producer.services.contacts import explain_contact, forget_contact
from producer.services.requests import ExplainBody, ForgetBody


async def explain(request: web.Request) -> web.Response:
    """Explain a person."""
    body = await read_body(request, ExplainBody)
    return answer(await explain_contact(services_of(request), request[IDENTITY], body))


async def forget(request: web.Request) -> web.Response:
    """Forget a person, and answer with a receipt."""
    body = await read_body(request, ForgetBody)
    return answer(await forget_contact(services_of(request), request[IDENTITY], body))
