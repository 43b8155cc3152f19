"""The same number on demand as in the weekly run, at a week's end: whatever the rules, and whatever came late."""

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from assets import responses, theta_estimates
from assets.abilities.on_demand import Updater
from assets.abilities.scoring import ScoringRules
from assets.partitions import Partitions, range_tags
from assets.user_keys import UserKeys
from resources.artifacts.folder import FolderStore
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.database.queries.items.item_banks import ADOPTED
from resources.estimators.in_process import InProcessEstimator
from resources.model import Week
from resources.warehouse.warehouse import Warehouse
from seedtest_pipeline.wiring import QUARTO_SOURCE
from tests.integration.api.platform import adopt, end_session

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # of backfill_policy


def platform_of_many_weeks(engine: sa.Engine, week: Week, users: list[str]) -> None:
    """With repeats, skips, unknown items, ties in time and answers at the week's end, over the weeks before it, too."""
    draw = np.random.default_rng(5)
    for user in users:
        for session in range(9):
            marks = "".join(draw.choice(list("01_"), 8, p=[0.4, 0.5, 0.1]))
            at = week.ends_at - dt.timedelta(hours=int(draw.integers(0, 40 * 24)))
            end_session(engine, user, f"{user}-{session}", marks, first=int(draw.integers(0, 12)), at=at)
        end_session(engine, user, f"{user}-tie", "0", at=at)
        end_session(engine, user, f"{user}-last", "11", first=19, at=week.ends_at - dt.timedelta(microseconds=1))
        end_session(engine, user, f"{user}-border", "1", first=1, at=week.ends_at)


def weekly_run(engine: sa.Engine, folder: Path, rules: ScoringRules, week: Week) -> pd.DataFrame:
    """The assets over one week; what it rests on is made on the way. Its estimates, by user."""
    partitions = Partitions(rules.first_week, UserKeys(1))
    run = dg.materialize(
        [responses.build(partitions), theta_estimates.build(partitions, ADOPTED, QUARTO_SOURCE / "charts")],
        resources={
            "engine": engine, "warehouse": Warehouse(FolderStore(folder)), "rules": rules,
            "estimator": InProcessEstimator(), "progress": lambda *_: None,
        },
        tags=range_tags([week], ["b000of1"]),
    )  # fmt: skip
    assert run.success
    with transaction(engine) as connection:
        return abilities.of_week(connection, week).set_index("user_id")


@pytest.mark.parametrize("drift", ["estimated", 0.05, "off"])
@pytest.mark.parametrize(
    ("attempts", "omitted", "anew"),
    [
        *((attempts, omitted, 0) for attempts in ("first", "last", "all") for omitted in ("missing", "wrong")),
        ("first", "missing", 1),
        ("first", "wrong", 2),
    ],
)
def test_at_a_weeks_end_it_is_the_number_of_the_weekly_asset(engine, tmp_path, attempts, drift, omitted, anew):
    adopt(engine)
    week = Week.parse("2025-02-03")
    first_week = week.plus(-7)
    rules = ScoringRules(attempts=attempts, omitted=omitted, drift=drift, anew_weeks=anew, first_week=first_week)
    users = [f"u{n}" for n in range(12)]
    platform_of_many_weeks(engine, week, users)
    weekly = weekly_run(engine, tmp_path, rules, week)
    assert sorted(weekly.index) == sorted(users)
    updater = Updater(engine, InProcessEstimator())
    for user in users:
        for lookback_days in (1, 8, 30):  # nothing came late: how far back answers are read again decides nothing
            found = updater.update(user, replace(rules, lookback_days=lookback_days), as_of=week.ends_at).ability
            row = weekly.loc[user]
            np.testing.assert_allclose([found.theta, found.se], [row.theta, row.se], atol=1e-12)
            assert (found.n_items, found.as_of) == (row.n_items, row.as_of)


