"""Checks the body of a request against its model and names every fault by a JSON pointer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from producer.services.errors import invalid_fields

M = TypeVar("M", bound="Body")


class Body(BaseModel):
    """A request's body: nothing is guessed, unknown fields are faults, and no error repeats what was sent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class ObjectWithRepeats(dict[str, Any]):
    """A JSON object that remembers names which stood in it twice: JSON allows it and every parser drops one of them."""

    doubled: tuple[str, ...] = ()


def checked(model: type[M], document: Mapping[str, Any], faults: Mapping[str, str] | None = None) -> M:
    """Make the model of a document; Invalid with these and all further faults."""
    try:
        made = model.model_validate(document)
    except ValidationError as error:
        raise invalid_fields({**(faults or {}), **faults_of(error)}) from None
    if faults:
        raise invalid_fields(faults)
    return made


def merged(onto: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a merge patch: null takes a name away, objects merge, everything else replaces."""
    result = dict(onto)
    for name, value in patch.items():
        before = result.get(name)
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = merged(before if isinstance(before, dict) else {}, value)
        else:
            result[name] = value
    return result


def pointer(steps: Sequence[int | str]) -> str:
    """Write a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def unknown_encoding(model: type[Body], patch: Mapping[str, Any]) -> dict[str, str]:
    """Find names in a patch that mean nothing: one that is taken away is not there any more when the rest is checked."""
    try:
        model.model_validate(patch)
    except ValidationError as error:
        return faults_of(error, only=lambda one: one["type"] == "extra_forbidden" or "[key]" in one["loc"])
    return {}


def refuse_constant(text: str) -> NoReturn:
    """Refuse NaN and Infinity, which JSON does not have. Raises ValueError."""
    raise ValueError(text)


def repeated_members(value: Any, at: tuple[int | str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the pointer and the fault of every member that stands twice in its object."""
    if isinstance(value, ObjectWithRepeats):
        for name in value.doubled:
            yield pointer((*at, name)), "stands here twice"
        for name, inner in value.items():
            yield from repeated_members(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from repeated_members(inner, (*at, index))


def faults_of(error: ValidationError, only: Callable[[ErrorDetails], bool] = lambda _: True) -> dict[str, str]:
    """One sentence for each place; a name of an object that is wrong is the fault of its member."""
    faults: dict[str, str] = {}
    for one in filter(only, error.errors(include_url=False, include_input=False, include_context=False)):
        steps = [step for step in one["loc"] if step != "[key]"]
        match one["type"]:
            case "missing":
                detail = "is required"
            case "extra_forbidden":
                detail = "is not a known field"
            case _:
                detail = (
                    one["msg"]
                    .removeprefix("Value error, ")
                    .replace("Input should", "should")
                    .replace("String should", "should")
                )
        faults.setdefault(pointer(steps), detail)
    return faults
