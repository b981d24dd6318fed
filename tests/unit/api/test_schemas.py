"""The API's bodies name every fault at once, and its description is true to its routes and to OpenAPI 3.1."""

import csv
import io
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from producer.access.token import Role
from producer.api.openapi import describe
from producer.api.problem_responses import problem_of
from producer.api.routes import ROUTES
from producer.services.bodies import Body, checked, merged, pointer
from producer.services.documents import moment
from producer.services.errors import Invalid
from producer.services.rejects import as_csv
from producer.services.requests import (
    ConnectionBody,
    ConnectionChange,
    DemandBody,
    ExportBody,
    ExportChange,
    ResumeBody,
)
from wire.store import codec

CONNECTION: dict[str, Any] = {"name": "main", "host": "acme.api-us1.com", "api_key": "canary", "consent": True}
EXPORT: dict[str, Any] = {
    "name": "vips",
    "connection": "main",
    "segment": "vip",
    "list_id": "12",
    "mapping": {"email": "Email"},
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def _faults(model: type[Body], document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        checked(model, document)
    assert problem_of(caught.value).status == 422
    return {fault.pointer: fault.detail for fault in caught.value.faults}


def test_optional_fields_have_the_defaults_of_the_design() -> None:
    """Of connections, exports and demands."""
    connection = checked(ConnectionBody, CONNECTION)
    assert (connection.allow, connection.limits.model_dump()) == (
        "admins",
        {"imports_per_minute": 100, "single_imports_per_minute": 20, "requests_per_second": 5},
    )
    export = checked(ExportBody, EXPORT)
    assert (export.leavers, export.automations, export.budget_minutes) == ("keep", False, None)
    assert (export.patience_minutes, export.delivery_patience_minutes) == (30, 720)
    demand = checked(DemandBody, {})
    assert (demand.snapshot, demand.mode, demand.dry_run, demand.include_refused) == (None, "changes", False, False)
    assert checked(ResumeBody, {}).accept is False


def test_every_fault_of_a_connection_is_named_at_once() -> None:
    """Missing, unknown, of the wrong kind, out of bounds."""
    faults = _faults(
        ConnectionBody,
        {
            "name": "No Capitals",
            "api_key": "käy",
            "consent": False,
            "allow": "everybody",
            "limits": {"imports_per_minute": 0, "requests_per_second": "5", "burst": 1},
            "hosts": [],
        },
    )
    assert faults["/host"] == "is required"
    assert faults["/hosts"] == "is not a known field"
    assert set(faults) == {
        "/name",
        "/host",
        "/api_key",
        "/consent",
        "/allow",
        "/limits/imports_per_minute",
        "/limits/requests_per_second",
        "/limits/burst",
        "/hosts",
    }


@pytest.mark.parametrize("consent", [False, None, 1, "true", "yes"])
def test_nothing_but_true_is_consent(consent: object) -> None:
    """Nor is its absence."""
    assert set(_faults(ConnectionBody, CONNECTION | {"consent": consent})) == {"/consent"}
    assert set(_faults(ConnectionBody, {**CONNECTION, "consent": consent, "zz": 1})) == {"/consent", "/zz"}


def test_every_fault_of_an_export_is_named_at_once() -> None:
    """Contradictions among them: the address column as another attribute, leavers that we cannot treat so."""
    faults = _faults(
        ExportBody,
        {
            "name": "vips",
            "connection": "main",
            "segment": "  ",
            "list_id": 12,
            "mapping": {
                "email": "Email",
                "first_name": "Email",
                "last_name": "",
                "fields": {"07": "A", "8": 5},
                "tags": ["vip", "a,b"],
                "e-mail": "Email",
            },
            "leavers": "remove",
            "default_region": "gb",
            "budget_minutes": -1,
            "patience_minutes": True,
        },
    )
    assert set(faults) == {
        "/segment",
        "/list_id",
        "/mapping/first_name",
        "/mapping/last_name",
        "/mapping/fields/07",
        "/mapping/fields/8",
        "/mapping/tags/1",
        "/mapping/e-mail",
        "/leavers",
        "/default_region",
        "/budget_minutes",
        "/patience_minutes",
    }
    assert set(_faults(ExportBody, EXPORT | {"mapping": {}})) == {"/mapping/email"}


def test_a_change_may_leave_out_the_key_and_a_detached_export_may_stay_so() -> None:
    """Everything else is as strict as at creation."""
    assert checked(ConnectionChange, {"name": "main", "host": "h"}).api_key is None
    assert set(_faults(ConnectionChange, {"name": "main", "host": "h", "consent": False})) == {"/consent"}
    assert checked(ExportChange, EXPORT | {"connection": None}).connection is None


def test_a_key_is_never_shown() -> None:
    """Neither by a model nor by a problem about its neighbours."""
    assert "canary" not in repr(checked(ConnectionBody, CONNECTION))
    with pytest.raises(Invalid) as caught:
        checked(ConnectionBody, CONNECTION | {"api_key": "canary with spaces", "name": "canary !"})
    assert b"canary" not in bytes(problem_of(caught.value).response().body or b"")  # type: ignore[arg-type]


def test_a_pasted_key_is_trimmed() -> None:
    """The line's end comes with the clipboard."""
    assert checked(ConnectionBody, CONNECTION | {"api_key": " k\n"}).api_key.get_secret_value() == "k"


@given(st.dictionaries(st.text(), JSON), st.dictionaries(st.text(), JSON))
def test_a_merge_patch_replaces_what_it_names_and_keeps_the_rest(before: dict[str, Any], patch: dict[str, Any]) -> None:
    """As RFC 7396 says, and without touching what it is given."""
    copy = deepcopy(before)
    result = merged(before, patch)
    assert before == copy
    for name in before.keys() | patch.keys():
        if name not in patch:
            assert result[name] == before[name]
        elif patch[name] is None:
            assert name not in result
        elif not isinstance(patch[name], dict):
            assert result[name] == patch[name]
    assert merged(result, patch) == result


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": "x"}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
    ],
)
def test_the_examples_of_the_merge_patch_standard_hold(before: Any, patch: Any, after: Any) -> None:
    """Source: RFC 7396, appendix A."""
    assert merged(before, patch) == after


