"""Whole runs through Dagster: what is stored follows what the platform says now, and one learner stops nobody else."""

import datetime as dt

import dagster as dg
import pytest

from assets.checks import IN_TIME
from resources.database.engine import transaction
from resources.database.queries.reports import reported_weeks
from resources.errors import OperatorRequired
from resources.model import Week
from seedtest_pipeline import definitions
from seedtest_pipeline.demo.synthetic_exam import SyntheticExam
from seedtest_pipeline.runs import Runner
from seedtest_pipeline.wiring import Parts
from tests.integration import deployment
from tests.integration.deployment import FIRST, N_USERS, WEEKS, estimates, page, quiet, reports


@pytest.fixture(scope="session")
def exam() -> SyntheticExam:
    return deployment.exam()


@pytest.fixture
def parts(monkeypatch, tmp_path, database_url, exam) -> Parts:
    parts = deployment.deployed(monkeypatch, tmp_path, database_url, exam, "4")
    deployment.adopt_true_bank(parts, exam)
    yield parts
    parts.engine.dispose()


@pytest.fixture
def runner(parts) -> Runner:
    with dg.DagsterInstance.get() as instance:
        yield Runner(parts, quiet, instance)


def change(parts: Parts, statement: str, **values: object) -> None:
    with transaction(parts.engine) as connection:
        assert connection.exec_driver_sql(statement, values).rowcount


def spoil(parts: Parts, users: list[str], week: Week) -> None:
    change(
        parts,
        "UPDATE theta_estimates SET theta = 20 WHERE user_id = ANY(%(users)s) AND week_start = %(week)s",
        users=users, week=week.start,
    )  # fmt: skip


def test_one_wrong_estimate_of_an_old_week_keeps_one_learners_report_back(runner, parts):
    """One theta of 20 in the first week stopped the third for everybody: the check judged the whole table."""
    runner.weeks([WEEKS[0]])
    unlucky = estimates(parts)["user_id"].iloc[0]
    spoil(parts, [unlucky], WEEKS[0])
    outcome = runner.weeks([WEEKS[1]])
    made = reports(parts)
    of_week = set(made[made["week_start"] == WEEKS[1].start]["user_id"])
    assert unlucky not in of_week
    assert len(of_week) >= N_USERS / 2
    assert unlucky in outcome.metadata["weekly_reports"]["kept back: an estimate cannot be true"].value


def test_many_wrong_estimates_stop_the_reports_and_the_run_ends_red(runner, parts, monkeypatch):
    monkeypatch.setattr("assets.checking.estimates.PLAUSIBLE_LOGITS", 0.01)
    with pytest.raises(OperatorRequired, match="plausible_thetas"):
        runner.weeks([WEEKS[0]])
    assert reports(parts).empty


def correct_the_first_week(parts: Parts, user: str) -> None:
    """All of the user's answers of it are right after all."""
    change(
        parts,
        "UPDATE exam_results SET result_json = replace(result_json::text, 'false', 'true')::jsonb "
        "WHERE user_id = %(user)s AND created_at < %(until)s",
        user=user, until=FIRST.ends_at,
    )  # fmt: skip


def test_a_corrected_answer_reaches_the_later_reports_by_the_run_that_the_sensor_asks_for(runner, parts):
    """An answer of the first week was flipped, and the later weeks' trends kept the old point."""
    runner.weeks(WEEKS)
    user = estimates(parts).groupby("user_id").size().idxmax()
    before = [page(parts, user, week).read_bytes() for week in WEEKS]
    correct_the_first_week(parts, user)
    made = definitions.build(parts, quiet)
    sensor = made.resolve_sensor_def("due_weeks")
    resources = {"engine": parts.engine, "warehouse": parts.warehouse, "rules": parts.rules}
    with dg.build_sensor_context(instance=runner.instance, resources=resources) as context:
        requests = sensor.evaluate_tick(context).run_requests
    assert requests
    for request in requests:
        job = made.resolve_implicit_global_asset_job_def()
        selected = [dg.AssetKey(name) for name in ("responses", "theta_estimates", "weekly_reports")]
        assert job.execute_in_process(instance=runner.instance, tags=request.tags, asset_selection=selected).success
    with transaction(parts.engine) as connection:
        assert reported_weeks.outdated(connection) == {}
    after = [page(parts, user, week).read_bytes() for week in WEEKS]
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_an_old_week_run_alone_after_a_correction_renews_the_later_reports_too(runner, parts):
    """As an operator does in the UI, before the sensor has looked: then nothing is late any more."""
    runner.weeks(WEEKS)
    user = estimates(parts).groupby("user_id").size().idxmax()
    before = [page(parts, user, week).read_bytes() for week in WEEKS]
    correct_the_first_week(parts, user)
    outcome = runner.weeks([FIRST])
    after = [page(parts, user, week).read_bytes() for week in WEEKS]
    assert all(one != other for one, other in zip(before, after, strict=True))
    looked_at = outcome.metadata["weekly_reports"]["other weeks looked at, since what they rest on has changed"].value
    assert looked_at == f"{WEEKS[1]}, {WEEKS[2]}"
    written_again = runner.weeks([FIRST]).metadata["weekly_reports"]["written"].value
    assert written_again == 0


def test_who_leaves_the_platform_is_counted_and_then_removed(runner, parts):
    runner.weeks(WEEKS[:1])
    gone = estimates(parts)["user_id"].iloc[0]
    change(parts, "DELETE FROM exam_results WHERE user_id = %(user)s", user=gone)
    counted = runner.weeks(WEEKS[:1]).metadata["weekly_reports"]
    assert counted["learners who are gone from the platform"].value == 1
    change(parts, "UPDATE departed_learners SET noticed_at = noticed_at - interval '31 days'")
    removed = runner.weeks(WEEKS[:1]).metadata["weekly_reports"]
    assert removed["learners removed, since they are gone for good"].value == 1
    assert gone not in set(estimates(parts)["user_id"]) | set(reports(parts)["user_id"])
    assert not page(parts, gone, FIRST).exists()


def test_on_mondays_a_check_says_whether_last_week_was_made(runner, parts):
    runner.weeks(WEEKS)
    made = definitions.build(parts, quiet)
    job = made.resolve_job_def("made_in_time")
    result = job.execute_in_process(instance=runner.instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.asset_check_key == IN_TIME
    assert evaluation.passed, "nobody answered in the real last week"
    week = Week.last_complete(dt.datetime.now(dt.UTC) - dt.timedelta(hours=12))
    change(parts, "UPDATE exam_results SET created_at = %(at)s, updated_at = %(at)s", at=week.begins_at)
    (evaluation,) = job.execute_in_process(instance=runner.instance).get_asset_check_evaluations()
    assert not evaluation.passed
    assert f"seedtest run --week {week}" in evaluation.description
