"""What a worker tells about its work, as frozen reports; metrics and logs listen to them, the work knows neither."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from wire.chunk_queue.chunk import Book

EndpointName = Literal["import", "info", "find", "lists", "update", "me"]


@dataclass(frozen=True, slots=True)
class PacingReport:
    """A request was let go after so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class RequestReport:
    """A request was answered, or not: `status` is the HTTP status as text, or `error`; `seconds` is its round trip."""

    connection: str
    endpoint: EndpointName
    status: str
    seconds: float
    request_id: str | None
    throttled: bool
    run: str
    chunk: str


@dataclass(frozen=True, slots=True)
class SettleReport:
    """An outcome was offered to the record; if it was not `kept`, the chunk was no longer ours and nothing was counted."""

    run: str
    export: str
    chunk: str
    batch: str | None
    verdict: str
    books: Mapping[Book, int]
    kept: bool


WorkerReport = PacingReport | RequestReport | SettleReport
Listen = Callable[[WorkerReport], None]
