"""Reads request bodies into models and says of every fault at once where it is; it knows no particular model."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from producer.input_checks import DEPTH_MAX, is_too_deep
from producer.services.problems import Problem, unprocessable
from wire.store import codec

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"

M = TypeVar("M", bound="Body")


class Body(BaseModel):
    """A request's body: nothing is guessed, unknown fields are faults, and no error repeats what was sent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class _Object(dict[str, Any]):
    """A JSON object that remembers names which stood in it twice: JSON allows it and every parser drops one of them."""

    doubled: tuple[str, ...] = ()


async def read_body(
    request: web.Request, model: type[M], *, onto: Mapping[str, Any] | None = None, optional: bool = False
) -> M:
    """Read a body; with `onto` it is a merge patch (RFC 7396) of that; with `optional` it may be absent.

    Problem 400, 413, 415 or 422.
    """
    body = await request.read()
    if not body and optional:
        return checked(model, {})
    allowed = {JSON} if onto is None else {JSON, MERGE_PATCH}
    if request.content_type not in allowed:
        raise Problem(415, f"The body must be {' or '.join(sorted(allowed))}.")
    document = _decoded(body)
    if not isinstance(document, dict):
        raise unprocessable({"": "must be an object"})
    faults = dict(_doubled(document, ()))
    if onto is None:
        return checked(model, document, faults)
    return checked(model, merged(onto, document), faults | _strange(model, document))


def checked(model: type[M], document: Mapping[str, Any], faults: Mapping[str, str] | None = None) -> M:
    """Make the model of a document; Problem 422 with these and all further faults."""
    try:
        made = model.model_validate(document)
    except ValidationError as error:
        raise unprocessable({**(faults or {}), **faults_of(error)}) from None
    if faults:
        raise unprocessable(faults)
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


def _strange(model: type[Body], patch: Mapping[str, Any]) -> dict[str, str]:
    """Find names in a patch that mean nothing: one that is taken away is not there any more when the rest is checked."""
    try:
        model.model_validate(patch)
    except ValidationError as error:
        return faults_of(error, only=lambda one: one["type"] == "extra_forbidden" or "[key]" in one["loc"])
    return {}


def _decoded(body: bytes) -> Any:
    try:
        document = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_no_number)
        if is_too_deep(document):
            raise Problem(400, f"The body is nested deeper than {DEPTH_MAX} levels.")
        codec.encode(document)
    # TypeError: half a character, which JSON can spell and UTF-8 cannot, or a number of more than 64 bits.
    except (ValueError, RecursionError, TypeError):
        raise Problem(400, "The body is not JSON in UTF-8, or it is nested too deep.") from None
    return document


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        made.doubled = tuple(name for name, count in counts.items() if count > 1)
    return made


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _doubled(value: Any, at: tuple[int | str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Object):
        for name in value.doubled:
            yield pointer((*at, name)), "stands here twice"
        for name, inner in value.items():
            yield from _doubled(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _doubled(inner, (*at, index))


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
