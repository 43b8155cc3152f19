"""What Dagster makes of an asset that fails: which errors it tries again, and what a person reads."""

import dagster as dg
import pytest

from assets import failures
from resources.errors import DatabaseUnavailable, EstimatorUnavailable, NoItemBank, NotConverged


def run(*outcomes: Exception | None, tags: dict[str, str] | None = None) -> dg.ExecuteInProcessResult:
    """An asset whose attempts end so, one after the other."""
    attempts = iter(outcomes)

    @dg.asset
    @failures.in_words
    def made(context: dg.AssetExecutionContext) -> None:
        if error := next(attempts):
            raise error

    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize([made], instance=instance, raise_on_error=False, tags=tags)


def events(result: dg.ExecuteInProcessResult, kind: str) -> list[dg.DagsterEvent]:
    return [event for event in result.all_events if event.event_type_value == kind]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """The waits are looked at, not waited for."""
    monkeypatch.setattr(failures, "_FIRST_WAIT_S", 0.01)


@pytest.mark.parametrize("error", [DatabaseUnavailable("down"), EstimatorUnavailable("busy")])
def test_a_service_that_comes_back_is_waited_for(error):
    result = run(error, error, None)
    assert result.success
    assert len(events(result, "STEP_RESTARTED")) == 2


def test_waits_grow(monkeypatch):
    waits = [failures._wait_s(n) for n in range(failures.MAX_RETRIES)]
    assert waits == sorted(waits)
    assert waits[-1] > 4 * waits[0]


def test_a_service_that_stays_away_ends_the_run_with_the_sentence():
    down = DatabaseUnavailable("PostgreSQL at there:5432/x is not available. Check that it runs.")
    result = run(*[down] * (failures.MAX_RETRIES + 1))
    assert not result.success
    (failed,) = events(result, "STEP_FAILURE")
    assert failed.step_failure_data.user_failure_data.description == str(down)


@pytest.mark.parametrize(
    "error",
    [NoItemBank("No item bank is in force.", remedy="Run: seedtest calibrate"), NotConverged("It did not converge.")],
)
def test_what_time_does_not_mend_fails_at_once_with_its_sentence_and_no_traceback_of_ours(error):
    result = run(error)
    assert not result.success
    (failed,) = events(result, "STEP_FAILURE")
    assert failed.step_failure_data.user_failure_data.description == str(error)
    assert failed.step_failure_data.error.cause is None
    metadata = failed.step_failure_data.user_failure_data.metadata
    assert {name: value.value for name, value in metadata.items()} == error.fields
    assert not events(result, "STEP_RESTARTED")


def test_a_person_who_waits_for_the_run_is_told_at_once():
    result = run(DatabaseUnavailable("down"), tags={failures.ATTENDED: "yes"})
    assert not result.success
    assert not events(result, "STEP_RESTARTED")


def test_a_bug_of_ours_is_not_tried_again_and_keeps_its_traceback():
    result = run(KeyError("x"))
    (failed,) = events(result, "STEP_FAILURE")
    assert not events(result, "STEP_RESTARTED")
    assert failed.step_failure_data.error.cause.cls_name == "KeyError"


@pytest.mark.parametrize(
    ("error", "tags", "again"),
    [
        (DatabaseUnavailable("down"), {}, "true"),
        (NoItemBank("No item bank is in force."), {}, "false"),
        # A retry inherits its parent's tags, and may fail by something else.
        (NoItemBank("No item bank is in force."), {"dagster/retry_on_asset_or_op_failure": "true"}, "false"),
        (DatabaseUnavailable("down"), {failures.ATTENDED: "yes"}, "false"),
    ],
)
def test_dagster_is_told_whether_the_whole_run_is_worth_another_try(error, tags, again):
    @dg.asset
    @failures.in_words
    def made() -> None:
        raise error

    with dg.DagsterInstance.ephemeral() as instance:
        run_id = dg.materialize([made], instance=instance, raise_on_error=False, tags=tags).run_id
        assert instance.get_run_by_id(run_id).tags["dagster/retry_on_asset_or_op_failure"] == again
