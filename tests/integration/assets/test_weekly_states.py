"""Weeks rest on weeks: whatever order they are made in, by however many runs, the numbers are the same."""

import datetime as dt
import itertools
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from assets.abilities.freezing import Freezer
from assets.abilities.scoring import ScoringRules
from assets.abilities.weekly_states import Made, WeeklyStates, weekly_states
from assets.selection import Selection, selected_users
from assets.user_keys import UserKeys
from resources.artifacts.folder import FolderStore
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities, populations
from resources.estimators.in_process import InProcessEstimator
from resources.ingest.load import ingest
from resources.ingest.response_file import from_table
from resources.irt.growth.population import MIN_ACTIVE
from resources.irt.response_functions import probability
from resources.model import ItemBank, Week
from resources.warehouse.warehouse import Warehouse

FIRST = Week.parse("2025-01-06")
WEEKS = [FIRST.plus(n) for n in range(4)]
KEYS = UserKeys(3)
N_LEARNERS = MIN_ACTIVE + 40
RANDOM = np.random.default_rng(3)
BANK = ItemBank(
    "b", "2PL", tuple(f"q{j:03d}" for j in range(120)),
    RANDOM.lognormal(0, 0.3, 120), RANDOM.normal(0, 1, 120), np.zeros(120),
)  # fmt: skip


def answered() -> pa.Table:
    """A learner's answers of each week, ten new items and two repeats; ability grows by .3 a week."""
    rng = np.random.default_rng(4)
    rows = []
    theta = rng.normal(0, 1, N_LEARNERS)
    for learner in range(N_LEARNERS):
        order = rng.permutation(120)
        for n, week in enumerate(WEEKS):
            if n == 1 and learner % 4 == 0:
                continue  # absent
            item = np.concatenate([order[10 * n : 10 * n + 10], order[:2]])
            p = probability(BANK.items.at(item), np.array([theta[learner] + 0.3 * n]))[:, 0]
            at = week.begins_at + dt.timedelta(days=int(rng.integers(0, 6)), hours=10)
            rows += [
                {"user_id": f"u{learner:03d}", "session_id": f"{learner}-{n}", "item_id": BANK.item_keys[j],
                 "correct": bool(right), "answered_at": at + dt.timedelta(minutes=k)}
                for k, (j, right) in enumerate(zip(item, rng.random(12) < p, strict=True))
            ]  # fmt: skip
    return pa.Table.from_pylist(rows)


ANSWERED = answered()


@pytest.fixture
def platform(engine: sa.Engine) -> sa.Engine:
    with transaction(engine) as connection:
        ingest(connection, from_table(ANSWERED, "answers"), "exam")
    return engine


def weekly(engine: sa.Engine, folder: Path, user_ids: Sequence[str] | None = None) -> tuple[WeeklyStates, Freezer]:
    warehouse = Warehouse(FolderStore(folder))
    users = selected_users(engine, KEYS, Selection({FIRST: KEYS.fixed}), user_ids)
    states = weekly_states(engine, warehouse, FIRST, KEYS, users, ScoringRules(), BANK, InProcessEstimator())
    return states, Freezer(engine, warehouse, KEYS, users)


def run(engine: sa.Engine, folder: Path, *weeks: Week, keys: Sequence[str] | None = None) -> list[Made]:
    """As the assets responses and theta_estimates do."""
    states, freezer = weekly(engine, folder)
    for week in FIRST.through(max(weeks)):
        missing = states.warehouse.missing(week, keys or KEYS.fixed)
        if week in weeks:
            missing = list(keys or KEYS.fixed)
        if missing:
            freezer.freeze(week, missing)
    return list(states.make(Selection({week: list(keys or KEYS.fixed) for week in sorted(weeks)})))


def forget(engine: sa.Engine, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "TRUNCATE theta_estimates, seedtest_mirt_ability, population, ability_weeks, answered_items"
        )


def numbers(engine: sa.Engine) -> pd.DataFrame:
    with transaction(engine) as connection:
        found = abilities.history(connection, [f"u{n:03d}" for n in range(N_LEARNERS)], WEEKS[-1])
    return found.drop(columns="fitted_at").reset_index(drop=True)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """The last bits of a sum come from the batch."""
    pd.testing.assert_frame_equal(one, other, check_exact=False, atol=1e-9, rtol=0)


def test_a_ui_backfill_in_any_order_publishes_the_numbers_of_an_ordered_run(platform, tmp_path):
    """Dagster runs a backfill's weeks in any order, a run per week: the third week knew nothing of the first two."""
    for week in WEEKS:
        run(platform, tmp_path / "ordered", week)
    ordered = numbers(platform)
    assert len(ordered) == N_LEARNERS * 4 - N_LEARNERS // 4
    for order in itertools.permutations(WEEKS):
        forget(platform, tmp_path / "any")
        for week in order:
            run(platform, tmp_path / "any", week)
        same(numbers(platform), ordered)


def test_two_runs_at_once_over_other_weeks_and_keys_write_the_same_numbers(platform, tmp_path):
    run(platform, tmp_path / "ordered", *WEEKS)
    ordered = numbers(platform)
    forget(platform, tmp_path / "both")
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(run, platform, tmp_path / "both", week, keys=[key])
                for week, key in itertools.product(reversed(WEEKS), KEYS.fixed)]  # fmt: skip
        for job in jobs:
            job.result()
    same(numbers(platform), ordered)


