"""Sets up logging for a program, once: one JSON object a line, ours and the libraries' alike; it logs nothing itself.

Events carry ids and figures, never addresses or keys. Exceptions are written as type, message and places, without local
variables, in which a contact or a key may be. JSON escapes line breaks, so data cannot forge a line. The messages of
others' exceptions may repeat what they choked on: whatever looks like an address is written as `[address]`, always.
"""

import logging
import re
from typing import Any, Final, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from wire.store import codec

FRAMES_MAX: Final = 20

ADDRESS: Final = re.compile(r"[^\s@<>\"'(),:;\[\]]+@[^\s@<>\"'(),:;\[\]]+")

QUIET: Final = ("aiohttp.access", "asyncio")
"""Loggers heard from warnings up: access lines would carry query strings, and the event loop's are about itself."""


def configure(level: int, stream: TextIO) -> None:
    """Send everything from `level` up to the stream; `level` is one of the standard library's numbers."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False, max_frames=FRAMES_MAX)),
            _without_addresses,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, _event_last_to_standard],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _event_last_to_standard(logger: WrappedLogger, name: str, event: EventDict) -> Any:
    """Hand the event to the standard library, whose one handler writes it."""
    return structlog.stdlib.ProcessorFormatter.wrap_for_formatter(logger, name, event)


def _without_addresses(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take out what looks like an address, however it came there."""
    return {name: _cleaned(value) for name, value in event.items()}


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return ADDRESS.sub("[address]", value)
        case dict():
            return {_cleaned(name): _cleaned(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_cleaned(inner) for inner in value]
        case _:
            return value


def _json(line: EventDict, **_: object) -> str:
    return codec.text_for_logs(line)
