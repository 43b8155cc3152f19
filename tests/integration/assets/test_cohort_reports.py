"""One small cohort in real PostgreSQL and a real warehouse: its tables, the asset, its sensor and the command."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from assets import class_reports, cohort_reports
from assets.abilities.counted_answers import CountedAnswers
from assets.abilities.scoring import ScoringRules
from assets.cohort import answers
from assets.cohort import tables as cohort_tables
from assets.cohort.tables import Source
from assets.partitions import Partitions
from assets.user_keys import UserKeys
from resources.artifacts.folder import FolderStore
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities, populations
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice
from resources.database.queries.learners import learner_groups
from resources.database.queries.sessions import attempts
from resources.database.schema.tables import exam_results
from resources.errors import InvalidInput
from resources.estimators.in_process import InProcessEstimator
from resources.irt.growth.population import Population
from resources.model import ItemBank, Week
from resources.reports.learner.cuts import Cuts
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse
from seedtest_pipeline.automation import asking, staff_reports
from tests.integration.assets.freezing import FIRST, KEY, answer, quiet, run
from tests.integration.reports.conftest import SOURCE
from tests.week_states import first_states

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # of backfill_policy

SECOND = FIRST.plus(1)
BUCKET = Partitions(FIRST, UserKeys(1))
KEYS = ("q1", "q2", "q3", "q4")
OLD = ItemBank("old", "2PL", KEYS, np.ones(4), np.array([-1.0, 0.0, 1.0, 2.0]), np.zeros(4))
NEW = ItemBank("new", "2PL", KEYS, np.ones(4), np.array([-1.0, 0.1, 1.0, 2.0]), np.zeros(4))


def keep(engine: sa.Engine, bank: ItemBank, linked_to: str | None = None) -> None:
    now = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    linked = {"to": linked_to, "A": 1.02, "B": -0.03} if linked_to else None
    with transaction(engine) as connection:
        item_banks.save(
            connection, bank, item_banks.Fit(True, 9, -1.0, 30, 90, now, {"left_out": {"q9": "few"}, "linked": linked})
        )
        item_banks.adopt(connection, bank.version, now)


def estimate(engine: sa.Engine, warehouse: Warehouse, week: Week, bank: ItemBank, users: list[str]) -> None:
    """As the asset theta_estimates does for these users, but from N(0, 1)."""
    _, counted = CountedAnswers(warehouse, FIRST, "first", "missing").of(week, [KEY])
    thetas = InProcessEstimator().estimate(counted.of_users(users), bank)
    with transaction(engine) as connection:
        abilities.store_week(connection, week, first_states(thetas), 30, dt.datetime.now(dt.UTC))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(FolderStore(tmp_path / "warehouse"))


@pytest.fixture
def source(engine: sa.Engine, warehouse: Warehouse) -> Source:
    """Two weeks. In the second: ann and bob under the new bank, col still under the old one, and three without any."""
    keep(engine, OLD)
    answer(engine, ("ann", "q1"), ("bob", "q1"), ("col", "q1"), ("dan", "q7"))
    answer(
        engine, ("ann", "q2"), ("ann", "q3"), ("bob", "q2"), ("col", "q2"), ("dan", "q8"), ("eve", "q2"), week=SECOND
    )
    run(engine, warehouse, BUCKET, [KEY], FIRST, SECOND)
    estimate(engine, warehouse, FIRST, OLD, ["ann", "bob", "col"])
    estimate(engine, warehouse, SECOND, OLD, ["col"])
    keep(engine, NEW, linked_to="old")
    estimate(engine, warehouse, SECOND, NEW, ["ann", "bob"])
    answer(engine, ("fay", "q1"), week=FIRST.plus(-9))  # before the first week
    return Source(engine, warehouse, FIRST, BUCKET.users, ScoringRules(), Scale())


def tables(source: Source, version: str) -> cohort_tables.Tables:
    return dict(source.cohorts(SECOND, quiet))[version]


def test_a_week_under_two_banks_has_a_cohort_for_each(source: Source) -> None:
    assert [version for version, _ in source.cohorts(SECOND, quiet)] == ["new", "old"]


def test_every_learner_stands_in_one_line_with_the_reason(source: Source) -> None:
    """dan answered an item that no bank has, eve's answers came after the run, fay's lie before the first week."""
    of_learners = tables(source, "new")["learners"].set_index("outcome")["n"]
    assert of_learners[of_learners > 0].to_dict() == {
        cohort_tables.THIS_BANK: 2, cohort_tables.OTHER_BANK: 1, answers.UNKNOWN: 1, answers.NOT_RUN: 1,
        answers.NO_ANSWER: 1,
    }  # fmt: skip


def test_growth_has_a_row_for_each_week_on_this_scale(source: Source, engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        moved = Population(drift=0.2, drift_se=0.05, n_active=150, enough=True)
        populations.store(connection, SECOND, moved, 10, "new", dt.datetime.now(dt.UTC))
    growth = tables(source, "new")["growth"]
    assert growth["week"].tolist() == [FIRST.key, SECOND.key]
    assert growth["n"].tolist() == [3, 2]  # col has no estimate under the new bank
    assert growth["drift"].tolist()[1] == 0.2
    assert np.isnan(growth["drift"].tolist()[0])


def test_learners_are_counted_by_performance_level_where_there_are_cut_scores(source: Source) -> None:
    assert tables(source, "new")["performance"].empty
    cut = replace(source, scale=Scale(cuts=Cuts(("low", "high"), (400,))))
    made = tables(cut, "new")
    assert made["performance"]["level"].tolist() == ["low", "high"]
    assert made["performance"]["n"].sum() == 2
    assert made["decisions"]["accuracy"].between(0.5, 1).all()


def test_a_bank_that_was_not_linked_has_no_growth_from_before_it(source: Source, engine: sa.Engine) -> None:
    keep(engine, ItemBank("apart", "2PL", KEYS, NEW.a, NEW.b + 0.5, NEW.c))
    estimate(engine, source.warehouse, SECOND, ItemBank("apart", "2PL", KEYS, NEW.a, NEW.b + 0.5, NEW.c), ["ann"])
    made = tables(source, "apart")
    assert made["growth"]["week"].tolist() == [SECOND.key]
    assert made["weeks"]["estimated"].tolist() == [0, 1]
    assert made["weeks"]["other_scale"].tolist() == [3, 2]
    assert made["drift"].empty


def test_weeks_tell_who_took_part(source: Source) -> None:
    weeks = tables(source, "new")["weeks"]
    assert weeks["week"].tolist() == [FIRST.key, SECOND.key]
    assert weeks["learners"].tolist() == [4, 5]
    assert weeks["answers"].tolist() == [4, 6]
    assert weeks["sessions"].tolist() == [4, 6]
    assert weeks["estimated"].tolist() == [3, 2]
    assert weeks["not_frozen"].tolist() == [0, 0]


def test_what_became_of_blanks_is_told_under_the_rule_in_force(source: Source, engine: sa.Engine) -> None:
    given = {"q1": True, "q2": None, "q9": False, "q3": None, "q4": None}
    questions = [{"question_id": key, "is_correct": right} for key, right in given.items()]
    at = SECOND.begins_at
    session = {"user_id": "gus", "session_id": "s", "result_json": {"questions": questions}}
    with transaction(engine) as connection:
        connection.execute(exam_results.insert(), session | {"created_at": at, "updated_at": at})
    run(engine, source.warehouse, BUCKET, [KEY], SECOND)
    told = {}
    for rule in ("missing", "wrong"):
        made = tables(replace(source, rules=ScoringRules(omitted=rule)), "new")
        of_answers = made["answers"].set_index("outcome")["n"]
        told[rule] = [of_answers[name] for name in (answers.USED, answers.OMITTED, answers.NOT_REACHED, answers.BLANK)]
        assert made["about"].set_index("name")["value"]["omitted"] == rule
    assert told == {"missing": [6, 1, 2, 0], "wrong": [7, 0, 2, 0]}


def test_what_the_tables_rest_on_is_told(source: Source) -> None:
    about = tables(source, "new")["about"].set_index("name")["value"].to_dict()
    assert about["as_of"] == "2025-01-20T00:00:00+00:00"
    assert (about["bank"], about["items"], about["linked_to"], about["linking_b"]) == ("new", 4, "old", -0.03)
    assert (about["window_days"], about["attempts"], about["calibration_left_out"]) == (30, "first", 1)


def test_the_sample_that_the_document_is_previewed_with_has_the_same_columns(source: Source) -> None:
    made = tables(source, "new")
    sample = {path.stem: pd.read_csv(path) for path in (SOURCE / "cohort").glob("*.csv")}
    assert {name: list(table.columns) for name, table in made.items()} == {
        name: list(table.columns) for name, table in sample.items()
    }
    assert made["about"]["name"].tolist() == sample["about"]["name"].tolist()


def test_learners_in_small_batches_make_the_same_tables(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    one_each = Source(source.engine, source.warehouse, FIRST, UserKeys(0), source.rules, Scale())
    with transaction(source.engine) as connection:
        users = attempts.users(connection)
    run(source.engine, source.warehouse, Partitions(FIRST, one_each.user_keys), users, FIRST, SECOND)
    monkeypatch.setattr(cohort_tables, "LEARNERS", 2)
    together, apart = tables(source, "new"), tables(one_each, "new")
    for name, table in together.items():
        pd.testing.assert_frame_equal(apart[name], table)


def test_learners_whose_week_was_not_run_are_told_from_those_who_did_not_answer(
    source: Source, engine: sa.Engine
) -> None:
    """With a partition each: gus joined after the run, and nothing of his was ever frozen."""
    one_each = Source(engine, source.warehouse, FIRST, UserKeys(0), source.rules, Scale())
    with transaction(engine) as connection:
        run(engine, source.warehouse, Partitions(FIRST, one_each.user_keys), attempts.users(connection), FIRST, SECOND)
    answer(engine, ("gus", "q1"), week=SECOND)
    made = tables(one_each, "new")
    of_learners = made["learners"].set_index("outcome")["n"]
    assert (of_learners[answers.NOT_FROZEN], of_learners[answers.NO_ANSWER]) == (1, 1)
    assert made["weeks"]["not_frozen"].tolist() == [1, 1]


def test_a_week_without_estimates_is_refused_with_the_line_that_makes_them(source: Source) -> None:
    with pytest.raises(InvalidInput, match="seedtest run --week 2025-01-27"):
        list(source.cohorts(FIRST.plus(3), quiet))


def materialize(source: Source, store: FolderStore) -> dg.ExecuteInProcessResult:
    upstream = dg.SourceAsset("theta_estimates", partitions_def=BUCKET.definition)
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [upstream, cohort_reports.build(BUCKET, SOURCE, "en")],
            instance=instance,
            partition_key=SECOND.key,
            resources={
                "engine": source.engine, "warehouse": source.warehouse, "artifacts": store, "rules": source.rules,
                "scale": source.scale,
                "progress": quiet,
            },
            raise_on_error=False,
        )  # fmt: skip


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A `quarto` that writes the smallest whole page, at whatever is in front of it on the PATH."""
    figures = "<img src='data:image/svg+xml;,'>".replace("'", '\\"') * 4
    script = 'if [ "$1" = --version ]; then echo 1.10.0; else week=$(sed -n "s/^week,//p" cohort/about.csv)\n'
    page = f'<p class=subject>$week $(sed -n "s/^bank,//p" cohort/about.csv) {figures}</html>'
    script += f'echo "{page}" > cohort_report.html; fi'
    for name, text in {"quarto": script, "Rscript": "exit 0"}.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path / "bin"