def test_a_pointer_escapes_what_it_is_made_of() -> None:
    """Source: RFC 6901, section 3."""
    assert pointer(["a/b", 0, "c~d", ""]) == "/a~1b/0/c~0d/"
    assert pointer([]) == ""


def test_a_time_is_rfc_3339_in_utc() -> None:
    """With milliseconds."""
    assert moment(1_795_435_200_001) == "2026-11-23T12:00:00.001Z"


def test_a_reject_cannot_be_run_by_a_spreadsheet() -> None:
    """Whatever was in the address; quotes, commas and line breaks are the CSV module's."""
    line = {"row": 3, "email": '=HYPERLINK("x"),1', "fate": "invalid", "code": "email_invalid", "reason": "@a\nb"}
    assert as_csv(codec.encode(line) + b"\n") == (b'3,"\'=HYPERLINK(""x""),1",invalid,email_invalid,"\'@a\nb"\r\n')
    for first in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20":
        assert as_csv(codec.encode({"email": f"{first}1"})).lstrip(b',"').startswith(b"'")


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("=+-@a1;,|\t\r\n \"'\ufeff\uff1d")), st.sampled_from(",;|\t"))
def test_no_way_to_separate_makes_a_cell_of_a_reject_run(text: str, separator: str) -> None:
    """Read by commas, or by what another country's spreadsheet takes instead."""
    table = as_csv(codec.encode(dict.fromkeys(("row", "email", "fate", "code", "reason"), text)) + b"\n").decode()
    for line in csv.reader(io.StringIO(table, newline=""), delimiter=separator):
        for cell in line:
            assert not cell.lstrip(" \ufeff").startswith(("=", "+", "-", "@", "\uff1d")), (table, cell)


def test_the_description_is_valid_openapi() -> None:
    """By the judgement of openapi-spec-validator."""
    document = describe(ROUTES, version="1")
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_is_described_and_says_who_may() -> None:
    """With its answer, its errors, and under a name of its own."""
    document = describe(ROUTES, version="1")
    described = {(method.upper(), path) for path, calls in document["paths"].items() for method in calls}
    assert described == {(route.method, route.path) for route in ROUTES}
    operations = [document["paths"][route.path][route.method.lower()] for route in ROUTES]
    assert len({operation["operationId"] for operation in operations}) == len(ROUTES)
    for route, operation in zip(ROUTES, operations, strict=True):
        assert str(route.status) in operation["responses"]
        assert ("401" in operation["responses"]) == (route.roles is not None)
        assert bool(operation["security"]) == (route.roles is not None)


def test_a_patch_is_described_with_nothing_required() -> None:
    """A merge patch says only what changes."""
    paths = describe(ROUTES, version="1")["paths"]
    body = paths["/v1/exports/{name}"]["patch"]["requestBody"]["content"]["application/merge-patch+json"]["schema"]
    assert "required" not in body
    assert "list_id" in body["properties"]


def test_only_health_and_metrics_need_no_token_and_an_administrator_may_do_everything() -> None:
    """Rejects are not for viewers, and publishers publish."""
    assert {route.path for route in ROUTES if route.roles is None} == {"/healthz", "/readyz", "/metrics"}
    guarded = {(route.method, route.path): route.roles for route in ROUTES if route.roles is not None}
    assert all(Role.ADMIN in roles for roles in guarded.values())
    assert Role.VIEWER not in guarded["GET", "/v1/runs/{id}/rejects"]
    assert {call for call, roles in guarded.items() if Role.PUBLISHER in roles} == {
        ("POST", "/v1/events"),
        ("GET", "/openapi.json"),
    }
