"""Prometheus' rules by its own tool, and the operator's page about them."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
RULES = CHECKOUT / "deploy" / "monitoring" / "rules.yaml"
ALERTS = [rule["alert"] for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
TESTS = sorted(Path(__file__).parent.glob("*rules_test.yaml"))


@pytest.mark.parametrize("tests", TESTS, ids=lambda path: path.stem)
def test_each_alert_fires_where_it_should_and_only_there(tests, tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    for file in (RULES, tests):
        shutil.copy(file, tmp_path)
    checked = subprocess.run(
        [promtool, "test", "rules", tests.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_is_tested_and_explained():
    tested = {
        test["alertname"]
        for file in TESTS
        for group in yaml.safe_load(file.read_text("utf-8"))["tests"]
        for test in group["alert_rule_test"]
        if test.get("exp_alerts")
    }
    page = (CHECKOUT / "docs/operations/monitoring.md").read_text("utf-8")
    assert set(ALERTS) - tested == set()
    assert [alert for alert in ALERTS if f"| `{alert}` |" not in page] == []
