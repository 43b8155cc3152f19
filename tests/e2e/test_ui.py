"""`seedtest ui`: Dagster's own web server, asked as its pages ask it, and stopped as a person stops it."""

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.e2e import dagster_ui
from tests.e2e.conftest import CHECKOUT, WEEKS
from tests.e2e.dagster_ui import WEEKLY, DagsterUi, processes_of
from tests.waiting import PATIENCE_S, SELDOM_S, until

ON_KUBERNETES = (CHECKOUT / "docs" / "operations" / "kubernetes.md").read_text("utf-8")
BACKFILL = re.search(r"^```graphql\n(.*?)^```$", ON_KUBERNETES, re.MULTILINE | re.DOTALL)[1]
RE_EXECUTE = """
mutation ($params: ReexecutionParams!) {
  launchRunReexecution(reexecutionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
STEPS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { stepStats { stepKey } } } }"
DRY_RUN = """
mutation ($of: SensorSelector!) {
  sensorDryRun(selectorData: $of, cursor: null) {
    __typename
    ... on DryRunInstigationTick {
      evaluationResult {
        skipReason
        error { message }
        runRequests { runKey }
        dynamicPartitionsRequests { partitionKeys }
      }
    }
    ... on PythonError { message }
  }
}
"""
RUNS = "query ($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results { status } } } }"
BACKFILL_STATUS = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
}
"""