@pytest.mark.parametrize("zone", ["Asia/Seoul", "Europe/Berlin"])
def test_in_the_platforms_time_zone_it_is_the_number_of_the_weekly_asset(engine, tmp_path, observed, zone):
    """In Berlin the week of 2025-03-24 has an hour less."""
    observed(zone)
    adopt(engine)
    week = Week.parse("2025-03-31")
    rules = ScoringRules(first_week=week.plus(-7))
    platform_of_many_weeks(engine, week, ["u1", "u2", "u3"])
    weekly = weekly_run(engine, tmp_path, rules, week)
    updater = Updater(engine, InProcessEstimator())
    for lookback_days in (1, 8, 30):
        asked = replace(rules, lookback_days=lookback_days)
        found = [made.ability for made in updater.update_all(["u1", "u2", "u3"], asked, as_of=week.ends_at)]
        np.testing.assert_allclose([one.theta for one in found], weekly.loc[["u1", "u2", "u3"]].theta, atol=1e-12)
        np.testing.assert_allclose([one.se for one in found], weekly.loc[["u1", "u2", "u3"]].se, atol=1e-12)


def test_nothing_counts_before_the_first_week_also_where_that_is_still_to_come(engine):
    adopt(engine)
    end_session(engine, "u1", "s1", "11")
    rules = ScoringRules(first_week=Week.containing(dt.datetime.now(dt.UTC)).plus(2))
    assert Updater(engine, InProcessEstimator()).update("u1", rules).reason == "no_attempts"


def test_an_answer_that_came_late_moves_the_steps_since_and_the_weekly_run_says_the_same(engine, tmp_path):
    adopt(engine)
    week = Week.parse("2025-02-03")
    rules = ScoringRules(first_week=week.plus(-7))
    platform_of_many_weeks(engine, week, ["u1", "u2"])
    before = weekly_run(engine, tmp_path, rules, week)
    end_session(engine, "u1", "late", "1111", first=0, at=week.begins_at - dt.timedelta(days=12))
    late = Updater(engine, InProcessEstimator()).update("u1", rules, as_of=week.ends_at).ability
    assert abs(late.theta - before.loc["u1"].theta) > 1e-3
    shutil.rmtree(tmp_path / "responses")  # frozen anew, as the sensor for late answers asks for
    after = weekly_run(engine, tmp_path, rules, week)
    np.testing.assert_allclose([late.theta, late.se], [after.loc["u1"].theta, after.loc["u1"].se], atol=1e-12)
    np.testing.assert_allclose(after.loc["u2"].theta, before.loc["u2"].theta, atol=1e-12)


def test_another_rule_for_omitted_questions_makes_all_weeks_anew_here_and_in_the_weekly_run(engine, tmp_path):
    """Neither goes on from states that the other rule led to; nor does either from what was seen under it."""
    adopt(engine)
    week = Week.parse("2025-02-03")
    missing = ScoringRules(first_week=week.plus(-7))
    wrong = replace(missing, omitted="wrong")
    platform_of_many_weeks(engine, week, ["u1"])
    end_session(engine, "u2", "s1", "0_1_1__", at=week.begins_at - dt.timedelta(days=4))
    end_session(engine, "u2", "s2", "1111111", at=week.ends_at - dt.timedelta(days=1))
    under = {rules.omitted: weekly_run(engine, tmp_path, rules, week)["theta"] for rules in (missing, wrong)}
    with transaction(engine) as connection:
        connection.exec_driver_sql("TRUNCATE theta_estimates, seedtest_mirt_ability, ability_weeks, answered_items")
    alone = weekly_run(engine, tmp_path, wrong, week)["theta"]  # as if it had never been otherwise
    assert (under["missing"] - under["wrong"]).min() > 0.05
    np.testing.assert_allclose(under["wrong"], alone, atol=1e-12)
    updater = Updater(engine, InProcessEstimator())
    for user in ("u1", "u2"):
        for lookback_days in (1, 30):
            found = updater.update(user, replace(wrong, lookback_days=lookback_days), as_of=week.ends_at).ability
            np.testing.assert_allclose(found.theta, alone[user], atol=1e-12)
