"""Whatever bytes an answer is made of, it is read or one of the closed set, a verdict follows, and in bounded time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from time import process_time
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wire.activecampaign import results
from wire.activecampaign.client import MOST_BODY_BYTES
from wire.activecampaign.errors import TROUBLES, Refused, Trouble, Unreadable
from wire.activecampaign.requests import Former
from wire.activecampaign.responses import ApiAnswer, document_of
from wire.activecampaign.results import AcceptedImport, AddressChanged, BatchInfo, LookedUp, Memberships
from worker.verdict import AddressChangeHistory, BatchFacts, ChunkHistory, DeliveryFacts, judge_batch, judge_delivery
from worker.verdict.address_changes import AskLists, ChangeAddress, FindContact, Step, after
from worker.verdict.verdicts import Applied, Done, Later, Never, Poll, Split, Stop, Unconfirmed, Unsent

NOW: Final = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
EMAIL: Final = "ann@x.org"
SECONDS: Final = 4.0
"""Of the processor, for the largest body that is read. A worker's other chunks wait meanwhile."""

Reader = Callable[[Any, ApiAnswer], Any]
READERS: Final[dict[str, Reader]] = {
    "import": results.read_accepted,
    "info": results.read_batch,
    "me": results.read_user,
    "list": results.read_list,
    "account": results.read_account,
    "lists": partial(results.read_page, "lists", results.contact_list, offset=0, limit=100),
    "fields": partial(results.read_page, "fields", results.custom_field, offset=0, limit=100),
    "find": partial(results.read_contact, email=EMAIL),
    "look up": partial(results.read_lookup, email=EMAIL),
    "memberships": results.read_memberships,
    "change": partial(results.read_changed, email=EMAIL),
}
NAMES: Final = (
    *("batchId", "status", "failure", "success", "message", "failureReasons", "failureReason", "contact", "contacts"),
    *("errors", "title", "detail", "user", "list", "id", "name", "email", "subscriber_limit", "lists", "fields"),
    *("contactLists", "meta", "total", "retry_after"),
)


def heard(answer: ApiAnswer, read: Reader) -> Any:
    """Read an answer as the client does."""
    try:
        return read(document_of(answer, now=NOW), answer)
    except TROUBLES as trouble:
        return trouble


def judged(answer: ApiAnswer) -> None:
    """Every question's answer has its verdict."""
    found = {name: heard(answer, read) for name, read in READERS.items()}
    for name, one in found.items():
        assert (
            one is None or isinstance(one, Trouble | results.ResultPage) or type(one).__module__ == results.__name__
        ), name
    for count in (1, 250):
        accepted = found["import"]
        assert isinstance(accepted, AcceptedImport | Trouble)
        verdict = judge_delivery(accepted, DeliveryFacts(count, ChunkHistory()))
        assert isinstance(verdict, Done | Later | Split | Never | Stop | Unsent)
        batch = found["info"]
        assert isinstance(batch, BatchInfo | Trouble)
        facts = BatchFacts(emails=[f"p{number}@x.org" for number in range(count)], since_accepted_seconds=60.0)
        said = judge_batch(batch, facts)
        assert isinstance(said, Applied | Poll | Later | Split | Stop | Unconfirmed | Unsent)
    former = Former(EMAIL, "update")
    steps: tuple[Step, ...] = (
        FindContact(EMAIL, former=True),
        FindContact(EMAIL, former=False),
        AskLists("1"),
        ChangeAddress("1", EMAIL),
    )
    for step, name in zip(steps, ("look up", "look up", "memberships", "change"), strict=True):
        told = found[name]
        assert isinstance(told, LookedUp | Memberships | AddressChanged | Trouble)
        assert isinstance(
            after(AddressChangeHistory(contact="1"), step, told, former, "12"), AddressChangeHistory | None
        )


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from((EMAIL, "2"))
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=25,
)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """JSON, or nearly: with marks before it, cut, doubled, in other encodings, with some bytes changed."""
    text = json.dumps(draw(documents), ensure_ascii=draw(st.booleans()))
    encoding = draw(st.sampled_from(("utf-8", "utf-16", "utf-32", "latin-1", "utf-7")))
    body = b"\xef\xbb\xbf" * draw(st.integers(0, 4)) + text.encode(
        encoding, "surrogatepass" if encoding[:3] == "utf" and encoding != "utf-7" else "replace"
    )
    match draw(st.sampled_from(("whole", "cut", "twice", "changed"))):
        case "cut":
            return body[: draw(st.integers(0, len(body)))]
        case "twice":
            return body + body
        case "changed":
            at = draw(st.integers(0, max(0, len(body) - 1)))
            return body[:at] + draw(st.binary(min_size=1, max_size=3)) + body[at + 1 :]
        case _:
            return body


