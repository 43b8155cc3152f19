"""`seedtest forget` as it is typed: told first, done on `--yes`, refused beside a run."""

import json
import threading
import uuid

import dagster as dg
import pytest
import sqlalchemy as sa

from assets.partitions import partition_key
from resources.database import locks
from resources.database.engine import transaction
from resources.database.queries.learners import learner_groups
from resources.model import Week
from seedtest_pipeline.automation.run_locks import RunLocks
from seedtest_pipeline.runs import open_instance
from tests.e2e.conftest import WEEKS

USER = "u7"


@pytest.fixture
def told(on_exam, engine):
    """The command, on an exam whose learner is in a group."""
    with transaction(engine) as connection:
        rows = [{"group": "1-1", "user_id": USER, "role": "learner", "name": "Seven"}]
        learner_groups.store(connection, rows, only=False)
    return on_exam


def groups(engine) -> dict[str, list]:
    with transaction(engine) as connection:
        return learner_groups.learners(connection)


def end(engine, runs: RunLocks, run_id: str) -> None:
    """The run lets go of its locks, and has done so."""
    runs.release(run_id)
    with transaction(engine) as connection:
        locks.hold(connection, locks.RUNS)


def test_without_yes_it_is_told_and_nothing_changes(told, engine):
    said = told("forget", "--user", USER)
    assert said.exit_code == 0
    assert "Would be removed" in said.out
    assert "Nothing was changed. To remove it, add --yes." in said.err
    assert list(groups(engine)) == ["1-1"]


def test_with_yes_it_is_gone_and_what_the_platform_has_is_counted(told, engine):
    said = told("forget", "--user", USER, "--yes", "--json")
    receipt = json.loads(said.out)
    assert receipt["removed"]
    assert receipt["gone"]["rows_of_learner_groups"] == 1
    assert receipt["stays"]["rows_of_exam_results"] == 2
    assert "the next run or update makes him again" in said.err
    assert groups(engine) == {}


def test_and_ignore_keeps_the_learner_out_until_a_person_says_otherwise(told, responses, tmp_path):
    receipt = told("forget", "--user", USER, "--yes", "--and-ignore", "--json")
    assert json.loads(receipt.out)["ignored"]
    assert "is not read any more" in receipt.err
    file = tmp_path / "again.csv"
    responses[responses["user_id"] == USER].to_csv(file, index=False)
    assert "responses of ignored learners" in told("ingest", str(file)).out
    assert list(json.loads(told("ignored", "--json").out)["ignored"]) == [USER]
    assert told("ignored", "--no-longer", USER).exit_code == 0
    assert told("ignored").err == "Nobody is ignored."
    assert (
        told("ignored", "--no-longer", USER).err == f"error: '{USER}' is not ignored: `seedtest ignored` lists who is."
    )


def test_without_yes_nobody_is_ignored(told):
    assert not json.loads(told("forget", "--user", USER, "--and-ignore", "--json").out)["ignored"]
    assert json.loads(told("ignored", "--json").out)["ignored"] == {}


def test_a_learner_of_whom_nothing_is_known_is_told_of(told):
    """A misspelt id looked like a learner who was forgotten."""
    said = told("forget", "--user", "U7", "--yes")
    assert said.exit_code == 0
    assert "forgotten already, or another id" in said.err


def test_a_partition_of_the_learners_own_goes_and_no_other(told, monkeypatch):
    monkeypatch.setenv("USER_PARTITIONS", "users")
    told("forget", "--user", USER)
    with open_instance() as instance:
        instance.add_dynamic_partitions("user", [USER, "u70"])
        for user in (USER, "u70"):
            made = dg.AssetMaterialization("weekly_reports", partition=partition_key(Week.parse(WEEKS[0]), user))
            instance.report_runless_asset_event(made)
        gone = json.loads(told("forget", "--user", USER, "--yes", "--json").out)["gone"]
        assert (gone["dagster_partition"], gone["dagster_events"]) == (1, 1)
        assert instance.get_dynamic_partitions("user") == ["u70"]
        assert instance.get_materialized_partitions(dg.AssetKey("weekly_reports")) == {f"u70|{WEEKS[0]}"}


def test_beside_a_run_nothing_is_removed(told, engine):
    """A run would have written back what it had read before."""
    runs, run_id = RunLocks(engine), uuid.uuid4().hex
    runs.hold(run_id)
    said = told("forget", "--user", USER, "--yes")
    end(engine, runs, run_id)
    assert said.exit_code == 1
    assert said.err == "error: A run is under way: forget the learner when it has ended. Nothing was removed."
    assert list(groups(engine)) == ["1-1"]


def test_a_run_that_starts_meanwhile_waits(engine):
    runs, run_id = RunLocks(engine), uuid.uuid4().hex
    start = threading.Thread(target=runs.hold, args=(run_id,))
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with transaction(engine) as forgetting:
        locks.hold(forgetting, locks.RUNS)
        start.start()
        while start.is_alive() and not forgetting.execute(waiting).scalar_one():
            """It is about to ask for its locks."""
        assert start.is_alive()
    start.join(10)
    assert not start.is_alive()
    end(engine, runs, run_id)
