"""What `doctor` says of Dagster's daemon and of runs, from Dagster's own tables and without Dagster."""

import datetime as dt
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa

from assets.failures import ATTENDED
from resources.errors import OperatorRequired
from seedtest_pipeline import doctor
from seedtest_pipeline.wiring import Parts


@pytest.fixture
def parts(settings, engine) -> Parts:
    parts = Parts(settings)
    yield parts
    parts.engine.dispose()


def ended(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, **tags: str) -> str:
    run_id = str(uuid4())
    run = dg.DagsterRun("weekly", run_id, status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.add_run(run)
    if status is dg.DagsterRunStatus.FAILURE:
        instance.report_run_failed(run)
    else:
        instance.report_dagster_event(dg.DagsterEvent("PIPELINE_SUCCESS", "weekly"), run_id)
    return run_id


def test_where_dagster_never_ran_nothing_is_broken(parts):
    found = doctor._finding("daemon", doctor._daemon, parts)
    assert (found.ok, found.there) == (True, False)
    assert "has not run on this database" in found.detail
    assert "none failed" in doctor._runs(parts)


@pytest.mark.parametrize(
    ("minutes", "part", "says"), [(0, "SENSOR", None), (40, "SENSOR", "hang: SENSOR"), (40, None, "No schedule")]
)
def test_a_daemon_that_stopped_or_hangs_is_told(history, parts, engine, minutes, part, says):
    now = dt.datetime.now(dt.UTC)
    with engine.begin() as connection:
        for name in ("SENSOR", "SCHEDULER"):
            at = now - dt.timedelta(minutes=minutes if part in (None, name) else 0)
            connection.execute(
                sa.text("INSERT INTO dagster.daemon_heartbeats (daemon_type, timestamp) VALUES (:name, :at)"),
                {"name": name, "at": at.replace(tzinfo=None)},
            )
    if says is None:
        assert "alive" in doctor._daemon(parts)
        return
    with pytest.raises(OperatorRequired, match=says):
        doctor._daemon(parts)


def test_a_failed_run_is_told_until_it_is_made_good(history, parts):
    tags = {"dagster/partition": "b000of4|2025-01-06"}
    run_id = ended(history, dg.DagsterRunStatus.FAILURE, **tags)
    with pytest.raises(OperatorRequired, match=f"1 failed .*/runs/{run_id} says why"):
        doctor._runs(parts)
    ended(history, dg.DagsterRunStatus.SUCCESS, **{"dagster/partition": "b001of4|2025-01-06"})
    with pytest.raises(OperatorRequired, match="1 failed"):
        doctor._runs(parts)
    ended(history, dg.DagsterRunStatus.SUCCESS, **tags)
    assert "none failed" in doctor._runs(parts)


def test_a_retry_makes_good_and_who_waited_was_told(history, parts):
    run_id = ended(history, dg.DagsterRunStatus.FAILURE)
    ended(history, dg.DagsterRunStatus.SUCCESS, **{"dagster/root_run_id": run_id})
    ended(history, dg.DagsterRunStatus.FAILURE, **{ATTENDED: "yes"})
    assert "none failed" in doctor._runs(parts)
