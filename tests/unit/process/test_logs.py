"""Logs are one JSON object a line, with UTC times and without local variables, ours and the libraries' alike."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tests.logged import logged


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A configured stream."""
    with logged() as written:
        yield written


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


def _fail(error: Exception) -> None:
    raise error


@given(st.text() | st.sampled_from(['x\n{"event":"forged"}', "\r\n", "\u2028x\u2029\x85\x0b\x0c", '"}\n{"', "\x1b[2J"]))
def test_data_cannot_forge_a_line(data: str) -> None:
    """Whatever is in a value, a name, a message of a library or an exception stays inside of its line's JSON."""
    with logged() as stream:
        structlog.get_logger("ours").info("named", name=data, **{data: 1})
        logging.getLogger("theirs").warning("%s", data, extra={"more": data})
        try:
            _fail(ValueError(data))
        except ValueError:
            structlog.get_logger("ours").exception("broken")
        written = stream.getvalue()
    assert written.count("\n") == 3
    events = [json.loads(line)["event"] for line in written.split("\n") if line]
    assert (events[0], events[2]) == ("named", "broken")


@pytest.mark.parametrize("message", ["no such row: ann@example.org", "<ann@example.org>", "('x', 'ann@example.org')"])
def test_what_looks_like_an_address_is_not_written(stream: io.StringIO, message: str) -> None:
    """Not in a value, and not in the message of an exception, its cause or a note, which are other people's words."""
    try:
        try:
            _fail(KeyError(message))
        except KeyError as error:
            raise ValueError(f"about {message}") from error
    except ValueError:
        structlog.get_logger("ours").exception("broken", what=[message], where={"deep": message})
    logging.getLogger("theirs").warning("odd: %s", message)
    assert "ann" not in stream.getvalue()
    assert stream.getvalue().count("[address]") >= 5


def test_what_is_below_the_level_is_left_out(stream: io.StringIO) -> None:
    """And access lines always are: they carry query strings."""
    structlog.get_logger("ours").debug("detail")
    logging.getLogger("aiohttp.access").info("GET /v1/runs?after=x")
    assert _lines(stream) == []
