"""The tables of one small cohort, from real PostgreSQL and a real warehouse."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from assets.cohort import answers
from assets.cohort import tables as cohort_tables
from assets.cohort.tables import Source
from assets.partitions import Partitions
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import populations
from resources.database.queries.sessions import attempts
from resources.database.schema.tables import exam_results
from resources.errors import InvalidInput
from resources.irt.growth.population import Population
from resources.model import ItemBank
from resources.reports.learner.cuts import Cuts
from resources.reports.learner.scale import Scale
from tests.integration.assets.cohort.small_cohort import BUCKET, KEYS, NEW, SECOND, estimate, keep
from tests.integration.assets.freezing import FIRST, KEY, answer, quiet, run
from tests.integration.reports.conftest import SOURCE

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # of backfill_policy


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