def test_the_asset_stores_a_page_per_bank_and_shows_where(source: Source, tools: Path, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "artifacts")
    result = materialize(source, store)
    assert result.success
    (made,) = result.asset_materializations_for_node("cohort_reports")
    assert made.partition == SECOND.key
    keys = [f"cohorts/{SECOND}/{version}/cohort_report.html" for version in ("new", "old")]
    assert list(store.keys("cohorts")) == keys
    assert [b" new " in store.read(keys[0]), b" old " in store.read(keys[1])] == [True, True]
    assert made.metadata[f"{cohort_reports.REPORT}new"].value == (store.root / keys[0]).as_uri()


def test_without_quarto_nothing_is_made_and_the_run_succeeds_and_says_why(
    source: Source, tools: Path, tmp_path: Path
) -> None:
    (tools / "quarto").unlink()
    store = FolderStore(tmp_path / "artifacts")
    result = materialize(source, store)
    assert result.success
    assert result.asset_materializations_for_node("cohort_reports") == []
    (note,) = result.asset_observations_for_node("cohort_reports")
    assert "Quarto is not installed: get 1.10 or later" in note.metadata["skipped"].value
    assert not store.root.exists()


def test_a_chunk_that_fails_is_the_runs_own_sentence(source: Source, tools: Path, tmp_path: Path) -> None:
    (tools / "quarto").write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo 1.10 && exit\necho "Quitting from x.qmd:1-2 [growth]" >&2; exit 1\n'
    )
    result = materialize(source, FolderStore(tmp_path / "artifacts"))
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert failed.step_failure_data.user_failure_data.description.startswith(
        "Chunk `growth` of cohort_report.qmd failed"
    )


