"""Logs are one JSON object a line, with UTC times and without local variables, ours and the libraries' alike."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from wire.logs import configure


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A configured stream; what was configured before is put back."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    written = io.StringIO()
    configure(logging.INFO, written)
    yield written
    root.handlers, root.level = before
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_a_line_of_json(stream: io.StringIO) -> None:
    """With its level, its logger, its time in UTC and everything it was given."""
    structlog.get_logger("ours").info("chunk_accepted", run="r", chunk=3, of={1, 2})
    (line,) = _lines(stream)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {"event": "chunk_accepted", "level": "info", "logger": "ours", "run": "r", "chunk": 3, "of": "set"}


def test_libraries_write_the_same_lines(stream: io.StringIO) -> None:
    """A warning through the standard library is JSON, too, its extras included."""
    logging.getLogger("theirs").warning("slow: %s", "x", extra={"seconds": 3})
    (line,) = _lines(stream)
    assert (line["event"], line["level"], line["logger"], line["seconds"]) == ("slow: x", "warning", "theirs", 3)


@pytest.mark.parametrize("library", [True, False])
def test_an_exception_is_written_without_local_variables(stream: io.StringIO, *, library: bool) -> None:
    """A contact or a key may be in one."""
    address = "ann" + "@example.org"
    try:
        _ = [][len(address)]
    except IndexError:
        if library:
            logging.getLogger("theirs").exception("broken")
        else:
            structlog.get_logger("ours").exception("broken")
    (line,) = _lines(stream)
    assert "IndexError" in str(line["exception"])
    assert address not in stream.getvalue()


def test_data_cannot_forge_a_line(stream: io.StringIO) -> None:
    """A line break in a value stays inside of its JSON."""
    structlog.get_logger("ours").info("named", name='x\n{"event":"forged"}')
    assert [line["event"] for line in _lines(stream)] == ["named"]


def test_what_is_below_the_level_is_left_out(stream: io.StringIO) -> None:
    """And access lines always are: they carry query strings."""
    structlog.get_logger("ours").debug("detail")
    logging.getLogger("aiohttp.access").info("GET /v1/runs?after=x")
    assert _lines(stream) == []
