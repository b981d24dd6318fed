"""The shipped rules, dashboards and routes: clean to their own tools, tested for each alert, and true to what is exposed."""

import json
import re
import subprocess

import pytest
import yaml

from deploy.generated import files
from tests.deployed import DEPLOY, metric_names, metrics_in

FOLDER = DEPLOY / "prometheus"
RULES = [rule for group in yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"] for rule in group["rules"]]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
ALERTS = {rule["alert"] for rule in RULES if "alert" in rule}


def run(*command: str) -> str:
    """What a tool says; it must be content."""
    told = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.mark.needs("promtool")
def test_promtool_is_content_with_rules_and_configuration() -> None:
    """As Prometheus would be at its start."""
    assert "SUCCESS" in run("promtool", "check", "rules", "--lint-fatal", "rules.yaml")
    run("promtool", "check", "config", "prometheus.yml")


@pytest.mark.needs("promtool")
def test_every_alert_is_silent_and_then_fires() -> None:
    """Over made-up series, minute by minute."""
    run("promtool", "test", "rules", "rules.test.yaml")


def test_no_alert_is_left_out_of_those_tests() -> None:
    """Each has a moment at which it is silent, and one at which it fires."""
    tests = {each["name"]: each for each in yaml.safe_load((FOLDER / "rules.test.yaml").read_text())["tests"]}
    assert tests.keys() - ALERTS == {"a healthy run", "the text of an alert"}
    for name in ALERTS:
        silent, firing = tests[name]["promql_expr_test"]
        assert silent["exp_samples"] == []
        assert name in silent["expr"]
        assert [each["value"] for each in firing["exp_samples"]] == [1]
        assert name in firing["expr"]


@pytest.mark.needs("amtool")
def test_amtool_is_content_with_the_routes() -> None:
    """And both severities reach somebody."""
    run("amtool", "check-config", "alertmanager.yml")
    for severity in ("critical", "warning"):
        told = run("amtool", "config", "routes", "test", "--config.file=alertmanager.yml", f"severity={severity}")
        assert told.strip() == "nobody-yet"


def test_inhibitions_name_alerts_that_are_there() -> None:
    """A name that nobody raises holds nobody back."""
    for rule in yaml.safe_load((FOLDER / "alertmanager.yml").read_text())["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            (pattern,) = re.findall(r'"(.+)"', matcher)
            parts = re.fullmatch(r"(\w+?)(?:\((.+)\))?", pattern)
            assert parts
            named = {parts[1] + end for end in parts[2].split("|")} if parts[2] else {parts[1]}
            assert named <= ALERTS


def test_rules_ask_for_what_is_exposed_or_recorded() -> None:
    """A metric that nobody has makes an alert that never fires."""
    known = metric_names() | RECORDED
    for rule in RULES:
        assert metrics_in(rule["expr"]) <= known, rule


def test_dashboards_ask_for_what_is_exposed_or_recorded() -> None:
    """Nothing else would show."""
    known = metric_names() | RECORDED
    for name in ("fleet", "run", "plumbing"):
        document = json.loads((DEPLOY / "grafana" / f"{name}.json").read_text())
        for panel in document["panels"]:
            for target in panel.get("targets", ()):
                assert metrics_in(target["expr"]) <= known, panel["title"]


def test_figures_of_the_record_are_never_summed_over_producers() -> None:
    """Each tells all of them; only what workers and sweeps count is added up."""
    summed = {
        "contacts_total",
        "requests_total",
        "outcomes_total",
        "sweeps_total",
        "bells_rung_total",
        "worker_threads",
    }
    summed |= {"chunks_in_hand", "request_duration_seconds_bucket", "pacing_wait_seconds_bucket"}
    expressions = [rule["expr"] for rule in RULES]
    for name in ("fleet", "run", "plumbing"):
        document = json.loads((DEPLOY / "grafana" / f"{name}.json").read_text())
        expressions += [target["expr"] for panel in document["panels"] for target in panel.get("targets", ())]
    for expression in expressions:
        for added in re.findall(r"sum(?: by \([^)]*\))? ?\((?:rate|increase)?\(?segment_export_(\w+)", expression):
            assert added in summed, expression


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_what_is_made_from_others_is_up_to_date(file: object) -> None:
    """`make generate` writes it."""
    made = {str(name): text for name, text in files().items()}
    assert made[str(file)] == (DEPLOY / str(file)).read_text()
