"""Keeps what a crash leaves behind free of keys and addresses: no core file, and its traceback as a line of the log."""

import resource
import sys
import threading
from types import TracebackType

import structlog

_log = structlog.get_logger(__name__)


def contain() -> None:
    """Let this process and its children write no core file, and log what nobody caught; after `logs.configure`."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("crashed", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
