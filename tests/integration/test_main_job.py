"""The main job on a small synthetic exam, in this process, against real PostgreSQL and Dagster's own storage."""

import datetime as dt
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from assets.partitions import RANGE_END, RANGE_START
from resources.database.engine import transaction
from resources.database.queries.estimates import populations
from resources.errors import InvalidInput, OperatorRequired
from resources.estimators.in_process import InProcessEstimator
from resources.model import ItemBank, Prior, Week
from seedtest_pipeline.automation import schedule, user_keys
from seedtest_pipeline.demo.synthetic_exam import SyntheticExam, recovery
from seedtest_pipeline.partitioning import partitions
from seedtest_pipeline.runs import WEEKLY, Runner
from seedtest_pipeline.wiring import Parts
from tests import long_form
from tests.integration import deployment, report_numbers
from tests.integration.deployment import FIRST, N_USERS, WEEKS, estimates, page, quiet, reports


@pytest.fixture(scope="session")
def exam() -> SyntheticExam:
    return deployment.exam()


@pytest.fixture(params=["users", "4"])
def parts(request, monkeypatch, tmp_path, database_url, exam) -> Parts:
    """A migrated database with the exam in it, an empty home, under both partition schemes."""
    parts = deployment.deployed(monkeypatch, tmp_path, database_url, exam, request.param)
    yield parts
    parts.engine.dispose()


@pytest.fixture
def true_bank(parts, exam) -> ItemBank:
    """The exam's own item parameters, in force."""
    return deployment.adopt_true_bank(parts, exam)


@pytest.fixture
def runner(parts) -> Runner:
    with dg.DagsterInstance.get() as instance:
        yield Runner(parts, quiet, instance)


def test_responses_become_estimates_and_reports_and_a_rerun_changes_nothing(runner, parts, exam, true_bank):
    runner.weeks(WEEKS)
    report_numbers.assert_as_sql_finds_them(parts)
    found = estimates(parts)
    assert_the_first_weeks_theta_is_that_of_its_own_answers_under_the_rules(parts, exam, true_bank)
    assert recovery(exam.abilities, found).correlation > 0.8
    made = reports(parts)
    answered = {
        (user, Week.containing(at).start)
        for user, at in zip(exam.responses["user_id"], exam.responses["answered_at"].dt.to_pydatetime(), strict=True)
    }
    assert answered <= set(zip(made["user_id"], made["week_start"], strict=True))
    paths = [page(parts, user, Week(start)) for user, start in zip(made["user_id"], made["week_start"], strict=True)]
    assert all(path.read_bytes().rstrip().endswith(b"</html>") for path in paths)

    written_at = [path.stat().st_mtime_ns for path in paths]
    outcome = runner.weeks(WEEKS)
    again = estimates(parts)
    pd.testing.assert_frame_equal(again.drop(columns="fitted_at"), found.drop(columns="fitted_at"))
    assert outcome.metadata["weekly_reports"]["written"].value == 0
    assert outcome.metadata["weekly_reports"]["unchanged"].value == len(made)
    assert [path.stat().st_mtime_ns for path in paths] == written_at


def assert_the_first_weeks_theta_is_that_of_its_own_answers_under_the_rules(
    parts: Parts, exam: SyntheticExam, bank: ItemBank
) -> None:
    user = exam.responses["user_id"].iloc[0]
    own = exam.responses[
        (exam.responses["user_id"] == user) & (exam.responses["answered_at"] < pd.Timestamp(FIRST.ends_at))
    ].sort_values("answered_at")
    firsts = own[own["correct"].notna()].drop_duplicates("item_id").rename(columns={"item_id": "item_key"})
    with transaction(parts.engine) as connection:
        newcomers = populations.until(connection, FIRST)[FIRST].population.newcomers
    prior = Prior(newcomers.mean, newcomers.sd)
    expected = InProcessEstimator().estimate(long_form.responses(firsts), bank, prior)
    stored = estimates(parts).set_index(["user_id", "week_start"]).loc[(user, FIRST.start)]
    assert stored["n_items"] == expected.n_items[0]
    np.testing.assert_allclose([stored["theta"], stored["se"]], [expected.theta[0], expected.se[0]], atol=1e-10)


