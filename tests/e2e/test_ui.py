"""`seedtest ui`: Dagster's own web server, asked as its pages ask it, and stopped as a person stops it."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from resources.postgres.server_folder import wait_until
from tests.e2e import dagster_ui
from tests.e2e.conftest import WEEKS
from tests.e2e.dagster_ui import WEEKLY, DagsterUi, processes_of
from tests.waiting import PATIENCE_S

BACKFILL = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
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
        *WEEKLY, "exam_results", "cohort_reports", "item_parameters", "population", "report_template",
    }  # fmt: skip


def test_a_partition_launched_from_its_pages_gives_what_seedtest_run_gave(ui, engine, by_command):
    partition = {
        "dagster/partition": f"u2|{WEEKS[0]}",
        "dagster/partition/user": "u2",
        "dagster/partition/week": WEEKS[0],
    }
    assert ui.ended(ui.launch(WEEKLY, partition)) == "SUCCESS"
    assert _made(engine) == by_command


def test_a_backfill_launched_from_its_pages_gives_what_an_ordered_run_of_all_gave(ask, engine, shell):
    """Dagster runs a backfill's weeks in any order; reports lacked their history, in green."""
    users = ["synthetic-0001", "u17632", "u2"]
    _forget(engine)
    ran = shell.run("run", "--week", WEEKS[0], "--through", WEEKS[1])
    assert ran.returncode == 0, ran.stderr
    ordered = [row for row in _made(engine) if row.user_id in users]
    assert len(ordered) == len(users) * len(WEEKS)
    _forget(engine)
    launched = ask(
        BACKFILL,
        params={
            "assetSelection": [{"path": [asset]} for asset in WEEKLY],
            "partitionNames": [f"{user}|{week}" for week in reversed(WEEKS) for user in users],
        },
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def status() -> str:
        query = (
            "query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
        )
        return str(ask(query, id=launched["backfillId"])["partitionBackfillOrError"]["status"])

    assert wait_until(lambda: status().startswith(("COMPLETED", "FAILED", "CANCELED")), PATIENCE_S)
    assert status() == "COMPLETED_SUCCESS"
    rounded = [[round(value, 9) if isinstance(value, float) else value for value in row] for row in _made(engine)]
    assert rounded == [[round(value, 9) if isinstance(value, float) else value for value in row] for row in ordered]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_signal_to_the_command_alone_ends_dagster_and_all_its_processes(ui, shell):
    os.kill(ui.process.pid, signal.SIGTERM)
    assert ui.process.wait(PATIENCE_S) == 0
    assert wait_until(lambda: not processes_of(shell), PATIENCE_S), processes_of(shell)


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
            "TRUNCATE theta_estimates, mirt_ability, population, ability_weeks, answered_items, report_artifacts"
        ))  # fmt: skip
