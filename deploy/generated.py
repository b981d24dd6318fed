"""`python -m deploy.generated`: writes the files of deploy/ that are made from others; a test compares them with what is there.

The rules become a PrometheusRule for the Prometheus operator, and the dashboards' code becomes Grafana's JSON.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.dashboards import dashboards

FOLDER: Final = Path(__file__).parent
RULES: Final = FOLDER / "prometheus" / "rules.yaml"


def files() -> Mapping[Path, str]:
    """What is made, by the file it belongs in."""
    made = {FOLDER / "prometheus" / "prometheus-rule.yaml": _prometheus_rule()}
    for name, built in dashboards().items():
        text = json.dumps(built, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False)
        made[FOLDER / "grafana" / f"{name}.json"] = f"{text}\n"
    return made


def _prometheus_rule() -> str:
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "segment-export", "labels": {"app.kubernetes.io/name": "segment-export"}},
        "spec": yaml.safe_load(RULES.read_text()),
    }
    return (
        f"# Made from rules.yaml by `python -m deploy.generated`.\n{yaml.safe_dump(rule, sort_keys=False, width=140)}"
    )


if __name__ == "__main__":
    for file, text in files().items():
        file.write_text(text)
