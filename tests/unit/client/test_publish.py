"""A publisher's event says what the design fixes, and is sent again only while that can help."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from producer.client.errors import ApiError, NotTheApi, ProducerUnavailable, RequestRefused
from producer.client.http import Reply
from producer.client.publish import (
    PATIENCE_SECONDS,
    WAIT_SECONDS_MAX,
    PublishAnswer,
    answer,
    backoff_seconds,
    deliver,
    publish_segment_refreshed,
    refreshed,
)
from wire.store import codec


class Away:
    """An API that answers in this order, the last answer for ever."""

    def __init__(self, *answers: Reply | ApiError) -> None:
        self.answers = list(answers)
        self.bodies: list[Any] = []

    async def ask(self, method: str, path: str, *, body: Any, content_type: str) -> Reply:
        self.bodies.append(body)
        match self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]:
            case ApiError() as error:
                raise error
            case reply:
                return reply


def _deliver(api: Away) -> list[float]:
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    asyncio.run(deliver(api, {"id": "e1"}, sleep=sleep, dice=lambda: 0.0))  # type: ignore[arg-type]  # a double
    return slept


def test_the_event_is_one_to_the_cloudevents_sdk() -> None:
    """The SDK is the oracle of what a structured event is."""
    time = datetime(2026, 11, 23, 3, tzinfo=timezone(timedelta(hours=1)))
    document = refreshed("vip", "/data/vip.parquet", source="/cdp", event_id="e1", time=time)
    message = HTTPMessage({"content-type": "application/cloudevents+json"}, codec.encode(document))
    event = from_http_event(message, JSONFormat())
    assert (event.get_id(), event.get_source(), event.get_type()) == ("e1", "/cdp", "segment.refreshed")
    assert (event.get_specversion(), event.get_subject()) == ("1.0", "vip")
    assert event.get_time() == datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert event.get_data() == {"segment": "vip", "snapshot": "/data/vip.parquet"}


def test_an_event_without_an_id_gets_one_of_its_own_and_no_time() -> None:
    """Without a time the order of arrival decides, so that a wrong clock here hides no refresh."""
    first, second = (refreshed("vip", "/vip", source="/cdp") for _ in range(2))
    assert first["id"] != second["id"]
    assert "time" not in first


def test_a_time_without_an_offset_is_refused_before_anything_is_sent() -> None:
    """It would be another moment wherever it is read."""
    with pytest.raises(ValueError, match="offset"):
        refreshed("vip", "/vip", source="/cdp", time=datetime(2026, 11, 23))  # noqa: DTZ001  the point of this test


def test_an_event_is_sent_again_as_it_was_until_it_is_taken() -> None:
    """With longer and longer pauses, and no shorter ones than were asked for."""
    api = Away(
        ProducerUnavailable("away"),
        ProducerUnavailable("away"),
        ProducerUnavailable("away", 9),
        Reply(b"", {"runs": []}),
    )
    assert _deliver(api) == [0.5, 1.0, 9]
    assert api.bodies == [{"id": "e1"}] * 4


def test_a_producer_that_stays_away_is_given_up_after_a_minute() -> None:
    """The publisher's own scheduler decides then."""
    api = Away(ProducerUnavailable("away"))
    with pytest.raises(ProducerUnavailable):
        _deliver(api)
    assert 6 <= len(api.bodies) <= 12


def test_a_producer_that_wants_to_be_left_alone_for_longer_than_our_patience_is() -> None:
    """Asking earlier would be no use."""
    api = Away(ProducerUnavailable("away", PATIENCE_SECONDS + 1))
    with pytest.raises(ProducerUnavailable):
        _deliver(api)
    assert len(api.bodies) == 1


def test_a_refusal_is_not_asked_again() -> None:
    """Nothing would change."""
    api = Away(RequestRefused(422, "One field is not as needed."))
    with pytest.raises(RequestRefused):
        _deliver(api)
    assert len(api.bodies) == 1


@given(st.integers(0, 1_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_nothing_and_never_long(attempt: int, dice: float) -> None:
    """And at least half of what it would be without the dice."""
    longest = backoff_seconds(attempt, 0.0)
    assert 0.25 <= longest / 2 <= backoff_seconds(attempt, dice) <= longest <= WAIT_SECONDS_MAX


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"runs": ["a", "b"]}, PublishAnswer(("a", "b"), None)),
        ({"runs": [], "reason": "stale"}, PublishAnswer((), "stale")),
    ],
)
def test_an_answer_says_which_runs_or_why_none(document: dict[str, Any], expected: PublishAnswer) -> None:
    """As the API words it."""
    assert answer(document) == expected


@pytest.mark.parametrize("document", [{}, {"runs": None}, {"runs": "abc"}])
def test_an_answer_without_runs_is_not_the_producer_s(document: dict[str, Any]) -> None:
    """Something else took the event, and lost it."""
    with pytest.raises(NotTheApi):
        answer(document)


def test_a_running_event_loop_is_told_to_await() -> None:
    """Instead of a coroutine that is never awaited."""

    async def scenario() -> None:
        publish_segment_refreshed("http://127.0.0.1:9", "token", segment="vip", snapshot="/vip")

    with pytest.raises(RuntimeError, match="await publish_segment_refreshed_async"):
        asyncio.run(scenario())
