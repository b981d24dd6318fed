"""Hands a test everything that is logged, as our programs would write it."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from wire.process.logs import configure


@contextmanager
def logged(level: int = logging.INFO) -> Iterator[io.StringIO]:
    """Configure logging into a stream, and put back what was configured before."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    written = io.StringIO()
    configure(level, written)
    yield written
    root.handlers, root.level = before
    structlog.reset_defaults()
