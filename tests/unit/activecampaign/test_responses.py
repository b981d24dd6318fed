"""Every answer that ActiveCampaign is known to give, and what it is taken for."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.activecampaign.errors import (
    TROUBLES,
    Because,
    ObjectNotFound,
    Reason,
    Refused,
    Rejected,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
    Unreadable,
)
from wire.activecampaign.responses import ApiAnswer, document_of
from wire.activecampaign.results import (
    AcceptedImport,
    AccountInfo,
    Contact,
    ContactList,
    contact_list,
    read_accepted,
    read_account,
    read_batch,
    read_changed,
    read_contact,
    read_list,
    read_lookup,
    read_memberships,
    read_page,
    read_user,
)
from wire.store import codec

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
HTML = b"<!DOCTYPE html><title>Login</title>"
DOCUMENTED_THROTTLE = (
    b'{"success":0,"message":"Rate limit exceeded.","failureReasons":["Up to 100 imports may be requested per minute.'
    b'Please batch contacts into larger requests, or retry this request in a minute."]}'
)
OK = ApiAnswer(200, b"{}", request_id="abc")


def trouble(status: int, body: bytes | None, **headers: str) -> Trouble:
    try:
        document_of(ApiAnswer(status, body, request_id="abc", **headers), now=NOW)
    except TROUBLES as error:
        found = error
    else:
        raise AssertionError("it was taken for a good answer")
    assert (found.status, found.request_id) == (status, "abc")
    return found


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, b"", Throttled),
        (429, HTML, Throttled),
        (429, None, Throttled),
        (503, b"", Throttled),
        (400, DOCUMENTED_THROTTLE, Throttled),
        (400, b'{"message":"Rate limit exceeded."}', Throttled),
        (400, b'{"failureReasons":["Up to 20 imports may be requested per minute."]}', Throttled),
        (413, HTML, TooLarge),
        (400, b'{"message":"The payload is too large"}', TooLarge),
        (400, b'{"failureReasons":["Request size limit exceeded"]}', TooLarge),
        (400, b'{"message":"No more than 250 contacts per request are allowed"}', TooLarge),
        (400, b'{"failureReasons":["Invalid or unparsable json"]}', Rejected),
        (400, b'{"failureReasons":[{"contact":230,"failureReason":"Field is too large"}]}', Rejected),
        (422, b'{"errors":[{"title":"Contact Email Address is not valid.","detail":"","code":"email_invalid"}]}', Rejected),
        (400, b"{}", Rejected),
        (400, b"[]", Rejected),
        (409, b"null", Rejected),
        (404, b'{"message":"No Result found for _List with id 7"}', ObjectNotFound),
        (404, b"{}", ObjectNotFound),
        (403, b'{"message":"No Result found for _List with id 3"}', ObjectNotFound),
        (500, b"{}", Unavailable),
        (502, b'{"title":"Error 502: Bad gateway","status":502,"cloudflare_error":true,"retry_after":60}', Unavailable),
        (504, HTML, Unavailable),
        (520, None, Unavailable),
        (408, b"{}", Unavailable),
        (400, HTML, Unreadable),
        (400, b"", Unreadable),
        (199, b"{}", Unavailable),
        (400, None, Unreadable),
        (200, None, Unreadable),
        (200, b"", Unreadable),
        (200, b'{"success":1,"batchId":"0641f', Unreadable),
        (200, b' [{"a":', Unreadable),
        (202, b'"cut', Unreadable),
    ],
)  # fmt: skip
def test_what_goes_wrong_and_what_it_is_taken_for(status: int, body: bytes | None, expected: type[Trouble]) -> None:
    """By status where that is enough, else by form and words."""
    assert type(trouble(status, body)) is expected


@pytest.mark.parametrize(
    ("status", "body", "because", "definite"),
    [
        (401, b'{"message":"Unauthorized"}', Because.CREDENTIALS, True),
        (402, b"{}", Because.PAYMENT, True),
        (403, b'{"message":"Forbidden"}', Because.PERMISSION, False),
        (403, HTML, Because.PERMISSION, False),
        (200, HTML, Because.NOT_ACTIVECAMPAIGN, True),
        (200, b"\n <html>", Because.NOT_ACTIVECAMPAIGN, True),
        (402, b"", Because.PAYMENT, True),
        (402, None, Because.PAYMENT, True),
        (200, b"\xef\xbb\xbf" * 2 + HTML, Because.NOT_ACTIVECAMPAIGN, True),
        (301, b"", Because.NOT_ACTIVECAMPAIGN, True),
        (404, HTML, Because.NOT_ACTIVECAMPAIGN, False),
        (400, b'{"message":"You have reached your contact limit."}', Because.CONTRACT, True),
        (400, b'{"failureReasons":["Exceeds the number of contacts of your account"]}', Because.CONTRACT, True),
        (422, b'{"errors":"subscriber_limit reached, upgrade your plan"}', Because.CONTRACT, True),
    ],
)
def test_who_is_refused_and_how_surely(status: int, body: bytes, because: Because, definite: bool) -> None:  # noqa: FBT001  a table's column
    """A 403 comes now and then with a good key; the others do not pass by themselves."""
    refused = trouble(status, body)
    assert isinstance(refused, Refused)
    assert (refused.because, refused.definite) == (because, definite)


def test_a_body_that_claims_to_be_json_and_is_not_is_an_unknown_outcome_and_html_never_is() -> None:
    """A login page may be served under any content type."""
    assert isinstance(trouble(200, b"tru", content_type="application/json"), Unreadable)
    assert isinstance(trouble(200, HTML, content_type="application/json"), Refused)


@pytest.mark.parametrize("marks", [1, 2, 3, 1000])
@pytest.mark.parametrize("status", [200, 400])
def test_byte_order_marks_do_not_spoil_an_answer(marks: int, status: int) -> None:
    """The JSON behind them is whole, in good answers and in refusals."""
    body = b"\xef\xbb\xbf" * marks + b' \xef\xbb\xbf\n{"message":"Rate limit exceeded."}'
    if status == 200:
        assert document_of(ApiAnswer(status, body), now=NOW) == {"message": "Rate limit exceeded."}
    else:
        assert isinstance(trouble(status, body), Throttled)


UNREADABLE = {
    "text": b"OK",
    "nothing": b"",
    "marks": b"\xef\xbb\xbf\xef\xbb\xbf",
    "half a mark": b'\xef\xbb{"a":1}',
    "utf-16": '{"batchId":"1"}'.encode("utf-16"),
    "utf-32": '{"batchId":"1"}'.encode("utf-32"),
    "latin-1": '{"message":"Gr\xfc\xdfe"}'.encode("latin-1"),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "not a number": b'{"batchId":NaN}',
    "two documents": b'{"batchId":"1"}{"batchId":"2"}',
    "deep": b"[" * 500 + b"]" * 500,
    "deeper": b"[" * 1_000_000,
    "half a character": b'{"batchId":"\\ud800"}',
    "a notice before it": b'Notice: Undefined index\n{"batchId":"1"}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("status", [200, 202, 400, 422])
def test_what_nobody_can_read_is_unreadable_and_its_form_is_said(body: bytes, status: int) -> None:
    """A page is none of these: it never was a yes."""
    found = trouble(status, body, content_type="application/json")
    assert isinstance(found, Unreadable)
    assert found.form == f"HTTP {status}, {len(body)} bytes, application/json"


@pytest.mark.parametrize("body", [b"OK", b"", b'{"batchId":"06', b"\x1f\x8b\x08"])
def test_a_content_type_makes_no_page(body: bytes) -> None:
    """A page begins as one."""
    assert isinstance(trouble(200, body, content_type="text/html"), Unreadable)


def test_the_form_of_an_answer_has_no_words_that_could_be_somebodys() -> None:
    """A content type is foreign text as well."""
    found = trouble(200, b"ann@x.org", content_type="text/<ann@x.org>" + "y" * 100)
    assert isinstance(found, Unreadable)
    assert found.form == f"HTTP 200, 9 bytes, text/annx.org{'y' * 47}"
    assert "@" not in str(found)
    nothing = trouble(200, None)
    assert isinstance(nothing, Unreadable)
    assert nothing.form == "HTTP 200, broken off or too long, no content type"


def test_of_keys_that_stand_twice_the_last_counts() -> None:
    """Then the answer is whole, and as good as another."""
    assert document_of(ApiAnswer(200, b'{"batchId":"1","batchId":"2"}'), now=NOW) == {"batchId": "2"}


def test_an_id_of_a_megabyte_is_none() -> None:
    """It would be asked for in a URL, and kept."""
    with pytest.raises(Refused):
        read_accepted({"batchId": "1" * 1_000_000}, OK)


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (b'{"failureReasons":[{"contact":230,"failureReason":"email"}]}', [Reason(230, "email")]),
        (b'{"failureReasons":[{"contact":"230","failureReason":"email"}]}', [Reason(230, "email")]),
        (b'{"failureReasons":{"contact":1,"failureReason":"email"}}', [Reason(1, "email")]),
        (b'{"failureReasons":[{"contact":true,"failureReason":"email"}]}', [Reason(None, "email")]),
        (b'{"failureReasons":[{"failureReason":"email"},"other"]}', [Reason(None, "email"), Reason(None, "other")]),
        (b'{"errors":"text"}', [Reason(None, "text")]),
        (b'{"errors":["text"]}', [Reason(None, "text")]),
        (b'{"errors":[{"status":400,"title":"Bad Request","detail":"x"}]}', [Reason(None, "Bad Request: x")]),
        (b'{"message":"did not pass validation","failureReasons":[]}', [Reason(None, "did not pass validation")]),
        (b'{"failureReasons":[7,null,""]}', []),
        (b"{}", []),
    ],
)
def test_reasons_are_read_from_every_envelope(body: bytes, reasons: list[Reason]) -> None:
    """Those that name a contact keep its number, as written."""
    rejected = trouble(400, body)
    assert isinstance(rejected, Rejected)
    assert list(rejected.reasons) == reasons


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry_after": "30"}, b"", 30.0),
        ({"retry_after": "Mon, 01 Jun 2026 10:00:09 GMT", "date": "Mon, 01 Jun 2026 10:00:00 GMT"}, b"", 9.0),
        ({}, b'{"retry_after":60}', 60.0),
        ({"retry_after": "soon"}, b'{"retry_after":60}', 60.0),
        ({"retry_after": "7"}, b'{"retry_after":60}', 7.0),
        ({}, b'{"retry_after":null}', None),
        ({}, b"", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 502])
def test_how_long_to_wait_is_in_the_header_or_in_the_edges_json(
    status: int, headers: dict[str, str], body: bytes, seconds: float | None
) -> None:
    """The header is believed first."""
    waits = trouble(status, body, **headers)
    assert isinstance(waits, Throttled | Unavailable)
    assert waits.retry_after_seconds == seconds


@given(st.integers(100, 599), st.none() | st.binary(max_size=40), st.none() | st.text(max_size=20))
def test_no_answer_is_too_strange_to_be_judged(status: int, body: bytes | None, retry_after: str | None) -> None:
    """It is JSON with a 2xx, or one of the closed set."""
    try:
        document_of(ApiAnswer(status, body, retry_after=retry_after), now=NOW)
    except TROUBLES:
        return
    assert 200 <= status < 300


@pytest.mark.parametrize("key", ["Success", "success", "other"])
def test_an_import_is_accepted_when_there_is_a_batch_id(key: str) -> None:
    """Whatever it says of success, and however many it says it queued."""
    assert read_accepted({key: 5, "queued_contacts": 3, "batchId": "0641"}, OK) == AcceptedImport("0641", 200, "abc")
    assert read_accepted({"batchId": 17}, OK).batch_id == "17"


@pytest.mark.parametrize("document", [{}, [], None, "0641", {"batchId": ""}, {"batchId": None}, {"batchId": True}])
def test_an_import_without_a_batch_id_was_not_answered_by_activecampaign(document: Any) -> None:
    """Whole JSON that lacks what was asked for is a refusal, a doubtful one: an empty answer now and then stops nobody."""
    with pytest.raises(Refused) as refusal:
        read_accepted(document, OK)
    assert (refusal.value.because, refusal.value.definite) == (Because.NOT_ACTIVECAMPAIGN, False)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("waiting", "waiting"),
        ("claimed", "claimed"),
        ("Active", "active"),
        ("completed", "completed"),
        ("failed", "failed"),
        ("interrupted", "interrupted"),
        (False, "unknown"),
        (None, "unknown"),
        ("new", "unknown"),
    ],
)
def test_a_batch_is_in_one_of_a_closed_set_of_states(status: Any, state: str) -> None:
    """In its first second it is `false`."""
    assert read_batch({"status": status}, OK).state == state


def test_failures_come_as_a_list_or_as_phps_object() -> None:
    """A list with gaps becomes an object in PHP; nothing at all becomes nothing."""
    assert read_batch({"status": "completed", "failure": ["a@x.org", 7]}, OK).failures == ("a@x.org", "7")
    assert read_batch({"status": "completed", "failure": {"1": "a@x.org"}}, OK).failures == ("a@x.org",)
    assert read_batch({"status": "completed", "failure": None}, OK).failures == ()
    assert "a@x" not in repr(read_batch({"status": "completed", "failure": ["a@x.org"]}, OK))


def test_an_answer_that_lacks_the_thing_asked_for_is_no_answer() -> None:
    """For every thing that is asked for."""
    for read in (read_batch, read_user, read_list, read_account):
        with pytest.raises(Refused):
            read({"other": 1}, OK)
    with pytest.raises(Refused):
        read_page("lists", contact_list, {"fields": []}, OK, offset=0, limit=100)
    with pytest.raises(Refused):
        read_contact({}, OK, email="a@x.org")


def test_numbers_may_be_written_as_text() -> None:
    """And ids as numbers."""
    assert read_account({"subscriber_limit": "1000", "subscriber_total": 12}, OK) == AccountInfo(1000, 12, 200, "abc")
    assert read_account({"subscriber_limit": "unlimited"}, OK) == AccountInfo(None, None, 200, "abc")
    assert read_list({"list": {"id": 7, "name": "News"}}, OK) == ContactList("7", "News")
    assert read_user({"user": {"id": 1, "username": "jo"}}, OK).id == "1"


@pytest.mark.parametrize(
    ("count", "meta", "more"),
    [
        (2, {"total": "5"}, True),
        (2, {"total": 4}, False),
        (2, None, True),
        (1, None, False),
        (0, {"total": "9"}, False),
    ],
)
def test_a_page_says_whether_there_are_more(count: int, meta: Any, more: bool) -> None:  # noqa: FBT001  a table's column
    """By the total; without one a full page promises more, and an empty one never does."""
    document = {"lists": [{"id": str(n), "name": "x"} for n in range(count)], "meta": meta}
    page = read_page("lists", contact_list, document, OK, offset=2, limit=2)
    assert len(page.items) == count
    assert page.next_offset == (2 + count if more else None)


def test_a_search_that_finds_somebody_else_finds_nobody() -> None:
    """Otherwise a filter that is not understood would delete the wrong person."""
    found = {"contacts": [{"id": "1", "email": "bob@x.org"}, {"id": 2, "email": "Ann@x.org"}]}
    assert read_contact(found, OK, email="ann@X.org") == Contact("2")
    assert read_contact(found, OK, email="eve@x.org") is None
    assert read_lookup(found, OK, email="ann@X.org").contact == Contact("2")
    assert read_lookup({"contacts": []}, OK, email="eve@x.org").contact is None
    with pytest.raises(Refused):
        read_lookup(found, OK, email="eve@x.org")


def test_only_an_opt_out_is_one() -> None:
    """Numbers come as text; unconfirmed and bounced are something else."""
    standings = [
        {"list": number, "status": status} for number, status in (("12", "2"), ("13", 2), ("14", "1"), (15, "3"))
    ]
    assert read_memberships({"contactLists": standings}, OK).left == {"12", "13"}
    for lacking_ in ({}, {"contactLists": None}, {"contactLists": [{"status": "2"}]}):
        with pytest.raises(Refused):
            read_memberships(lacking_, OK)


def test_a_changed_address_is_believed_when_it_is_shown() -> None:
    """In any letter case."""
    assert read_changed({"contact": {"id": 7, "email": "Anna@X.org"}}, OK, email="anna@x.org").contact_id == "7"
    for other in ({"contact": {"id": "7", "email": "ann@x.org"}}, {"contact": {"id": "7"}}, {}):
        with pytest.raises(Refused):
            read_changed(other, OK, email="anna@x.org")


@pytest.mark.parametrize(
    ("named", "failures"),
    [
        ('["a@x.org","B@x.org"]', ("a@x.org", "B@x.org")),
        ('{"0":"a@x.org","2":"b@x.org"}', ("a@x.org", "b@x.org")),
        ('"a@x.org"', ("a@x.org",)),
        ("[]", ()),
        ("null", ()),
        ("false", ()),
    ],
)
def test_whom_a_batch_names_is_read_in_every_form(named: str, failures: tuple[str, ...]) -> None:
    """A list, a list with gaps, a lone one, nobody."""
    body = f'{{"status":"completed","success":[],"failure":{named}}}'.encode()
    assert read_batch(codec.decode(body), ApiAnswer(200, body)).failures == failures
