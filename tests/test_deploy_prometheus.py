"""Alerts and dashboard: Prometheus takes them, alerts ring when they should, and every metric is exported."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import exported_metrics
from tests.manifests import FOLDER, ROOT, read

PROMETHEUS = ROOT / "deploy/prometheus"
RULES = sorted(PROMETHEUS.glob("*-rules.yaml"))
UNIT_TESTS = sorted((ROOT / "tests/promtool").glob("*.yaml"))
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/touchstone.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
VARIABLES = {variable["name"] for variable in DASHBOARD["templating"]["list"]}

needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="there is no promtool here; Debian has it in the package prometheus"
)


def promtool(*arguments: str | Path) -> str:
    command = ["promtool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts() -> list[dict[str, Any]]:
    return [rule for path in RULES for group in read(path)[0]["groups"] for rule in group["rules"]]


def filled(expression: str) -> str:
    """With what Grafana puts in the place of variables."""
    for name, value in (("__rate_interval", "1m"), ("job", "touchstone"), ("task", ".*")):
        expression = expression.replace(f"${name}", value)
    return expression


def adapter_query() -> str:
    """What prometheus-adapter asks for, its template filled."""
    (rule,) = read(FOLDER / "prometheus/adapter-rule.yaml")[0]["rules"]
    query = rule["metricsQuery"].replace("<<.Series>>", rule["seriesQuery"].partition("{")[0])
    return query.replace("<<.LabelMatchers>>", 'namespace="a",pod=~"b|c"').replace("<<.GroupBy>>", "pod")


@needs_promtool
def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    said = promtool("check", "config", PROMETHEUS / "prometheus.yaml")
    assert said.count("rules found") == len(RULES) == 2


@needs_promtool
@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_ring_when_they_should_and_not_before(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", path)


def test_every_alert_is_shown_to_ring_and_to_be_silent() -> None:
    cases = [
        case for path in UNIT_TESTS for test in read(path)[0]["tests"] for case in test["alert_rule_test"]
    ]
    names = {alert["alert"] for alert in alerts()}
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == names
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == names


@needs_promtool
def test_prometheus_understands_every_panel_and_the_adapter(tmp_path: Path) -> None:
    queries = [filled(one) for one in EXPRESSIONS] + [adapter_query()]
    rules = [{"record": f"panel_{i}", "expr": query} for i, query in enumerate(queries)]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"SUCCESS: {len(queries)} rules found" in promtool("check", "rules", file)


@pytest.mark.parametrize(
    "expressions",
    [[rule["expr"] for rule in alerts()], EXPRESSIONS, [adapter_query()]],
    ids=["alerts", "dashboard", "adapter"],
)
def test_every_metric_is_exported(expressions: list[str]) -> None:
    names = {name for one in expressions for name in re.findall(r"\btouchstone_[a-z_]+", one)}
    assert names
    assert names <= exported_metrics.of_service() | exported_metrics.of_monitor()


def test_the_dashboard_shows_every_metric_of_the_monitor() -> None:
    shown = set(re.findall(r"\btouchstone_monitor_[a-z_]+", " ".join(EXPRESSIONS)))
    assert shown == exported_metrics.of_monitor()


def test_the_dashboard_uses_variables_that_it_has() -> None:
    used = set(re.findall(r"\$(\w+)", json.dumps(DASHBOARD["panels"])))
    assert used - {"__rate_interval"} == VARIABLES
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"$datasource"}


def test_no_panel_lies_over_another() -> None:
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24  # Grafana's columns
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
