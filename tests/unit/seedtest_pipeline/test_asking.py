"""What failed is asked for again, at most three times, and not at every tick."""

import datetime as dt
from uuid import uuid4

import dagster as dg
import pytest

from seedtest_pipeline.automation import asking

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def add_run(
    instance: dg.DagsterInstance, what: str, status: dg.DagsterRunStatus = dg.DagsterRunStatus.FAILURE, **more: object
) -> str:
    run = dg.DagsterRun("weekly", str(uuid4()), status=status, tags=asking.request_tags(what), **more)
    instance.add_run(run)
    return run.run_id


def after(**time: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(**time)


def test_what_was_never_asked_for_is_asked_for_now(instance):
    add_run(instance, "another thing")
    assert asking.turn(instance, "week", NOW) == 0


def test_it_waits_longer_and_longer_and_then_is_left_to_a_person(instance):
    add_run(instance, "week")
    assert "again after" in asking.turn(instance, "week", after(minutes=9))
    assert asking.turn(instance, "week", after(minutes=11)) == 1
    add_run(instance, "week")
    assert "again after" in asking.turn(instance, "week", after(minutes=59))
    assert asking.turn(instance, "week", after(minutes=61)) == 2
    last = add_run(instance, "week")
    left = asking.turn(instance, "week", after(days=300))
    assert left.startswith("week: asked for 3 times, and still due. Look at run ")
    assert last in left


def test_a_run_that_is_under_way_is_waited_for(instance):
    add_run(instance, "week", dg.DagsterRunStatus.STARTED)
    assert asking.turn(instance, "week", after(days=1)) == "week: a run for it is under way."


def test_runs_that_were_started_again_are_no_asking(instance):
    """Dagster's own retries, and a person's re-executions, have the tags of the run that they repeat."""
    first = add_run(instance, "week")
    for _ in range(3):
        add_run(instance, "week", parent_run_id=first, root_run_id=first)
    assert asking.turn(instance, "week", after(minutes=11)) == 1


def test_each_time_has_a_key_of_its_own_since_dagster_launches_one_once():
    assert len({asking.run_key("week", n) for n in range(3)}) == 3
