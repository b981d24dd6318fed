"""Answers every error with an RFC 9457 problem document. `STATUSES` maps each error to its HTTP status."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, Field

from producer.access.token import NoSuchToken, TokenNameTaken
from producer.intake.open_runs import Conflicting, Contended, Detached, ForAdmins, Pointless, Unusable
from producer.registry.store import ChangedMeanwhile, ClosedToContributors, NameTaken, RunsUnderWay, Unregistered
from producer.services.errors import Fault, Forbidden, Invalid, NotFound, TryLater, invalid_fields
from wire.store import codec
from wire.store.results import StoreError, Unkept, Unreachable, Unwritable
from wire.vault import Misplaced, SecretError, UnreadableSecret

MEDIA_TYPE: Final = "application/problem+json"
STORE_RETRY_SECONDS: Final = 5
CONTENDED_RETRY_SECONDS: Final = 1

STATUSES: Final[Mapping[type[Exception], int]] = {
    NotFound: 404,
    Forbidden: 403,
    Invalid: 422,
    TryLater: 503,
    Unregistered: 404,
    ClosedToContributors: 403,
    NameTaken: 409,
    ChangedMeanwhile: 409,
    RunsUnderWay: 409,
    Unusable: 422,
    ForAdmins: 403,
    Pointless: 409,
    Detached: 409,
    Conflicting: 409,
    Contended: 503,
    NoSuchToken: 404,
    TokenNameTaken: 409,
    StoreError: 503,
    Unreachable: 503,
    Unwritable: 503,
    Unkept: 503,
    SecretError: 409,
    Misplaced: 409,
    UnreadableSecret: 409,
}
"""Every error that a handler may meet. A test compares it with the errors that exist."""

_log = structlog.get_logger(__name__)


class ProblemDocument(BaseModel):
    """What is wrong, as RFC 9457 writes it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] = Field(default_factory=list)


class Problem(Exception):
    """A request that is answered with an error."""

    def __init__(
        self, status: int, detail: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        super().__init__(detail)

    def response(self) -> web.Response:
        """Write the problem document."""
        document: dict[str, Any] = ProblemDocument(
            title=HTTPStatus(self.status).phrase, status=self.status, detail=self.detail, errors=list(self.faults)
        ).model_dump()
        return web.Response(
            status=self.status, body=codec.encode(document), content_type=MEDIA_TYPE, headers=self.headers
        )


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error with a problem document. An unexpected one is logged, and answered without its text."""
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001  the outermost middleware: nothing else stands between an error and the caller
        return problem_of(error, method=request.method, route=route_of(request)).response()


def route_of(request: web.Request) -> str:
    """Name the route of a request, without what fills it in; empty if there is none."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def problem_of(error: Exception, *, method: str = "", route: str = "") -> Problem:
    """Turn an error into the problem that is answered. An unexpected one is logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, web.HTTPException):
        return _of_http(error)
    if isinstance(error, web.RequestPayloadError):
        return Problem(400, "The body breaks off, or is not sent as HTTP says.")
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
    if status is None:
        _log.error("request_failed", method=method, route=route, exc_info=error)
        return Problem(500, "Something went wrong on our side; the log says what.")
    return _of_ours(error, status)


def _of_ours(error: Exception, status: int) -> Problem:
    match error:
        case Invalid():
            return Problem(status, error.detail, faults=error.faults)
        case TryLater():
            return _later(status, error.detail, error.seconds)
        case NotFound() | Forbidden():
            return Problem(status, error.detail)
        case Unusable():
            return problem_of(invalid_fields(error.faults))
        case Contended():
            return _later(status, _sentence(error), CONTENDED_RETRY_SECONDS)
        case StoreError():
            _log.warning("store_failed", error=str(error))
            return _later(status, "The store cannot keep anything now; nothing was promised.", STORE_RETRY_SECONDS)
        case SecretError():
            _log.error("key_not_opened", error=str(error))
            return Problem(status, f"{_sentence(error)} Enter the key again, or give back the old SECRET_KEYS.")
        case _:
            return Problem(status, _sentence(error))


def _later(status: int, detail: str, seconds: float) -> Problem:
    return Problem(status, detail, headers={"Retry-After": str(max(1, round(seconds)))})


def _of_http(error: web.HTTPException) -> Problem:
    match error:
        case web.HTTPNotFound():
            detail = "There is nothing at this address."
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return Problem(405, f"Here one may {allowed}.", headers={"Allow": allowed})
        case web.HTTPRequestEntityTooLarge():
            detail = "The body is larger than 1 MiB."
        case _:
            detail = error.reason
    return Problem(error.status, detail)


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
