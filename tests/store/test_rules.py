"""systemd/prometheus: the configuration and the rules by promtool, and the metrics that rules and dashboard name."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from support import ROOT
from support.dashboards import DOORS, targets_of
from support.panels import PANELS
from support.prometheus import program

from edge.web.door_metrics import OF_ALL_DOORS

pytestmark = pytest.mark.store

FOLDER = ROOT / "systemd" / "prometheus"
RULES = yaml.safe_load((FOLDER / "rules.yml").read_text())
TESTS = yaml.safe_load((FOLDER / "rules-test.yml").read_text())
ALERTS = [rule["alert"] for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
RECORDS = [rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule]


def tool(*words: str) -> str:
    done = subprocess.run(
        [program("promtool"), *words], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_takes_the_configuration_and_the_rules() -> None:
    assert "12 rules found" in tool("check", "rules", "--lint=all", "--lint-fatal", "rules.yml")
    assert "SUCCESS" in tool("check", "config", "prometheus.yml")


def test_the_rules_pass_their_tests() -> None:
    assert "FAILED" not in tool("test", "rules", "rules-test.yml")


def test_every_alert_is_documented() -> None:
    page = (FOLDER / "README.md").read_text().partition("## Alerts")[2]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == ALERTS


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tested_and_its_test_notices_a_rule_that_never_fires(alert: str, tmp_path: Path) -> None:
    cases = [case for test in TESTS["tests"] for case in test.get("alert_rule_test", [])]
    assert any(case["alertname"] == alert and case["exp_alerts"] for case in cases), alert
    broken = yaml.safe_load((FOLDER / "rules.yml").read_text())
    (rule,) = [rule for group in broken["groups"] for rule in group["rules"] if rule.get("alert") == alert]
    rule["expr"] = f"({rule['expr']}) > 1e9"
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(broken))
    (tmp_path / "rules-test.yml").write_text((FOLDER / "rules-test.yml").read_text())
    command = [program("promtool"), "test", "rules", "rules-test.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and alert in done.stderr, done.stdout + done.stderr


def test_rules_and_dashboard_name_metrics_that_there_are() -> None:
    known = {series.name for series in OF_ALL_DOORS} | {"maskwatch_info", "maskwatch_broker_connected"}
    rules = " ".join(rule["expr"] for group in RULES["groups"] for rule in group["rules"])
    queries = [target["expr"] for panel in PANELS for target in targets_of(panel, "prometheus")]
    named = set(re.findall(r"\bmaskwatch_\w+", rules + " ".join(queries) + DOORS["prometheus"]))
    assert len(named) > 15 and named <= known, named - known
    assert set(re.findall(r"\bmaskwatch:[\w:]+", rules)) <= set(RECORDS)
