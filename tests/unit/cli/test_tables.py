"""Documents become tables that a person can read, whatever is in them."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from producer.cli.snapshot_paths import reachable
from producer.cli.tables import RUNS, TableColumn, cell, details, explanation, page, printable, table


def _printed(what: RenderableType) -> list[str]:
    console = Console(file=io.StringIO(), width=200, markup=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return [text.strip() for text in console.file.getvalue().splitlines() if text.strip()]


def test_a_table_has_a_row_for_each_document_and_reaches_into_it() -> None:
    """What is not there is a dash."""
    columns = (TableColumn("NAME", "name"), TableColumn("APPLIED", "books.applied", number=True))
    printed = _printed(table(columns, [{"name": "vip", "books": {"applied": 1_000}}, {"name": None}]))
    assert [text.split() for text in printed] == [["NAME", "APPLIED"], [printed[1]], ["vip", "1,000"], ["-", "-"]]


def test_details_have_a_line_for_every_field_however_deep() -> None:
    """An empty object is still a field."""
    printed = _printed(details({"a": {"b": {"c": 1}, "d": []}, "e": {}}))
    assert [text.split() for text in printed] == [["a.b.c", "1"], ["a.d", "-"], ["e", "-"]]


def test_an_explanation_has_a_part_for_each_export_and_a_table_of_what_it_rests_on() -> None:
    """What there is none of is left out."""
    one = {"export": "vip", "standing": "refused", "on_the_way": [], "left_behind": []}
    document = {"forgotten": None, "exports": [one | {"rejected": [{"run": "r1", "code": "opted_out"}]}]}
    printed = [text.split() for text in _printed(explanation(document))]
    assert printed[:3] == [["forgotten", "-"], ["export", "vip"], ["standing", "refused"]]
    assert (printed[3:5], printed[-1]) == ([["rejected"], ["RUN", "CODE"]], ["r1", "opted_out"])


def test_a_list_without_items_says_so() -> None:
    """A header alone would look like an error."""
    assert _printed(page(RUNS, {"items": []})) == ["There are none."]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (1_234_567, "1,234,567"),
        (0.5, "0.5"),
        (100.0, "100"),
        (["a", "b"], "a, b"),
        ("2026-11-23T22:18:14.123Z", "2026-11-23 22:18:14Z"),
        ("NOT-A-TIMEZ", "NOT-A-TIMEZ"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_a_cell_is_what_a_person_would_write(value: Any, text: str) -> None:
    """And what looks like markup is text."""
    assert cell(value) == text
    assert _printed(details({"x": value})) == [f"x  {text}"]


@given(st.text())
def test_nothing_printed_drives_a_terminal(text: str) -> None:
    """Neither escape sequences nor marks that turn the direction of writing."""
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) == len(text)


@pytest.mark.parametrize("snapshot", ["file:///vip.parquet", "s3://bucket/vip", "query:vip", "/data/*.csv"])
def test_a_snapshot_that_says_where_it_is_stays_as_it_is(snapshot: str) -> None:
    """A URI or an absolute path."""
    assert reachable(snapshot) == snapshot


def test_a_relative_snapshot_is_one_of_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The producer does not know where that is."""
    monkeypatch.setattr("os.getcwd", lambda: "/data")
    assert reachable("vip/*.parquet") == "/data/vip/*.parquet"