def test_the_sensor_asks_until_the_report_is_made_and_again_once_its_estimates_were_renewed(
    source: Source, engine: sa.Engine, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It noted that it had asked: a report that failed was never asked for again."""
    asset = cohort_reports.build(BUCKET, SOURCE, "en")
    sensor = staff_reports.cohort_sensor(asset)

    monkeypatch.setattr(staff_reports.Week, "last_complete", lambda now: SECOND)  # whatever the day is
    monkeypatch.setattr(asking, "WAITS", (dt.timedelta(0),) * 3)
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> dg.SensorResult:
            with dg.build_sensor_context(instance=instance, resources={"engine": engine}) as context:
                return sensor(context)

        def made() -> None:
            instance.report_runless_asset_event(dg.AssetMaterialization(asset.key, partition=SECOND.key))

        (asked,) = tick().run_requests
        assert asked.partition_key == SECOND.key
        assert tick().run_requests[0].run_key == asked.run_key, "Dagster launches a run key once"
        instance.add_run(dg.DagsterRun("cohort", "1", status=dg.DagsterRunStatus.FAILURE, tags=dict(asked.tags)))
        assert tick().run_requests[0].run_key != asked.run_key
        made()
        assert "was made" in str(tick().skip_reason)
        estimate(engine, source.warehouse, SECOND, NEW, ["eve"])
        assert tick().run_requests[0].run_key != asked.run_key

        run_id = instance.create_run_for_job(
            dg.GraphDefinition("busy").to_job(), status=dg.DagsterRunStatus.STARTED
        ).run_id
        assert "under way" in str(tick().skip_reason)
        instance.delete_run(run_id)
        (tools / "quarto").unlink()
        assert "Quarto is not installed" in str(tick().skip_reason)


def test_the_sensor_of_class_reports_asks_once_there_are_groups(
    source: Source, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = class_reports.build(BUCKET, BankChoice("new", "2PL"), dict)
    monkeypatch.setattr(staff_reports.Week, "last_complete", lambda now: SECOND)
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> dg.SensorResult:
            with dg.build_sensor_context(instance=instance, resources={"engine": engine}) as context:
                return staff_reports.classes_sensor(asset)(context)

        assert tick().skip_reason.skip_message == class_reports.NO_GROUPS
        with transaction(engine) as connection:
            row = {"group": "3-2", "user_id": "ann", "role": "learner", "name": None}
            learner_groups.store(connection, [row], only=False)
        (asked,) = tick().run_requests
        assert asked.partition_key == SECOND.key