@pytest.fixture(scope="module")
def by_command(shell, engine) -> list[sa.Row[tuple[object, ...]]]:
    """What `seedtest run` makes of one user's week; taken away again."""
    ran = shell.run("run", "--week", WEEKS[0], "--user", "u2", "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["assets"]["weekly_reports"]["row_count"] == 1
    made = _made(engine)
    assert len(made) == 1
    _forget(engine)
    return made


@pytest.fixture(scope="module")
def ui(shell, by_command, tmp_path_factory) -> Iterator[DagsterUi]:
    with dagster_ui.started(shell, tmp_path_factory.mktemp("ui") / "log") as ui:
        yield ui


@pytest.fixture(scope="module")
def ask(ui) -> Any:
    return ui.ask


def test_it_shows_every_asset(ask):
    assets = ask("{ assetNodes { assetKey { path } } }")["assetNodes"]
    assert {node["assetKey"]["path"][0] for node in assets} == {
        *WEEKLY, "class_reports", "cohort_reports", "current_abilities", "exam_results", "item_parameters",
        "population", "report_template",
    }  # fmt: skip


def test_a_partition_launched_from_its_pages_gives_what_seedtest_run_gave(ui, engine, by_command):
    partition = {
        "dagster/partition": f"u2|{WEEKS[0]}",
        "dagster/partition/user": "u2",
        "dagster/partition/week": WEEKS[0],
    }
    assert ui.ended(ui.launch(WEEKLY, partition)) == "SUCCESS"
    assert _made(engine) == by_command


def test_a_run_that_failed_is_re_executed_from_its_failure(ui, ask, engine, by_command, shell):
    """The steps before are not run again, and the rest gives what an undisturbed run gave."""
    _forget(engine)
    folder = shell.home / "artifacts" / "reports" / WEEKS[0] / "u2"
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("a file where the learner's folder should be")
    of_range = dict.fromkeys(
        ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end"), f"u2|{WEEKS[0]}"
    )
    run_id = ui.launch(WEEKLY, of_range)
    assert ui.ended(run_id) == "FAILURE"
    assert _made(engine) == []
    folder.unlink()
    aside.rename(folder)
    again = ask(RE_EXECUTE, params={"parentRunId": run_id, "strategy": "FROM_FAILURE"})["launchRunReexecution"]
    assert again["__typename"] == "LaunchRunSuccess", again
    assert ui.ended(again["run"]["runId"]) == "SUCCESS"
    steps = ask(STEPS, id=again["run"]["runId"])["runOrError"]["stepStats"]
    assert [step["stepKey"] for step in steps] == ["weekly_reports"]
    assert _made(engine) == by_command


@pytest.mark.parametrize("name", ["due_weeks", "catch_up", "cohort", "user_keys"])
def test_a_sensor_that_is_tested_from_its_page_says_what_it_found(ask, name):
    of = {"repositoryLocationName": "seedtest", "repositoryName": "__repository__", "sensorName": name}
    found = ask(DRY_RUN, of=of)["sensorDryRun"]
    assert found["__typename"] == "DryRunInstigationTick", found
    evaluated = found["evaluationResult"]
    assert evaluated["error"] is None
    assert evaluated["skipReason"] or evaluated["runRequests"] or evaluated["dynamicPartitionsRequests"]


def test_a_backfill_launched_from_its_pages_gives_what_an_ordered_run_of_all_gave(ask, engine, shell):
    """Dagster runs a backfill's weeks in any order; reports lacked their history, in green. One that is launched from a
    job's page is refused: Dagster makes one partition of many and reports success (dagster#28861); the only job with
    such a page is the schedule's own.
    """
    users = ["synthetic-0001", "u17632", "u2"]
    partitions = [f"{user}|{week}" for week in reversed(WEEKS) for user in users]
    of_job = {
        "partitionSetName": "__anonymous_asset_job_weekly_partition_set",
        "repositorySelector": {"repositoryLocationName": "seedtest", "repositoryName": "__repository__"},
    }
    _forget(engine)
    ran = shell.run("run", "--week", WEEKS[0], "--through", WEEKS[1])
    assert ran.returncode == 0, ran.stderr
    ordered = [row for row in _made(engine) if row.user_id in users]
    assert len(ordered) == len(users) * len(WEEKS)
    _forget(engine)
    wrong = _launched(ask, {"selector": of_job, "partitionNames": partitions[:2]})
    right = _launched(ask, {"assetSelection": [{"path": [asset]} for asset in WEEKLY], "partitionNames": partitions})

    assert _backfilled(ask, wrong) == "COMPLETED_FAILED"
    assert _ends(ask, wrong) == {"FAILURE"}
    assert _backfilled(ask, right) == "COMPLETED_SUCCESS"
    assert _ends(ask, right) == {"SUCCESS"}
    rounded = [[round(value, 9) if isinstance(value, float) else value for value in row] for row in _made(engine)]
    assert rounded == [[round(value, 9) if isinstance(value, float) else value for value in row] for row in ordered]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_signal_to_the_command_alone_ends_dagster_and_all_its_processes(ui, shell):
    os.kill(ui.process.pid, signal.SIGTERM)
    assert ui.process.wait(PATIENCE_S) == 0
    until(lambda: not processes_of(shell), every_s=SELDOM_S)


def _launched(ask: Any, params: object) -> str:
    launched = ask(BACKFILL, params=params)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    return str(launched["backfillId"])


def _ends(ask: Any, backfill_id: str) -> set[str]:
    """How the backfill's runs ended."""
    of_backfill = {"tags": [{"key": "dagster/backfill", "value": backfill_id}]}
    return {run["status"] for run in ask(RUNS, filter=of_backfill)["runsOrError"]["results"]}


def _backfilled(ask: Any, backfill_id: str) -> str:
    """The backfill's status, once it has ended."""

    def status() -> str:
        return str(ask(BACKFILL_STATUS, id=backfill_id)["partitionBackfillOrError"]["status"])

    until(lambda: status().startswith(("COMPLETED", "FAILED", "CANCELED")), every_s=SELDOM_S)
    return status()


def _made(engine: sa.Engine) -> list[sa.Row[tuple[object, ...]]]:
    query = (
        "SELECT user_id, week_start, theta, se, n_items, version, as_of, url, sha256 "
        "FROM theta_estimates JOIN report_artifacts USING (user_id, week_start) ORDER BY user_id, week_start"
    )
    with engine.connect() as connection:
        return list(connection.execute(sa.text(query)))


def _forget(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(
            "TRUNCATE theta_estimates, seedtest_mirt_ability, population, ability_weeks, answered_items, "
            "seedtest_report_artifacts"
        ))  # fmt: skip
