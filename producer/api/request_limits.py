"""What a request may measure before anybody looks into it; a body's size and depth are `app`'s and `reading`'s to bound.

What is far beyond these is not even read: `serving` hangs up on it, with an answer of its own.
"""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from producer.api.problem_responses import Problem

URL_BYTES_MAX: Final = 4_096
HEADER_BYTES_MAX: Final = 8_190
"""Of one header: more than any token or proxy needs."""

HEADERS_BYTES_MAX: Final = 32_768


@web.middleware
async def within_limits(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what is too long, and bodies that would grow when they are unpacked."""
    if len(request.raw_path) > URL_BYTES_MAX:
        raise Problem(414, f"The address is longer than {URL_BYTES_MAX} bytes.")
    sizes = [len(name) + len(value) for name, value in request.raw_headers]
    if sum(sizes) > HEADERS_BYTES_MAX or max(sizes, default=0) > HEADER_BYTES_MAX:
        raise Problem(431, f"A header is longer than {HEADER_BYTES_MAX} bytes, or all are than {HEADERS_BYTES_MAX}.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "The body must come as it is, without a Content-Encoding.")
    return await handler(request)