def test_one_user_by_hand_gives_the_number_of_the_weekly_run_and_the_reports_of_nobody_else(
    runner, parts, exam, true_bank
):
    """The weeks before are made for everybody on the way: how the group moved is nobody's own."""
    users = sorted(set(exam.responses["user_id"]))
    runner.weeks([WEEKS[-1]], user_id=users[0])
    alone = estimates(parts)
    last = alone[alone["week_start"] == WEEKS[-1].start]
    assert last["user_id"].tolist() == [users[0]]
    assert reports(parts)["user_id"].tolist() == [users[0]]
    runner.weeks([WEEKS[-1]])
    together = estimates(parts)
    assert len(together) > len(alone) + N_USERS / 2
    one = together[together["user_id"] == users[0]]
    pd.testing.assert_frame_equal(
        one.drop(columns="fitted_at").reset_index(drop=True),
        alone[alone["user_id"] == users[0]].drop(columns="fitted_at").reset_index(drop=True),
        check_exact=False,
        atol=1e-9,
    )
    assert runner.weeks([WEEKS[-1]], user_id=users[0]).metadata["weekly_reports"]["unchanged"].value == 1


def test_a_learner_whose_report_fails_is_named_the_others_are_made_and_a_rerun_makes_the_rest(
    runner, parts, exam, true_bank
):
    unlucky = exam.responses["user_id"].iloc[0]
    place = page(parts, unlucky, WEEKS[0]).parent
    place.parent.mkdir(parents=True)
    place.write_text("a file where the learner's folder should be")
    with pytest.raises(OperatorRequired, match=f"weekly_reports: 1 reports failed(.|\n)*{unlucky}"):
        runner.weeks([WEEKS[0]])
    made = reports(parts)
    assert len(made) > N_USERS / 2
    assert unlucky not in set(made["user_id"])
    assert all(page(parts, user, WEEKS[0]).is_file() for user in made["user_id"])

    place.unlink()
    outcome = runner.weeks([WEEKS[0]])
    assert outcome.metadata["weekly_reports"]["written"].value == 1
    assert set(reports(parts)["user_id"]) == {*made["user_id"], unlucky}


def test_a_learner_who_joins_later_has_the_empty_weeks_before_frozen_too(runner, parts, exam, true_bank):
    late = exam.responses["user_id"].iloc[0]
    outcome = runner.weeks([WEEKS[-1]], user_id=late)
    assert FIRST.key in str(outcome.metadata["responses"]["earlier weeks frozen, since abilities rest on them"].value)
    found = estimates(parts)
    of_week = found[found["week_start"] == WEEKS[-1].start]
    assert of_week["user_id"].tolist() == [late]


def test_an_unknown_user_and_a_week_to_come_are_refused_before_anything_runs(runner, parts):
    with pytest.raises(InvalidInput, match="No user 'nobody'"):
        runner.weeks([FIRST], user_id="nobody")
    with pytest.raises(InvalidInput, match="is before the first week"):
        runner.weeks([FIRST.plus(-1)])
    this_week = Week.containing(dt.datetime.now(dt.UTC))
    with pytest.raises(InvalidInput, match="is not over yet"):
        runner.weeks([this_week])
    assert runner.instance.get_runs_count() == 0


def test_without_an_item_bank_the_run_says_what_to_do(runner):
    with pytest.raises(OperatorRequired, match=r"theta_estimates: .*seedtest calibrate"):
        runner.weeks([FIRST])


def scheduled(runner: Runner, parts: Parts) -> list[dg.RunRequest] | str:
    """What the schedule asks for on the Monday after the first week, or why nothing."""
    weekly = schedule.weekly_schedule(partitions(parts.settings), WEEKLY, schedule.Monday(parts.settings.zone))
    resources = {"engine": parts.engine, "warehouse": parts.warehouse}
    monday = dt.datetime(2025, 1, 13, 6, tzinfo=dt.UTC)
    with dg.build_schedule_context(
        instance=runner.instance, scheduled_execution_time=monday, resources=resources
    ) as context:
        tick = weekly.evaluate_tick(context)
    return tick.run_requests or tick.skip_message


def ends(request: dg.RunRequest) -> tuple[str, str]:
    return request.tags[RANGE_START], request.tags[RANGE_END]


def test_the_schedule_asks_for_last_week_in_ranges_that_cover_every_user_once(runner, parts):
    runner.add_missing_keys()
    keys = partitions(parts.settings).user_keys(runner.instance)
    assert [ends(request) for request in scheduled(runner, parts)] == [(f"{keys[0]}|{FIRST}", f"{keys[-1]}|{FIRST}")]


