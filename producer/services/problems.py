"""Everything that can go wrong with a request, as RFC 9457 problem documents; nobody else answers with errors."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web
from pydantic import BaseModel, Field

from producer.access.tokens import NoSuchToken, TokenError
from producer.intake.open_runs import Contended, ForAdmins, IntakeError, Unusable
from producer.registry.store import ClosedToContributors, RegistryError, Unregistered
from wire.store import codec
from wire.store.redis import StoreError
from wire.vault import SecretError

MEDIA_TYPE: Final = "application/problem+json"
STORE_RETRY_SECONDS: Final = 5
CONTENDED_RETRY_SECONDS: Final = 1

log = structlog.get_logger(__name__)


class Fault(BaseModel):
    """One thing that is wrong with a request; `pointer` is a JSON pointer into its body, empty for all of it."""

    pointer: str
    detail: str


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


def unprocessable(faults: Mapping[str, str]) -> Problem:
    """Make the problem of a request with these faults, by JSON pointer."""
    found = [Fault(pointer=pointer, detail=detail) for pointer, detail in faults.items()]
    count = "One field is" if len(found) == 1 else f"{len(found)} fields are"
    return Problem(422, f"{count} not as needed.", faults=found)


def try_later(detail: str, seconds: float) -> Problem:
    """Make the problem of a request that may be repeated after so many seconds."""
    return Problem(503, detail, headers={"Retry-After": str(max(1, round(seconds)))})


def problem_of(error: Exception, *, method: str = "", route: str = "") -> Problem:
    """Say which problem an error is; what nobody expected is logged."""
    match error:
        case Problem():
            problem = error
        case web.HTTPException():
            problem = _of_http(error)
        case web.RequestPayloadError():
            problem = Problem(400, "The body breaks off, or is not sent as HTTP says.")
        case RegistryError():
            problem = _of_registry(error)
        case IntakeError():
            problem = _of_intake(error)
        case TokenError():
            problem = Problem(404 if isinstance(error, NoSuchToken) else 409, _sentence(error))
        case StoreError():
            log.warning("store_failed", error=str(error))
            problem = try_later("The store cannot keep anything now; nothing was promised.", STORE_RETRY_SECONDS)
        case SecretError():
            log.error("key_not_opened", error=str(error))
            problem = Problem(409, f"{_sentence(error)} Enter the key again, or give back the old SECRET_KEYS.")
        case _:
            log.error("request_failed", method=method, route=route, exc_info=error)
            problem = Problem(500, "Something went wrong on our side; the log says what.")
    return problem


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


def _of_registry(error: RegistryError) -> Problem:
    match error:
        case Unregistered():
            return Problem(404, _sentence(error))
        case ClosedToContributors():
            return Problem(403, _sentence(error))
        case _:
            return Problem(409, _sentence(error))


def _of_intake(error: IntakeError) -> Problem:
    match error:
        case Unusable():
            return unprocessable(error.faults)
        case Contended():
            return try_later(_sentence(error), CONTENDED_RETRY_SECONDS)
        case ForAdmins():
            return Problem(403, _sentence(error))
        case _:
            return Problem(409, _sentence(error))


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
