"""Describes the API as OpenAPI 3.1, from the table of routes and the models, so that it cannot be outdated."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from producer.api.problem_responses import MEDIA_TYPE, ProblemDocument
from producer.api.request_body import JSON, MERGE_PATCH
from producer.api.route import Parameter, Route
from producer.intake.cloudevents import STRUCTURED
from producer.services.requests import NAME

SCHEMA: Final = "#/components/schemas/{model}"
ALWAYS: Final = (414, 415, 431, 503)
WITH_TOKEN: Final = (401, 403, 429)
WITH_BODY: Final = (400, 413, 415, 422)


PUBLISHED_AS: Final = {"change_preview": "rehearsing", "health": "standing", "secret_rotation": "rotation"}
"""Names in operation ids of modules that are called otherwise by now."""


def describe(routes: Sequence[Route], *, version: str) -> dict[str, Any]:
    """Write the OpenAPI document of these routes."""
    used: list[tuple[type[BaseModel], JsonSchemaMode]] = [(ProblemDocument, "serialization")]
    used += [(route.body, "validation") for route in routes if route.body]
    used += [(route.answer, "serialization") for route in routes if route.answer]
    references, schemas = models_json_schema(list(dict.fromkeys(used)), ref_template=SCHEMA)
    definitions = schemas.get("$defs", {})
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references, definitions)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "segment-export",
            "version": version,
            "description": "Keeps an ActiveCampaign list in step with a customer segment.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation_id(route: Route) -> str:
    """Name an operation by its module and function. A published id stays when a module is renamed."""
    module = route.handler.__module__.rpartition(".")[2]
    return f"{PUBLISHED_AS.get(module, module)}_{route.handler.__name__}"


def _operation(route: Route, references: dict[Any, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    named = [_named(name) for name in re.findall(r"{(\w+)}", route.path)]
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.says,
        "security": [] if route.roles is None else [{"token": []}],
        "responses": _responses(route, references),
    }
    if route.roles is not None:
        operation["description"] = f"For: {', '.join(sorted(route.roles))}."
    if parameters := [*named, *map(_parameter, route.parameters)]:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = _request(route, references, definitions)
    return operation


def _request(route: Route, references: dict[Any, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference = references[route.body, "validation"]
    if route.patches:
        patch = _patch(reference, definitions)
        return {"required": True, "content": {media: {"schema": patch} for media in (MERGE_PATCH, JSON)}}
    media = STRUCTURED if route.path.endswith("/events") else JSON
    return {"required": route.needs_body, "content": {media: {"schema": reference}}}


def _patch(whole: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Describe a merge patch of what `whole` describes: nothing is required, and null takes away what is not."""
    if "$ref" in whole:
        return _patch(definitions[whole["$ref"].rpartition("/")[2]], definitions)
    partial = {name: value for name, value in whole.items() if name not in {"required", "default"}}
    for members in ("properties", "patternProperties"):
        if members in whole:
            partial[members] = {
                name: part if name in whole.get("required", ()) else {"anyOf": [part, {"type": "null"}]}
                for name, inner in whole[members].items()
                for part in [_patch(inner, definitions)]
            }
    return partial


def _responses(route: Route, references: dict[Any, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        good["content"] = {JSON: {"schema": references[route.answer, "serialization"]}}
    if route.media:
        good["content"] = good.get("content", {}) | {media: {} for media in route.media}
    responses = {str(route.status): good}
    statuses = {*route.refusals, *ALWAYS}
    statuses |= set(WITH_TOKEN if route.roles is not None else ())
    statuses |= set(WITH_BODY if route.body is not None else ())
    statuses |= {404} if "{" in route.path else set()
    problem = {MEDIA_TYPE: {"schema": references[ProblemDocument, "serialization"]}}
    for status in sorted(statuses):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return responses


def _named(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": NAME} if name == "name" else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.says,
        "required": parameter.required,
        "schema": dict(parameter.schema),
    }