def test_the_groups_step_is_made_once_and_sees_its_growth(platform, tmp_path):
    run(platform, tmp_path, *WEEKS)
    with transaction(platform) as connection:
        found = {week: of.population for week, of in populations.until(connection, WEEKS[-1]).items()}
    assert list(found) == WEEKS
    assert not found[FIRST].enough
    assert all(abs(found[week].drift - 0.3) < 3 * found[week].drift_se for week in WEEKS[1:])
    assert found[WEEKS[2]].n_returning == N_LEARNERS // 4
    run(platform, tmp_path, WEEKS[2])
    with transaction(platform) as connection:
        assert {week: of.population for week, of in populations.until(connection, WEEKS[-1]).items()} == found


def test_a_late_answer_makes_that_learners_later_weeks_anew_and_moves_nobody_else(platform, tmp_path):
    run(platform, tmp_path, *WEEKS)
    before = numbers(platform).set_index(["user_id", "week_start"])
    late = {"user_id": "u001", "session_id": "late", "item_id": "q119", "correct": True,
            "answered_at": WEEKS[1].begins_at + dt.timedelta(hours=1)}  # fmt: skip
    with transaction(platform) as connection:
        ingest(connection, from_table(pa.Table.from_pylist([late]), "late"), "exam")
    run(platform, tmp_path, *WEEKS[1:], keys=[KEYS.key_of("u001")])  # as the sensor for late answers asks for
    after = numbers(platform).set_index(["user_id", "week_start"])
    moved = (after["theta"] - before["theta"]).abs()
    assert moved.drop("u001", level="user_id").max() < 1e-9
    assert (moved.loc["u001"].loc[WEEKS[1].start :] > 1e-4).all()
    assert moved.loc["u001"].loc[FIRST.start] < 1e-9


def test_weeks_before_are_not_made_again_where_nothing_changed(platform, tmp_path):
    run(platform, tmp_path, *WEEKS[:3])
    assert [made.week for made in run(platform, tmp_path, WEEKS[3])] == [WEEKS[3]]


def test_repeats_of_an_item_never_count_however_old_the_first_attempt(platform, tmp_path):
    """Old first attempts aged out of the window, and repeats became first: -2.10, then +2.10, with nothing answered."""
    run(platform, tmp_path, *WEEKS)
    found = numbers(platform)
    assert set(found["n_new_items"]) == {10}


def test_a_learner_without_new_answers_has_no_new_estimate(platform, tmp_path):
    run(platform, tmp_path, *WEEKS)
    found = numbers(platform)
    of_absent = found[found["user_id"] == "u004"]["week_start"].tolist()
    assert of_absent == [WEEKS[0].start, WEEKS[2].start, WEEKS[3].start]


def test_a_new_bank_leaves_the_states_before_it_as_they_are(platform, tmp_path):
    run(platform, tmp_path, *WEEKS[:2])
    before = numbers(platform)
    states, freezer = weekly(platform, tmp_path)
    states.bank = ItemBank("c", "2PL", BANK.item_keys, BANK.a * 1.1, BANK.b, BANK.c)
    freezer.freeze(WEEKS[2], KEYS.fixed)
    list(states.make(Selection({WEEKS[2]: KEYS.fixed})))
    after = numbers(platform)
    same(after[after["week_start"] < WEEKS[2].start].reset_index(drop=True), before)
    assert set(after[after["week_start"] == WEEKS[2].start]["version"]) == {"c"}


def test_where_much_came_late_the_groups_step_is_estimated_again_and_where_little_did_it_stands(platform, tmp_path):
    run(platform, tmp_path, *WEEKS)

    def n_answers() -> int:
        with transaction(platform) as connection:
            return populations.until(connection, WEEKS[-1])[WEEKS[2]].n_answers

    whole = n_answers()
    for percent, expected in ((10, whole), (50, whole * 3 // 2)):
        late = [
            {"user_id": f"late{percent}-{n}", "session_id": "s", "item_id": BANK.item_keys[n % 120],
             "correct": n % 2 == 0, "answered_at": WEEKS[2].begins_at + dt.timedelta(hours=1)}
            for n in range(whole * percent // 100 - (0 if percent == 10 else whole // 10))
        ]  # fmt: skip
        with transaction(platform) as connection:
            ingest(connection, from_table(pa.Table.from_pylist(late), "late"), "exam")
        run(platform, tmp_path, *WEEKS[2:])
        assert n_answers() == pytest.approx(expected, abs=2)


def test_a_run_for_one_learner_goes_on_where_another_joined_whose_weeks_were_never_frozen(platform, tmp_path):
    """With a partition each: how the group moved asks for the new learner's weeks, too."""
    one_each = UserKeys(0)
    learners = [f"u{n:03d}" for n in range(N_LEARNERS)]

    def run_alone(user_id: str, week: Week) -> None:
        users = selected_users(platform, one_each, Selection({week: [user_id]}), None)
        warehouse = Warehouse(FolderStore(tmp_path))
        states = weekly_states(
            platform, warehouse, FIRST, one_each, users, ScoringRules(), BANK, InProcessEstimator()
        )  # fmt: skip
        Freezer(platform, warehouse, one_each, users).freeze(week, [user_id])
        list(states.make(Selection({week: [user_id]})))

    run_alone(learners[0], WEEKS[1])
    new = {"user_id": "zoe", "session_id": "s", "item_id": "q001", "correct": True,
           "answered_at": WEEKS[2].begins_at + dt.timedelta(hours=1)}  # fmt: skip
    with transaction(platform) as connection:
        ingest(connection, from_table(pa.Table.from_pylist([new]), "new"), "exam")
    run_alone(learners[0], WEEKS[2])
    with transaction(platform) as connection:
        assert populations.until(connection, WEEKS[2])[WEEKS[2]].population.n_newcomers == 1
