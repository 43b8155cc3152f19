"""What workspace.yaml loads: Dagster's own check of it, and what its catalog says to people."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from resources.progress import LogProgress
from seedtest_pipeline import definitions
from seedtest_pipeline.dagster_home import prepare_dagster_home
from seedtest_pipeline.wiring import Parts

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def graph(settings) -> AssetGraph:
    return definitions.build(Parts(settings), LogProgress()).resolve_asset_graph()


def test_each_asset_has_a_group_an_owner_kinds_and_a_description(graph):
    for node in graph.asset_nodes:
        assert node.group_name != "default", node.key
        assert node.description, node.key
        assert node.kinds, node.key
        assert node.owners or node.key.to_user_string() == "exam_results", node.key


def test_tables_show_their_columns(graph):
    one_of_each = {
        "responses": "response_time_ms", "theta_estimates": "se", "weekly_reports": "sha256",
        "item_parameters": "params", "population": "week_start",
    }  # fmt: skip
    for name, column in one_of_each.items():
        schema = graph.get(dg.AssetKey(name)).metadata["dagster/column_schema"]
        assert column in [each.name for each in schema.columns], name


def test_everything_comes_from_the_platforms_table_which_dagster_does_not_make(graph):
    node = graph.get(dg.AssetKey("exam_results"))
    assert not node.is_materializable
    assert {key.to_user_string() for key in node.child_keys} >= {"responses", "item_parameters"}


def test_alerts_and_retention_run_by_themselves_where_they_are_set_up(settings):
    def sensors(**more: object) -> set[str]:
        found = definitions.build(Parts(type(settings).load(**more)), LogProgress()).sensors
        assert all(sensor.default_status is dg.DefaultSensorStatus.RUNNING for sensor in found)
        return {sensor.name for sensor in found}

    assert {name for name in sensors() if name.startswith("alert")} == set()
    assert "history_retention" in sensors()
    webhook = {"alert_webhook_url": "https://hooks.example/secret"}
    mail = {
        "alert_smtp_url": "smtp://mail.example",
        "alert_mail_from": "a@example.org",
        "alert_mail_to": "b@example.org",
    }
    assert {name for name in sensors(**webhook, **mail) if name.startswith("alert")} == {
        "alert_webhook", "alert_mail", "alert_webhook_checks", "alert_mail_checks",
    }  # fmt: skip


def test_dagster_finds_nothing_wrong_with_them(settings, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(prepare_dagster_home(settings)))
    said = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", str(CHECKOUT / "workspace.yaml")],
        cwd=settings.dagster_home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert "Validation successful for code location seedtest" in said.stderr + said.stdout
