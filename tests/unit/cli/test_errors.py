"""Each answer that is no success becomes one error, and each error a sentence with a next step."""

import json

import pytest

from producer.cli.sentences import next_step, place, sentences
from producer.client.errors import ApiError, ApiFault, NotTheApi, ProducerUnavailable, RequestRefused, refusal

PROBLEM = {"Content-Type": "application/problem+json; charset=utf-8"}


def _refusal(status: int, document: object, **headers: str) -> ApiError:
    return refusal(status, {**PROBLEM, **headers}, json.dumps(document).encode(), "http://here")


def test_a_problem_document_is_a_refusal_with_all_its_faults() -> None:
    """Its message has them, too, for whoever sees only that."""
    faults = [{"pointer": "/name", "detail": "is taken"}, {"pointer": "", "detail": "is odd"}]
    error = _refusal(422, {"detail": "Two are wrong.", "errors": faults})
    assert isinstance(error, RequestRefused)
    assert (error.status, error.faults) == (422, (ApiFault("/name", "is taken"), ApiFault("", "is odd")))
    assert str(error) == "Two are wrong.\n/name is taken\nthe body is odd"


def test_a_problem_document_that_says_little_is_a_refusal_all_the_same() -> None:
    """Its fields are all optional (RFC 9457, section 3.1)."""
    assert str(_refusal(409, {"title": "Conflict"})) == "Conflict"
    assert str(_refusal(409, {"errors": ["text"], "status": 409})) == "Status 409."


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize(("said", "seconds"), [("5", 5.0), ("Mon, 23 Nov 2026 22:00:00 GMT", 0.0), ("²", 0.0)])
def test_a_producer_that_is_away_may_be_asked_again(status: int, said: str, seconds: float) -> None:
    """Whether it says so itself, or a proxy does."""
    own = _refusal(status, {"detail": "Not now."}, **{"Retry-After": said})
    proxy = refusal(status, {"Content-Type": "text/html"}, b"<html>", "http://here")
    assert isinstance(own, ProducerUnavailable)
    assert isinstance(proxy, ProducerUnavailable)
    assert (str(own), own.retry_after_seconds) == ("Not now.", seconds)
    assert str(proxy) == f"http://here answers {status}."


@pytest.mark.parametrize("content", [b"{", b"[1]", b""])
def test_what_is_no_problem_document_is_not_the_api(content: bytes) -> None:
    """Even where it calls itself one."""
    assert isinstance(refusal(404, PROBLEM, content, "http://here"), NotTheApi)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (RequestRefused(401, ""), "SEGMENT_EXPORT_TOKEN"),
        (RequestRefused(403, ""), "administrator"),
        (RequestRefused(404, ""), "exports list"),
        (RequestRefused(405, ""), "version"),
        (RequestRefused(409, ""), "already"),
        (RequestRefused(422, ""), "Mend"),
        (RequestRefused(500, ""), "log"),
        (ProducerUnavailable(""), "segment-export serve"),
        (NotTheApi(""), "--url"),
    ],
)
def test_every_error_has_a_next_step(error: ApiError, word: str) -> None:
    """The last line is the one that people read."""
    assert word in next_step(error)
    assert sentences(error)[-1] == next_step(error)


@pytest.mark.parametrize(
    ("pointer", "said"),
    [
        ("/api_key", "--key-file"),
        ("/mapping/first_name", "--first-name"),
        ("/mapping/fields/7", "--field 7"),
        ("/limits/imports_per_minute", "--imports-per-minute"),
        ("/data/snapshot", "SNAPSHOT"),
        ("/name", "NAME"),
        ("", "the request"),
    ],
)
def test_a_fault_is_where_it_was_said(pointer: str, said: str) -> None:
    """In words of the command line."""
    assert place(pointer) == said


def test_no_error_drives_a_terminal() -> None:
    """What the other side says is shown, not obeyed."""
    assert sentences(RequestRefused(422, "\x1b[2J", (ApiFault("/x", "\x07"),)))[:2] == ["\ufffd[2J", "  --x: \ufffd"]
