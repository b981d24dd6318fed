"""What the page for operators says, held against rules, code and logs."""

import re

import yaml

from producer.audit.entry import AuditedAction
from producer.monitoring.gauges import gauges
from tests.deployed import DEPLOY, EMPTY, ROOT
from worker.verdict.verdicts import StopCode

PAGE = (ROOT / "docs" / "operations.md").read_text()
RULES = yaml.safe_load((DEPLOY / "prometheus" / "rules.yaml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]


def test_every_alert_has_a_runbook_of_its_name_and_no_runbook_is_left_over() -> None:
    """That says what it means and what to do."""
    sections = dict(re.findall(r"^### (\w+)\n\n(.+?)(?=\n##|\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
    assert sections.keys() == {each["alert"] for each in ALERTS}
    assert [name for name, text in sections.items() if "**Means**" not in text or "**Do**" not in text] == []


def test_every_alert_has_a_severity_a_sentence_and_the_way_to_its_runbook() -> None:
    """One sentence, for somebody who was asleep."""
    for each in ALERTS:
        assert each["labels"]["severity"] in {"critical", "warning"}
        assert each["annotations"]["summary"].endswith(".")
        assert each["annotations"]["runbook"] == f"docs/operations.md#{each['alert'].lower()}"


def test_every_reason_to_be_blocked_has_what_to_do() -> None:
    """The scripts have one of their own."""
    codes = {*StopCode, "chunk_kills_workers"}
    assert sorted(code for code in codes if f"`{code}`" not in PAGE) == []


def test_every_event_that_is_logged_is_explained() -> None:
    """By the name an operator greps for."""
    sources = [
        path.read_text() for package in ("producer", "wire", "worker") for path in (ROOT / package).rglob("*.py")
    ]
    written = {name for source in sources for name in re.findall(r'(?:\b_?log\.\w+|\bwrite)\(\s*"([a-z_]+)"', source)}
    written |= {"chunk_settled", "outcome_was_stale"}
    explained = {
        name
        for row in re.findall(r"^\| (`[^|]+) \|", PAGE, flags=re.MULTILINE)
        for name in re.findall(r"`([a-z_]+)`", row)
    }
    assert {"run_opened", "run_closed"} <= written
    assert sorted(written - explained) == []


def test_the_reference_explains_every_gauge_of_the_producer() -> None:
    """By its name."""
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    told = {gauge.name for gauge in gauges(EMPTY)}
    timestamps = {name for name in told if name.startswith("run_") and name.endswith("_timestamp_seconds")}
    assert [name for name in sorted(told - timestamps) if f"`{name}`" not in reference] == []
    assert len(timestamps) == 3


def test_every_word_of_the_trail_is_explained() -> None:
    """And no word is explained that the trail does not have."""
    page = (ROOT / "docs" / "audit.md").read_text().partition("## The words")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[a-z]+\.[^|]+) \|", page, flags=re.MULTILINE)
    assert {word for row in rows for word in re.findall(r"`([a-z.]+)`", row)} == set(AuditedAction)