def test_a_week_that_is_made_is_not_made_a_second_time_by_the_schedule(runner, parts, exam, true_bank, monkeypatch):
    monkeypatch.setattr(schedule, "LEARNERS_PER_RUN", N_USERS // 3)
    runner.weeks([WEEKS[0]])
    assert scheduled(runner, parts) == f"{FIRST} is made already."
    first = (
        parts.settings.home
        / "warehouse"
        / "responses"
        / FIRST.key
        / f"{partitions(parts.settings).user_keys(runner.instance)[0]}.parquet"
    )
    first.unlink()
    (request,) = scheduled(runner, parts)
    assert ends(request)[0] == f"{first.stem}|{FIRST}"


@pytest.mark.parametrize("parts", ["8"], indirect=True)
def test_a_week_in_several_runs_side_by_side_leaves_the_tables_and_pages_of_one_run(
    runner, parts, exam, true_bank, monkeypatch
):
    def stored() -> list[pd.DataFrame]:
        with parts.engine.connect() as connection:
            tables = [
                pd.read_sql(sa.text(f"SELECT * FROM {table} ORDER BY {key}"), connection)  # noqa: S608 - constants
                for table, key in (
                    ("theta_estimates", "user_id, week_start"), ("mirt_ability", "user_id"),
                    ("population", "week_start"), ("ability_weeks", "week_start, user_key"),
                    ("answered_items", "user_id, week_start"), ("report_artifacts", "user_id, week_start, format"),
                )
            ]  # fmt: skip
        return [table.drop(columns=["fitted_at", "generated_at", "id"], errors="ignore") for table in tables]

    monkeypatch.setattr(schedule, "LEARNERS_PER_RUN", N_USERS // 3)
    chunks = [ends(request) for request in scheduled(runner, parts)]
    assert len(chunks) >= 3
    week = WEEKS[1]  # with a week before it, which whoever comes first has to make
    ranges = [[end.replace(FIRST.key, week.key) for end in chunk] for chunk in chunks]
    assert deployment.side_by_side(ranges) == [0] * len(chunks)
    by_several, pages = stored(), pages_of(parts)
    with transaction(parts.engine) as connection:
        connection.exec_driver_sql(
            "TRUNCATE theta_estimates, seedtest_mirt_ability, population, ability_weeks, answered_items, "
            "seedtest_report_artifacts"
        )
    for file in [*parts.settings.home.rglob("*.parquet"), *pages]:
        file.unlink()
    runner.weeks([week])
    assert len(pages) > N_USERS / 2
    assert pages_of(parts) == pages
    for one, several in zip(stored(), by_several, strict=True):
        assert len(one)
        pd.testing.assert_frame_equal(one, several, check_exact=True)


def pages_of(parts: Parts) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in (parts.settings.home / "artifacts").rglob("*.html")}


def test_a_run_for_one_user_of_a_bucket_does_not_make_the_bucket_green(runner, parts, exam, true_bank):
    """Three abilities for 34 learners, 4 of 4 partitions made, and nothing asked for the rest."""
    user = exam.responses["user_id"].iloc[0]
    key = partitions(parts.settings).users.key_of(user)
    partition = f"{key}|{WEEKS[0]}"

    def green() -> list[bool]:
        return [
            partition in runner.instance.get_materialized_partitions(dg.AssetKey(asset)) for asset in WEEKLY
        ]  # fmt: skip

    outcome = runner.weeks([WEEKS[0]], user_id=user)
    assert outcome.metadata["weekly_reports"]["dagster/row_count"].value == 1
    if not parts.settings.user_partitions:
        assert green() == [True] * 3
        return
    assert green() == [False] * 3
    for asset in WEEKLY:
        observed = runner.instance.fetch_observations(
            dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition]), limit=1
        ).records[0]
        said = observed.event_log_entry.asset_observation.metadata["learners of this partition"].value
        of = len(partitions(parts.settings).users.by_key(set(exam.responses["user_id"]))[key])
        assert said == f"1 of {of}"
    runner.weeks([WEEKS[0]])
    assert green() == [True] * 3
    runner.weeks([WEEKS[0]], user_id=user)
    assert green() == [True] * 3, "what is whole stays so"


@pytest.mark.parametrize("parts", ["users"], indirect=True)
def test_the_sensor_adds_a_key_for_each_new_user_once(runner, parts):
    sensor = user_keys.user_keys_sensor(partitions(parts.settings))
    with dg.build_sensor_context(instance=runner.instance, resources={"engine": parts.engine}) as context:
        result = sensor(context)
        added = result.dynamic_partitions_requests[0].partition_keys
        assert len(added) == N_USERS
        runner.instance.add_dynamic_partitions("user", added)
        assert sensor(context).dynamic_partitions_requests == []
