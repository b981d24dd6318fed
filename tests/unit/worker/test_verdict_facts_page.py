"""Every answer of the facts page to an import of 250 contacts, as it comes over the wire, and what becomes of the chunk."""

from datetime import UTC, datetime

import pytest

from wire.activecampaign.errors import TROUBLES, NoUsableAnswer
from wire.activecampaign.responses import ApiAnswer, document_of
from wire.activecampaign.results import read_accepted
from worker.verdict import (
    DeliveryFacts,
    DeliveryProgress,
    DeliveryVerdict,
    Done,
    Later,
    Split,
    Stop,
    StopCode,
    Waiting,
    judge_delivery,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def verdict_on(status: int, body: bytes | None) -> DeliveryVerdict:
    answer = ApiAnswer(status, body)
    facts = DeliveryFacts(250, progress=DeliveryProgress(1000, 1000))
    try:
        return judge_delivery(read_accepted(document_of(answer, now=NOW), answer), facts)
    except TROUBLES as error:
        return judge_delivery(error, facts)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"Success":1,"queued_contacts":250,"batchId":"0641fbdd-...","message":"Contact import queued"}'),
        (200, b'{"success":5,"queued_contacts":3,"batchId":"0641fbdd-..."}'),
        (202, b'{"batchId":"0641fbdd-..."}'),
    ],
)
def test_accepted(status: int, body: bytes) -> None:
    """Any 2xx with a batch id."""
    verdict = verdict_on(status, body)
    assert isinstance(verdict, Done)
    assert verdict.batch_id == "0641fbdd-..."


@pytest.mark.parametrize(
    ("status", "body", "waiting"),
    [
        (429, b"", Waiting.THROTTLED),
        (503, b"", Waiting.THROTTLED),
        (400, b'{"success":0,"message":"Rate limit exceeded.","failureReasons":[]}', Waiting.THROTTLED),
        (500, b"{}", Waiting.UNAVAILABLE),
        (502, b'{"title":"Error 502: Bad gateway","cloudflare_error":true,"retry_after":60}', Waiting.UNAVAILABLE),
        (504, b"<html>", Waiting.UNAVAILABLE),
        (200, b'{"success":1,"batc', Waiting.UNKNOWN_OUTCOME),
        (200, None, Waiting.UNKNOWN_OUTCOME),
        (400, b'{"failureReasons":[{"contact":230,"failureReason":"Field \'email\' incorrect"}]}', Waiting.NAMED),
    ],
)
def test_sent_again(status: int, body: bytes | None, waiting: Waiting) -> None:
    """The same chunk, later, or without those named."""
    verdict = verdict_on(status, body)
    assert isinstance(verdict, Later)
    assert verdict.waiting is waiting


def test_no_answer_at_all() -> None:
    """Timeouts and resets leave the outcome unknown."""
    verdict = judge_delivery(NoUsableAnswer("TimeoutError"), DeliveryFacts(250))
    assert isinstance(verdict, Later)
    assert verdict.waiting is Waiting.UNKNOWN_OUTCOME


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (413, b"<html>"),
        (400, b'{"message":"Payload too large"}'),
        (400, b'{"success":0,"failureReasons":["Invalid or unparsable json"]}'),
        (400, b"{}"),
        (400, b'{"errors":"text"}'),
        (400, b'{"errors":["text"]}'),
        (400, b'{"errors":[{"status":400,"title":"Bad Request","detail":"..."}]}'),
        (422, b'{"errors":[{"title":"Contact Email Address is not valid.","code":"email_invalid"}]}'),
        (400, b'{"failureReasons":[{"contact":0,"failureReason":"x"},{"contact":250,"failureReason":"x"}]}'),
    ],
)
def test_halved(status: int, body: bytes) -> None:
    """Too large, or refused with nobody named whom the request has."""
    verdict = verdict_on(status, body)
    assert isinstance(verdict, Split)
    assert [len(part.positions) for part in verdict.parts] == [125, 125]


@pytest.mark.parametrize(
    ("status", "body", "scope", "code", "definite"),
    [
        (401, b"{}", "connection", StopCode.CREDENTIALS, True),
        (402, b"{}", "connection", StopCode.PAYMENT, True),
        (403, b'{"message":"Forbidden"}', "connection", StopCode.PERMISSION, False),
        (403, b'{"errors":[{"status":403,"title":"Forbidden"}]}', "connection", StopCode.PERMISSION, False),
        (200, b"<!DOCTYPE html>", "connection", StopCode.NOT_ACTIVECAMPAIGN, True),
        (200, b'{"message":"Welcome"}', "connection", StopCode.NOT_ACTIVECAMPAIGN, False),
        (302, b"", "connection", StopCode.NOT_ACTIVECAMPAIGN, True),
        (400, b'{"message":"Contact limit exceeded"}', "connection", StopCode.CONTRACT, True),
        (404, b'{"message":"No Result found for _List with id 7"}', "run", StopCode.LIST_MISSING, True),
    ],
)
def test_stopped(status: int, body: bytes, scope: str, code: StopCode, definite: bool) -> None:  # noqa: FBT001  a table's column
    """Key, contract and host stop the connection, a missing list the run."""
    verdict = verdict_on(status, body)
    assert isinstance(verdict, Stop)
    assert (verdict.scope, verdict.code, verdict.definite, verdict.by_hand) == (scope, code, definite, False)
