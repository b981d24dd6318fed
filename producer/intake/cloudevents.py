"""Reads a CloudEvents 1.0 event from an HTTP request, structured or binary; it does not judge what the event means.

* Malformed   no event of CloudEvents 1.0; `faults` names everything that is wrong, by JSON pointer (binary: header).

Source: CloudEvents 1.0.2, "HTTP Protocol Binding" section 3 and "JSON Event Format" section 3.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from producer.input_checks import DEPTH_MAX, is_line, is_too_deep
from producer.timestamps import milliseconds
from wire.store import codec

STRUCTURED: Final = "application/cloudevents+json"
JSON: Final = "application/json"
CONTEXT: Final = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype")


class Malformed(Exception):
    """The request holds no event that can be read."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{where} {what}" for where, what in faults.items()))


@dataclass(frozen=True, slots=True)
class SegmentRefreshed:
    """A CloudEvent; `time` in milliseconds since 1970, None if it names none."""

    id: str
    source: str
    type: str
    subject: str | None
    time: int | None
    data: Any


def speaks_cloudevents(content_type: str, headers: Mapping[str, str]) -> bool:
    """Whether a request of this media type can hold an event: structured, binary with JSON data, or JSON all told."""
    return content_type in {STRUCTURED, JSON} or (content_type.endswith("+json") and "ce-specversion" in headers)


def read_event(content_type: str, headers: Mapping[str, str], body: bytes) -> SegmentRefreshed:
    """Read the event of a request; header names compare without letter case, as aiohttp's mapping does."""
    try:
        document = codec.decode(body)
    except ValueError:
        raise Malformed({"": "the body is not JSON"}) from None
    if is_too_deep(document):
        raise Malformed({"": f"is nested deeper than {DEPTH_MAX} levels"})
    if "ce-specversion" in headers and content_type != STRUCTURED:
        context = {name: unquote(headers[f"ce-{name}"]) for name in CONTEXT if f"ce-{name}" in headers}
        return _event(context, document)
    if not isinstance(document, dict):
        raise Malformed({"": "the event must be a JSON object"})
    return _event(document, _data(document))


def _data(document: Mapping[str, Any]) -> Any:
    encoded = document.get("data_base64")
    if encoded is None:
        return document.get("data")
    if "data" in document:
        raise Malformed({"/data_base64": "stands beside data, and an event has one of them"})
    try:
        data = codec.decode(b64decode(encoded, validate=True))
    except (ValueError, TypeError):
        raise Malformed({"/data_base64": "must be JSON in Base64"}) from None
    if is_too_deep(data):
        raise Malformed({"/data_base64": f"is nested deeper than {DEPTH_MAX} levels"})
    return data


def _event(context: Mapping[str, Any], data: Any) -> SegmentRefreshed:
    faults = {}
    for name in ("id", "source", "type"):
        if not isinstance(context.get(name), str) or not is_line(context[name]):
            faults[f"/{name}"] = "must be one line of text"
    if context.get("specversion") != "1.0":
        faults["/specversion"] = 'must be "1.0"'
    subject = context.get("subject")
    if subject is not None and not isinstance(subject, str):
        faults["/subject"] = "must be a text"
    try:
        time = None if context.get("time") is None else milliseconds(context["time"])
    except (ValueError, TypeError, OverflowError):
        faults["/time"] = "must be a time of RFC 3339 with its offset, like 2026-11-23T22:00:00Z"
    if faults:
        raise Malformed(faults)
    return SegmentRefreshed(context["id"], context["source"], context["type"], subject, time, data)
