"""Reads request bodies into models and says of every fault at once where it is; it knows no particular model."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from producer.api.problem_responses import Problem
from producer.input_checks import DEPTH_MAX, is_too_deep
from producer.services.bodies import (
    M,
    ObjectWithRepeats,
    checked,
    merged,
    refuse_constant,
    repeated_members,
    unknown_encoding,
)
from producer.services.errors import invalid_fields
from wire.store import codec

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"


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
        raise invalid_fields({"": "must be an object"})
    faults = dict(repeated_members(document, ()))
    if onto is None:
        return checked(model, document, faults)
    return checked(model, merged(onto, document), faults | unknown_encoding(model, document))


def _decoded(body: bytes) -> Any:
    try:
        document = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=refuse_constant)
        if is_too_deep(document):
            raise Problem(400, f"The body is nested deeper than {DEPTH_MAX} levels.")
        codec.encode(document)
    # TypeError: half a character, which JSON can spell and UTF-8 cannot, or a number of more than 64 bits.
    except (ValueError, RecursionError, TypeError):
        raise Problem(400, "The body is not JSON in UTF-8, or it is nested too deep.") from None
    return document


def _object(pairs: list[tuple[str, Any]]) -> ObjectWithRepeats:
    made = ObjectWithRepeats(pairs)
    if len(made) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        made.doubled = tuple(name for name, count in counts.items() if count > 1)
    return made
