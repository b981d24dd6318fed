"""Forms of the page: what stands in one is what the API is told, whichever way round; short names; where faults belong."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.api.problem_responses import Problem
from producer.services.errors import Fault
from producer.services.requests import NAME, ExportBody
from producer.web.forms.export_form import FIELD, NAMED, OFF_BY_NULL, submitted, typed
from producer.web.forms.form import Form, as_text, dotted, number, whole
from producer.web.forms.slugs import free_name, short_name

COLUMNS: Final = st.text("abcXYZ äß", min_size=1, max_size=8).map(str.strip).filter(bool)
MAPPINGS: Final = st.fixed_dictionaries(
    {"email": COLUMNS.map(lambda column: f"email {column}")},
    optional={
        **dict.fromkeys(NAMED, COLUMNS),
        "fields": st.dictionaries(st.integers(1, 999).map(str), COLUMNS, max_size=4),
        "tags": st.lists(st.text("abc", min_size=1), max_size=3),
        "tags_column": COLUMNS,
    },
)
EXPORTS: Final = st.fixed_dictionaries(
    {
        "name": st.from_regex(NAME, fullmatch=True),
        "connection": st.just("main"),
        "segment": COLUMNS,
        "list_id": st.integers(1, 10**6).map(str),
        "mapping": MAPPINGS,
        "automations": st.booleans(),
        "enabled": st.booleans(),
        "brake": st.none()
        | st.builds(lambda share, most: {"share": share / 100, "number": most}, *[st.integers(0, 100)] * 2),
        "leavers": st.sampled_from(["keep", "unsubscribe"]),
        "leavers_confirm": st.sampled_from(["next_refresh", "by_hand", "at_once"]),
        "patience_minutes": st.integers(1, 10_000).map(float),
        "schedule": st.none() | st.just({"cron": "0 6 * * 1-5", "zone": "Europe/Berlin"}),
        "full_every_runs": st.none() | st.integers(1, 100),
    }
)


def of_export(document: dict[str, Any]) -> dict[str, Any]:
    """What the API makes of an export, as it shows it."""
    return ExportBody.model_validate(document).model_dump()


@given(EXPORTS)
def test_a_form_that_nobody_touched_says_what_the_export_is(export: dict[str, Any]) -> None:
    """Opened and sent, an export is as it was."""
    before = of_export(export)
    sheet = Form.of(typed(before))
    read = submitted(sheet)
    assert sheet.faults == {}
    document = {name: value for name, value in read.document.items() if value is not None or name in OFF_BY_NULL}
    assert of_export(document) == before


@given(st.none() | st.builds(lambda share, most: {"share": share / 100, "number": most}, *[st.integers(0, 100)] * 2))
def test_a_guard_is_what_the_form_says_and_stays_on_where_it_says_nothing_of_it(guard: dict[str, Any] | None) -> None:
    """Only an export that unsubscribes has its box."""
    for leavers, kept in (("unsubscribe", guard), ("keep", of_export(EXPORT)["leavers_guard"])):
        read = submitted(Form.of(typed(of_export(EXPORT | {"leavers": leavers, "leavers_guard": guard}))))
        document = {name: value for name, value in read.document.items() if value is not None or name in OFF_BY_NULL}
        assert of_export(document)["leavers_guard"] == kept


@given(st.text())
def test_a_short_name_is_one_that_the_api_takes_or_none(text: str) -> None:
    """Whatever people call things."""
    name = short_name(text)
    assert not name or of_export(EXPORT | {"name": name})["name"] == name


EXPORT: Final[dict[str, Any]] = {
    "name": "vip",
    "connection": "main",
    "segment": "vip",
    "list_id": "12",
    "mapping": {"email": "Email"},
}


@given(st.sampled_from(["vip", "a" * 63, "Über uns"]), st.integers(1, 12))
def test_a_free_name_is_nobody_elses(text: str, times: int) -> None:
    """However often it is asked for."""
    taken: list[str] = []
    for _ in range(times):
        taken.append(free_name(text, taken))
    assert len(set(taken)) == times
    assert all(1 <= len(name) <= 63 for name in taken)


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        ("/name", "name"),
        ("/mapping/email", "email"),
        ("/mapping/first_name", "column-0"),
        ("/mapping/fields/7", "column-1"),
        ("/mapping/tags/0", "tags"),
        ("/schedule/cron", "schedule.cron"),
        ("/leavers_field/id", "leavers_field.id"),
        ("/brake/share", "brake.share"),
        ("/leavers_guard/number", "leavers_guard.number"),
        ("", ""),
    ],
)
def test_a_fault_of_the_api_is_beside_the_field_that_it_is_of(pointer: str, field: str) -> None:
    rows = [("attribute", "first_name"), ("column", "First"), ("attribute", f"{FIELD}7"), ("column", "Tier")]
    assert submitted(Form.of(rows)).place(Fault(pointer=pointer, detail="is wrong")) == field


def test_faults_of_rows_name_the_row_and_the_half_that_is_missing() -> None:
    sheet = Form.of(
        [
            *(("attribute", "first_name"), ("column", "")),
            *(("attribute", ""), ("column", "Last")),
            *(("attribute", ""), ("column", "")),
            *(("attribute", f"{FIELD}7"), ("column", "Tier")),
            *(("attribute", f"{FIELD}7"), ("column", "Other")),
            *(("attribute", "shoe_size"), ("column", "Shoe")),
        ]
    )
    read = submitted(sheet)
    assert list(sheet.faults) == ["column-0", "attribute-1", "attribute-4", "attribute-5"]
    assert read.document["mapping"]["fields"] == {"7": "Tier"}


def test_a_problem_without_fields_is_of_the_whole_form_and_keeps_its_status() -> None:
    sheet = Form.of({})
    sheet.note(Problem(503, "Not now."), dotted)
    assert (sheet.faults, sheet.status) == ({"": "Not now."}, 503)


@pytest.mark.parametrize(("text", "read"), [("1,5", 1.5), ("2", 2.0), ("many", "many"), ("", "")])
def test_numbers_are_read_as_people_write_them(text: str, read: float | str) -> None:
    assert number(text) == read


def test_whole_numbers_are_digits_only() -> None:
    assert (whole("12"), whole("1.5"), whole("¹")) == (12, "1.5", "¹")


@given(st.floats(0.001, 1e9, allow_nan=False).map(lambda figure: float(f"{figure:.3g}")))
def test_a_number_that_is_written_is_read_as_it_was(figure: float) -> None:
    assert number(as_text(figure)) == pytest.approx(figure)
