"""What a service refuses, as errors, sorted by what the caller does next.

* ServiceError
  x NotFound    there is no such thing. Look at the list.
  x Forbidden   this identity may not do it. An administrator can.
  x Invalid     the request is wrong; `faults` names each field. Correct it and try again.
  x TryLater    not now. Try the same again after `seconds`.

Stores raise errors of their own (`RegistryError`, `IntakeError`, `TokenError`, `StoreError`, `SecretError`), which pass through.
"""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel


class Fault(BaseModel):
    """One thing that is wrong with a request; `pointer` is a JSON pointer into its body, empty for all of it."""

    pointer: str
    detail: str


class ServiceError(Exception):
    """A service refuses to do what was asked; `detail` is a sentence for the person who asked."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


class NotFound(ServiceError):
    """There is no such thing."""


class Forbidden(ServiceError):
    """This identity may not do it."""


class Invalid(ServiceError):
    """The request is wrong."""

    def __init__(self, detail: str, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(detail)


class TryLater(ServiceError):
    """It cannot be done now; the same request may be repeated after `seconds`."""

    def __init__(self, detail: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(detail)


def invalid_fields(faults: Mapping[str, str]) -> Invalid:
    """Make the error of a request with these faults, by JSON pointer."""
    count = "One field is" if len(faults) == 1 else f"{len(faults)} fields are"
    return Invalid(
        f"{count} not as needed.", [Fault(pointer=pointer, detail=detail) for pointer, detail in faults.items()]
    )
