"""The Python call for publishers over a socket."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from producer.client.publish import (
    ApiError,
    NotTheApi,
    PublishAnswer,
    RequestRefused,
    publish_segment_refreshed,
    publish_segment_refreshed_async,
)
from tests.integration.simulated_producer import TOKEN, SimulatedProducer, simulated_producer

CALL = "POST /v1/events"


@pytest.fixture
def producer() -> Iterator[SimulatedProducer]:
    """A double of the producer."""
    with simulated_producer() as double:
        yield double


def test_a_job_publishes_with_one_call(producer: SimulatedProducer) -> None:
    """A token that was read from a file keeps its line's end out of the header."""
    producer.answer(CALL, {"runs": ["5f2c"]}, 202)
    time = datetime(2026, 11, 23, 2, tzinfo=UTC)
    answer = publish_segment_refreshed(
        producer.url + "/", TOKEN + "\n", segment="vip", snapshot="/vip.parquet", id="e1", time=time
    )
    assert answer == PublishAnswer(("5f2c",), None)
    asked = producer.asked[0]
    assert (asked.path, asked.headers["Content-Type"]) == ("/v1/events", "application/cloudevents+json")
    assert (asked.body["id"], asked.body["source"]) == ("e1", "/segment-export/python")
    assert asked.body["time"] == "2026-11-23T02:00:00+00:00"


def test_a_lost_answer_is_asked_for_again_with_the_same_event(producer: SimulatedProducer) -> None:
    """The producer takes it only once, so that the answer is that of the first time."""
    producer.hang_up(CALL)
    producer.refuse(CALL, 503, "The store is not there.")
    producer.answer(CALL, {"runs": [], "reason": "no export names the segment"}, 202)

    async def scenario() -> PublishAnswer:
        return await publish_segment_refreshed_async(producer.url, TOKEN, segment="vip", snapshot="/vip.parquet")

    assert asyncio.run(scenario()) == PublishAnswer((), "no export names the segment")
    bodies = [asked.body for asked in producer.asked]
    assert bodies == [bodies[0]] * 3


def test_a_refusal_names_every_fault(producer: SimulatedProducer) -> None:
    """In the message, too, since that is what an orchestrator shows."""
    producer.refuse(CALL, 422, "2 fields are not as needed.", {"/data/segment": "is blank", "/id": "is blank"})
    with pytest.raises(RequestRefused, match=r"(?s)2 fields.*/data/segment is blank.*/id is blank"):
        publish_segment_refreshed(producer.url, TOKEN, segment=" ", snapshot="/vip.parquet", id=" ")


def test_no_error_shows_the_token(producer: SimulatedProducer) -> None:
    """Neither a refusal nor an answer of something else."""
    for token in (TOKEN, "another-token"):
        producer.answer_text(CALL, "<html>", "text/html")
        with pytest.raises(ApiError) as caught:
            publish_segment_refreshed(producer.url, token, segment="vip", snapshot="/vip.parquet")
        assert isinstance(caught.value, NotTheApi) == (token == TOKEN)
        assert token not in f"{caught.value!r} {caught.value}"


def test_an_address_that_is_none_is_refused_before_anything_is_sent() -> None:
    """With what is wrong with it."""
    with pytest.raises(ValueError, match="must be a URL like"):
        publish_segment_refreshed("producer:8080", TOKEN, segment="vip", snapshot="/vip.parquet")
