"""Errors as problem documents: every error of ours has its status in one table."""

from collections.abc import Iterator

import pytest

from producer.access.token import TokenError
from producer.api.problem_responses import STATUSES, problem_of
from producer.intake.open_runs import IntakeError
from producer.registry.store import RegistryError
from producer.services.errors import Forbidden, NotFound, ServiceError, TryLater, invalid_fields
from wire.store.results import StoreError
from wire.vault import SecretError

FAMILIES: tuple[type[Exception], ...] = (
    ServiceError,
    RegistryError,
    IntakeError,
    TokenError,
    StoreError,
    SecretError,
)


def _leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    inner = kind.__subclasses__()
    if not inner:
        yield kind
    for each in inner:
        yield from _leaves(each)


@pytest.mark.parametrize("error", sorted({leaf for family in FAMILIES for leaf in _leaves(family)}, key=str))
def test_every_error_of_ours_is_mapped_to_a_status(error: type[Exception]) -> None:
    """A new error does not pass until its status is decided."""
    if error.__module__.startswith(("producer.", "wire.")):
        assert error in STATUSES


def test_domain_errors_keep_their_sentence_their_faults_and_their_wait() -> None:
    """What the caller is to do next is in the answer."""
    assert (problem_of(NotFound("no run")).status, problem_of(NotFound("no run")).detail) == (404, "no run")
    assert problem_of(Forbidden("not for you")).status == 403
    invalid = problem_of(invalid_fields({"/name": "is required"}))
    assert (invalid.status, [fault.pointer for fault in invalid.faults]) == (422, ["/name"])
    assert problem_of(TryLater("busy", 7.4)).headers == {"Retry-After": "7"}


def test_an_unexpected_error_is_answered_without_its_text() -> None:
    """It may hold data that belongs in the log only."""
    problem = problem_of(RuntimeError("secret"))
    assert (problem.status, "secret" in problem.detail) == (500, False)
