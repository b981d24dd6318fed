"""CloudEvents are read as the CloudEvents project's own library reads and writes them, and what is none is named."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from producer.input_checks import is_line
from producer.intake.cloudevents import Malformed, SegmentRefreshed, read_event, speaks_cloudevents
from wire.store import codec

DATA = {"segment": "vip", "snapshot": "/snapshots/vip.parquet"}
WHOLE = {"specversion": "1.0", "type": "segment.refreshed", "source": "/cdp", "id": "1", "data": DATA}
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=20).filter(is_line)


def _read(message: HTTPMessage) -> SegmentRefreshed:
    headers = CIMultiDict(message.headers)
    return read_event(headers["content-type"].partition(";")[0], headers, message.body)


@given(
    st.sampled_from([to_binary_event, to_structured_event]),
    WORDS,
    WORDS,
    WORDS,
    st.integers(0, 4_102_444_800_000),
)
def test_what_their_library_writes_is_read(write: Any, identity: str, source: str, subject: str, time: int) -> None:
    """Structured and binary, with any text in the attributes."""
    attributes = {
        "id": identity,
        "source": source,
        "type": "segment.refreshed",
        "subject": subject,
        "time": datetime.fromtimestamp(time / 1000, UTC),
        "datacontenttype": "application/json",
        "specversion": "1.0",
    }
    event = _read(write(CloudEvent(attributes, DATA)))
    assert (event.id, event.source, event.subject, event.data) == (identity, source, subject, DATA)
    assert event.time is not None
    assert abs(event.time - time) <= 1


@pytest.mark.parametrize("encode", ["data", "data_base64"])
def test_what_we_read_their_library_reads_alike(encode: str) -> None:
    """The data of a structured event may be JSON or JSON in Base64."""
    document = dict(WHOLE)
    if encode == "data_base64":
        document["data_base64"] = "eyJzZWdtZW50IjogInZpcCJ9"
        del document["data"]
    message = HTTPMessage({"content-type": "application/cloudevents+json"}, codec.encode(document))
    theirs = from_http_event(message).get_data()
    expected = theirs if isinstance(theirs, dict) else codec.decode(theirs)  # type: ignore[arg-type]
    assert _read(message).data == expected


def test_plain_json_is_a_structured_event() -> None:
    """Many publishers do not know the media type."""
    assert read_event("application/json", {}, codec.encode(WHOLE)).data == DATA
    assert speaks_cloudevents("application/json", {})
    assert not speaks_cloudevents("text/csv", {"ce-specversion": "1.0"})


def test_every_fault_is_named_at_once() -> None:
    """By its place in the event."""
    with pytest.raises(Malformed) as caught:
        read_event("application/json", {}, b'{"specversion":"0.3","id":1,"source":"","subject":3,"time":"yesterday"}')
    assert set(caught.value.faults) == {"/specversion", "/id", "/source", "/type", "/subject", "/time"}


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"specversion":"1.0"', b"3"])
def test_what_is_no_object_is_malformed(body: bytes) -> None:
    """Whatever it is instead."""
    with pytest.raises(Malformed):
        read_event("application/json", {}, body)


@pytest.mark.parametrize(
    "time", ["2026-11-23T22:00:00", "2026-11-23", 5, "", "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_without_its_offset_is_malformed(time: object) -> None:
    """It could be anybody's; RFC 3339 asks for the offset."""
    with pytest.raises(Malformed):
        read_event("application/json", {}, codec.encode(WHOLE | {"time": time}))


def test_a_time_is_milliseconds_whatever_its_offset() -> None:
    """The same moment is the same number."""
    for text in ("1970-01-01T00:00:01Z", "1970-01-01T01:00:01+01:00", "1970-01-01T00:00:01.0001Z"):
        assert read_event("application/json", {}, codec.encode(WHOLE | {"time": text})).time == 1000
