"""How the API is put on a socket: what is no HTTP is told off without being repeated, in the log least of all."""

import logging
from typing import Final

from aiohttp import web

LINE_BYTES_MAX: Final = 65_536
"""Of a request's first line and of each header. What is longer is answered with 400 by aiohttp, as plain text; below this,
`limits` answers with a problem document."""

HEADERS_MOST: Final = 128
GRACE_SECONDS: Final = 10.0
LINGER_SECONDS: Final = 2.0
"""How long the rest of a refused body is still read, so that whoever sends it hears the answer."""


class _WithoutText(logging.Filter):
    """Takes away what an error says: of a request that cannot be parsed it repeats a line, and so perhaps a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0]:
            record.msg, record.args = f"{record.getMessage()}: {record.exc_info[0].__name__}", None
            if record.levelno > logging.WARNING:  # whoever sends us nonsense is no error of ours
                record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = None
        return True


def make_runner(app: web.Application) -> web.AppRunner:
    """Make what serves an application; bodies are not unpacked, since a small one can become a large one."""
    logger = logging.getLogger(__name__)
    logger.filters = [_WithoutText()]
    return web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=GRACE_SECONDS,
        lingering_time=LINGER_SECONDS,
        logger=logger,
        auto_decompress=False,
        max_line_size=LINE_BYTES_MAX,
        max_field_size=LINE_BYTES_MAX,
        max_headers=HEADERS_MOST,
    )