STATUSES: Final = st.sampled_from(
    (200, 201, 204, 301, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503, 520)
) | (st.integers(100, 999))


@settings(max_examples=400)
@given(
    STATUSES,
    st.none() | st.binary(max_size=200) | spoilt(),
    st.text(max_size=30) | st.sampled_from(("application/json", "text/html")),
    st.none() | st.text(max_size=20),
)
@example(400, b'{"failureReasons":' + b"[" * 1000 + b"]" * 1000 + b"}", "application/json", None)
@example(200, b'{"batchId":' + b'{"a":' * 900 + b"1" + b"}" * 901, "application/json", None)
@example(200, b'{"status":1e999,"failure":{"a":[[1]]}}', "application/json", None)
@example(503, b'{"retry_after":1e999}', "application/json", None)
@example(400, b'{"failureReasons":[{"contact":99999999999999999999999,"failureReason":null}]}', "", None)
def test_any_bytes_are_judged(status: int, body: bytes | None, content_type: str, retry_after: str | None) -> None:
    """With any status and any headers."""
    judged(ApiAnswer(status, body, content_type=content_type, retry_after=retry_after))


@settings(max_examples=200)
@given(documents, st.integers(0, 8))
def test_any_number_of_marks_changes_nothing(document: Any, marks: int) -> None:
    """What is read without them is read with them."""
    body = json.dumps(document, allow_nan=True).encode()
    plain = ApiAnswer(200, body)
    marked = ApiAnswer(200, b"\xef\xbb\xbf" * marks + body)
    for read in READERS.values():
        one, other = heard(plain, read), heard(marked, read)
        if isinstance(one, Trouble):
            assert type(one) is type(other)
        else:
            assert one == other


LARGE: Final = {
    "marks": b"\xef\xbb\xbf" * (MOST_BODY_BYTES // 3),
    "blanks": b" " * MOST_BODY_BYTES,
    "lists within lists": b"[" * MOST_BODY_BYTES,
    "empty lists": b"[" + b"[]," * (MOST_BODY_BYTES // 3 - 2) + b"[]]",
    "the word request": b'{"message":"' + b"request " * (MOST_BODY_BYTES // 8 - 4) + b'"}',
    "reasons": b'{"failureReasons":[' + b'"request ",' * (MOST_BODY_BYTES // 11 - 4) + b'""]}',
    "named reasons": b'{"failureReasons":['
    + b'{"contact":1,"failureReason":"x"},' * (MOST_BODY_BYTES // 34 - 4)
    + b'"x"]}',
    "failures": b'{"status":"completed","failure":[' + b'"p1@x.org",' * (MOST_BODY_BYTES // 11 - 4) + b'""]}',
    "digits": b'{"batchId":' + b"9" * (MOST_BODY_BYTES - 20) + b"}",
    "a text without an end": b'{"batchId":"' + b"a" * (MOST_BODY_BYTES - 20),
}


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("status", [200, 400])
def test_the_largest_body_is_judged_in_bounded_time(status: int, body: bytes) -> None:
    """The client reads no larger one."""
    assert len(body) <= MOST_BODY_BYTES
    answer = ApiAnswer(status, body)
    began = process_time()
    found = heard(answer, READERS["import" if status == 400 else "info"])
    if isinstance(found, BatchInfo):
        judge_batch(found, BatchFacts(emails=["p1@x.org"] * 250, since_accepted_seconds=60.0))
    else:
        judge_delivery(found, DeliveryFacts(250))
    assert process_time() - began < SECONDS
    assert isinstance(found, BatchInfo | Trouble)


def test_a_page_is_told_from_what_cannot_be_read() -> None:
    """Behind byte order marks too."""
    page = heard(ApiAnswer(200, b"\xef\xbb\xbf\n<html>"), READERS["import"])
    other = heard(ApiAnswer(200, b"\xef\xbb\xbf\nhtml"), READERS["import"])
    assert (type(page), type(other)) == (Refused, Unreadable)
