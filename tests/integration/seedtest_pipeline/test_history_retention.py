"""What is taken out of Dagster's history, and what its UI still knows afterwards."""

import datetime as dt
import itertools
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from seedtest_pipeline.automation import history_retention
from seedtest_pipeline.automation.history_retention import Place, history_retention_sensor

WEEKS = ["2025-01-06", "2025-01-13"]
USERS = ["b000of2", "b001of2"]
PARTITIONS = dg.MultiPartitionsDefinition({
    "week": dg.StaticPartitionsDefinition(WEEKS), "user": dg.StaticPartitionsDefinition(USERS)
})  # fmt: skip
KEY = dg.AssetKey("made")
KEEP_DAYS = 90


@dg.asset(partitions_def=PARTITIONS)
def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    print("said by the run")
    return dg.MaterializeResult(metadata={"run": context.run.run_id})


@dg.asset_check(asset=made)
def holds() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset
def broken() -> None:
    raise ValueError("no")


def run(instance: dg.DagsterInstance, partition: str) -> str:
    return dg.materialize([made, holds], instance=instance, partition_key=partition).run_id


def age(engine: sa.Engine, days: int) -> None:
    """Everything in the history happened so many days earlier."""
    with engine.begin() as connection:
        for update in (
            "UPDATE dagster.event_logs SET timestamp = timestamp - :age",
            "UPDATE dagster.runs SET update_timestamp = update_timestamp - :age",
            "UPDATE dagster.asset_check_executions SET create_timestamp = create_timestamp - :age",
        ):
            connection.execute(sa.text(update), {"age": dt.timedelta(days=days)})


def tick(instance: dg.DagsterInstance, engine: sa.Engine, cursor: str | None = None) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"engine": engine})
    return history_retention_sensor(KEEP_DAYS)(context)


def made_partitions(instance: dg.DagsterInstance, engine: sa.Engine) -> list[str]:
    """As the UI shows them, computed anew from what is left of the log."""
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE dagster.asset_keys SET cached_status_data = NULL"))
    status = get_and_update_asset_status_cache_value(instance, KEY, PARTITIONS)
    return sorted(status.deserialize_materialized_partition_subsets(PARTITIONS).get_partition_keys())


@pytest.fixture
def old(history, engine) -> dict[str, str]:
    """Runs of 100 days ago, by what they are."""
    runs = {
        "superseded long ago": run(history, f"{USERS[0]}|{WEEKS[0]}"),
        "newest of its partition": run(history, f"{USERS[0]}|{WEEKS[0]}"),
        "superseded later": run(history, f"{USERS[1]}|{WEEKS[0]}"),
        "failed": dg.materialize([broken], instance=history, raise_on_error=False).run_id,
    }
    age(engine, 100)
    return runs


def test_old_runs_and_logs_go_and_made_partitions_stay_made(history, engine, old):
    """Deleting runs by hand takes their materializations with them: weeks that were made look as if they were not."""
    recent = run(history, f"{USERS[1]}|{WEEKS[0]}")
    before = made_partitions(history, engine)
    assert len(before) == 2
    logs = {name: Path(history.compute_log_manager._base_dir) / run_id for name, run_id in old.items()}
    assert all(folder.is_dir() for folder in logs.values())
    events_of_recent = len(history.all_logs(recent))

    result = tick(history, engine)

    assert made_partitions(history, engine) == before
    left = {run.run_id for run in history.get_runs()}
    assert left == {old["newest of its partition"], recent}
    assert [entry.dagster_event_type.value for entry in history.all_logs(old["newest of its partition"])] == [
        "ASSET_MATERIALIZATION"
    ]
    assert len(history.all_logs(recent)) == events_of_recent
    assert {name for name, folder in logs.items() if folder.is_dir()} == {"newest of its partition"}
    newest = history.get_latest_materialization_event(KEY)
    assert newest.run_id == recent
    assert "3 runs" in result.skip_reason.skip_message
    with engine.connect() as connection:
        tags = connection.execute(sa.text("SELECT count(DISTINCT event_id) FROM dagster.asset_event_tags")).scalar_one()
        checks = connection.execute(sa.text("SELECT count(*) FROM dagster.asset_check_executions")).scalar_one()
    assert tags == 2
    assert checks == 1


def test_it_goes_in_pieces_ends_and_looks_again_a_day_later(history, engine, old, monkeypatch):
    looks = itertools.count()
    monkeypatch.setattr(history_retention, "time", SimpleNamespace(monotonic=lambda: 0.01 * next(looks)))
    monkeypatch.setattr(history_retention, "_EVENTS_PER_TRANSACTION", 7)
    monkeypatch.setattr(history_retention, "_WORKING_S", 0.02)
    cursor, ticks = None, 0
    while cursor is None or Place.model_validate_json(cursor).next_round is None:
        cursor, ticks = tick(history, engine, cursor).cursor, ticks + 1
        assert ticks < 100
        monkeypatch.setattr(history_retention, "_WORKING_S", 0.02 if ticks < 4 else 20)
    assert ticks > 2
    place = Place.model_validate_json(cursor)
    assert place.event == 0
    assert dt.timedelta(hours=23) < place.next_round - dt.datetime.now(dt.UTC) <= dt.timedelta(days=1)
    assert {run.run_id for run in history.get_runs()} == {old["newest of its partition"], old["superseded later"]}
    again = tick(history, engine, cursor)
    assert again.cursor is None
    assert "The next look" in again.skip_reason.skip_message


def test_nothing_younger_is_touched(history, engine):
    run(history, f"{USERS[0]}|{WEEKS[0]}")
    age(engine, KEEP_DAYS - 1)
    with engine.connect() as connection:
        count = sa.text("SELECT count(*) FROM dagster.event_logs")
        before = connection.execute(count).scalar_one()
        tick(history, engine)
        assert connection.execute(count).scalar_one() == before
