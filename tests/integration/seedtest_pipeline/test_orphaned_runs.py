from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa

from assets.failures import ATTENDED
from resources.database.engine import make_engine
from seedtest_pipeline.automation import orphaned_runs


@pytest.fixture
def engine(shared_database_url) -> sa.Engine:
    engine = make_engine(shared_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def instance() -> dg.DagsterInstance:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def started(instance: dg.DagsterInstance, **tags: str) -> str:
    run_id = str(uuid4())
    instance.add_run(dg.DagsterRun("weekly", run_id, status=dg.DagsterRunStatus.STARTED, tags=tags))
    return run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    return instance.get_run_by_id(run_id).status


def test_a_run_is_closed_only_once_its_process_has_let_go_of_it(instance, engine):
    run_id = started(instance, **{ATTENDED: "yes"})
    with orphaned_runs.held(engine, run_id) as got:
        assert got
        assert orphaned_runs.close(instance, engine) == 0
        assert status(instance, run_id) is dg.DagsterRunStatus.STARTED
    assert orphaned_runs.close(instance, engine) == 1
    assert status(instance, run_id) is dg.DagsterRunStatus.FAILURE
    assert orphaned_runs.close(instance, engine) == 0


def test_a_run_that_dagster_itself_launched_is_left_alone(instance, engine):
    run_id = started(instance)
    assert orphaned_runs.close(instance, engine) == 0
    assert status(instance, run_id) is dg.DagsterRunStatus.STARTED
