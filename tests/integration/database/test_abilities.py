"""Estimates are stored once per user and week, never replace later ones, and leave no old number behind."""

import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.queries.estimates import abilities, current_abilities
from resources.database.queries.estimates.abilities import StoredWeek, WeekStates
from resources.database.queries.estimates.current_abilities import Ability
from resources.model import Floats, Thetas, Week
from tests.waiting import PATIENCE_S

WEEK = Week(dt.date(2025, 1, 6))
NOW = dt.datetime(2025, 3, 1, 12, 0, 0, 5, dt.UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def thetas(user_ids: Sequence[str], theta: Floats | float, unscored: Sequence[str] = (), version: str = "v1") -> Thetas:
    n = len(user_ids)
    return Thetas(
        tuple(user_ids), np.broadcast_to(np.asarray(theta, np.float64), n), np.full(n, 0.25), np.arange(n) + 1,
        np.full(n, 2), np.full(n, 3), tuple(unscored), "2PL", version,
    )  # fmt: skip


def states(estimates: Thetas) -> WeekStates:
    """From nobody's state before; the same prior and fingerprint for all."""
    n = len(estimates.user_ids)
    return WeekStates(estimates, np.full(n, 0.1), np.full(n, 0.9), np.full(n, 5), ["f"] * n)


def store(engine: sa.Engine, week: Week, estimates: Thetas) -> StoredWeek:
    with transaction(engine) as connection:
        return abilities.store_week(connection, week, states(estimates), 30, NOW)


def current(engine: sa.Engine) -> dict[tuple[str, str], float]:
    with transaction(engine) as connection:
        rows = connection.exec_driver_sql("SELECT user_id, version, theta FROM mirt_ability ORDER BY user_id, version")
        return {(row.user_id, row.version): row.theta for row in rows}


def test_a_week_comes_back_exactly(engine: sa.Engine) -> None:
    values = np.array([1 / 3, -1e-300, 6.02e23])
    assert store(engine, WEEK, thetas(["u2", "u'1", "ü,3"], values, ["u4"])) == StoredWeek(3, 0, 3)
    with transaction(engine) as connection:
        frame = abilities.of_week(connection, WEEK)
    assert frame["user_id"].tolist() == ["u'1", "u2", "ü,3"]
    assert frame["theta"].tolist() == [-1e-300, 1 / 3, 6.02e23]
    row = frame.iloc[0].to_dict()
    assert row | {"theta": 0} == {
        "user_id": "u'1", "week_start": WEEK.start, "theta": 0, "se": 0.25, "n_items": 7, "n_unknown_item": 2,
        "n_unusable": 3, "model": "2PL", "version": "v1", "window_days": 30, "as_of": WEEK.ends_at, "fitted_at": NOW,
        "n_new_items": 2, "prior_mean": 0.1, "prior_sd": 0.9, "fingerprint": "f",
    }  # fmt: skip


def test_the_same_run_again_changes_nothing(engine: sa.Engine) -> None:
    store(engine, WEEK, thetas(["u1", "u2"], 0.5))
    with transaction(engine) as connection:
        before = abilities.of_week(connection, WEEK)
    assert store(engine, WEEK, thetas(["u1", "u2"], 0.5)) == StoredWeek(2, 0, 2)
    with transaction(engine) as connection:
        assert abilities.of_week(connection, WEEK).equals(before)


def test_a_rerun_replaces_numbers_and_leaves_no_old_one_for_a_user_without_an_estimate(engine: sa.Engine) -> None:
    store(engine, WEEK, thetas(["u1", "u2", "u3"], 0.5))
    store(engine, WEEK.plus(1), thetas(["u2"], 0.7))
    assert store(engine, WEEK, thetas(["u1"], 0.9, unscored=["u2", "u9"], version="v2")) == StoredWeek(1, 1, 1)
    with transaction(engine) as connection:
        frame = abilities.history(connection, ["u1", "u2", "u3"], WEEK.plus(1))
    rows = list(zip(frame["user_id"], frame["week_start"], frame["theta"], frame["version"], strict=True))
    assert rows == [
        ("u1", WEEK.start, 0.9, "v2"), ("u2", WEEK.plus(1).start, 0.7, "v1"), ("u3", WEEK.start, 0.5, "v1"),
    ]  # fmt: skip


def test_two_weeks_in_one_transaction(engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        for week in (WEEK, WEEK.plus(1)):
            assert abilities.store_week(connection, week, states(thetas(["u1"], 0.1)), 30, NOW).written == 1
        assert len(abilities.history(connection, ["u1"], WEEK.plus(5))) == 2
        assert len(abilities.history(connection, ["u1"], WEEK)) == 1


def test_an_earlier_estimate_never_replaces_a_later_current_one(engine: sa.Engine) -> None:
    assert store(engine, WEEK.plus(1), thetas(["u1"], 1.0)) == StoredWeek(1, 0, 1)
    assert store(engine, WEEK, thetas(["u1", "u2"], 0.0)) == StoredWeek(2, 0, 1)
    assert current(engine) == {("u1", "v1"): 1.0, ("u2", "v1"): 0.0}
    assert store(engine, WEEK.plus(1), thetas(["u1"], 1.5)).current == 1  # as late: the newer run counts
    assert store(engine, WEEK, thetas(["u1"], 0.0, version="v2")).current == 1  # another bank, another scale
    assert current(engine) == {("u1", "v1"): 1.5, ("u1", "v2"): 0.0, ("u2", "v1"): 0.0}


def ability(user_id: str, theta: float, as_of: dt.datetime) -> Ability:
    return Ability(user_id, theta, 0.25, 3, "2PL", "v1", as_of, NOW)


def test_the_end_of_a_session_stores_the_current_ability_only_and_tells_whether_it_did(engine: sa.Engine) -> None:
    at = WEEK.begins_at
    with transaction(engine) as connection:
        assert current_abilities.store(connection.connection.driver_connection, [ability("u2", 0.2, at)])
        assert current_abilities.store(connection.connection.driver_connection, [ability("u1", 0.1, at)])
        assert not current_abilities.store(
            connection.connection.driver_connection, [ability("u1", 9.0, at - dt.timedelta(seconds=1))]
        )
        assert abilities.of_week(connection, WEEK).empty
        assert current_abilities.current(connection, "u1", "v1", "2PL") == ability("u1", 0.1, at)
        assert current_abilities.current(connection, "u1", "v2", "2PL") is None
    assert current(engine) == {("u1", "v1"): 0.1, ("u2", "v1"): 0.2}


def test_a_current_ability_without_a_time_gives_way(engine: sa.Engine) -> None:
    """Rows that a platform had before this pipeline have no as-of time."""
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO mirt_ability (user_id, model, version, theta, se, fitted_at) "
            "VALUES ('u1', '2PL', 'v1', -3, 1, now())"
        )
    store(engine, WEEK, thetas(["u1"], 0.5))
    assert current(engine) == {("u1", "v1"): 0.5}


def test_only_the_users_asked_for(engine: sa.Engine) -> None:
    store(engine, WEEK, thetas(["u1", "u2", "u3"], 0.5))
    with transaction(engine) as connection:
        assert abilities.of_week(connection, WEEK, ["u3", "u1"])["user_id"].tolist() == ["u1", "u3"]
        assert abilities.of_week(connection, WEEK, []).empty
        assert abilities.history(connection, [], WEEK).empty


def test_writers_in_opposite_orders_do_not_deadlock(engine: sa.Engine) -> None:
    """One run scores the users that the other finds unscored, each in an order of its own, many times over."""
    users = [f"u{i:04d}" for i in range(2000)]
    store(engine, WEEK, thetas(users, 0.0))
    together = Barrier(2)

    def write(mine: list[str], others: list[str]) -> None:
        for _ in range(5):
            together.wait(30)
            store(engine, WEEK, thetas(mine, 1.0, unscored=others))

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(write, users[::2], users[1::2]), pool.submit(write, users[:0:-2], users[-2::-2])]
        for run in runs:
            run.result(timeout=PATIENCE_S)
    with transaction(engine) as connection:
        assert len(abilities.of_week(connection, WEEK)) == 1000


def test_no_plan_outlives_the_empty_table_that_it_was_made_for(engine: sa.Engine) -> None:
    """Prepared while nobody had a state, the next week's look at 100,000 learners' states took minutes."""
    with transaction(engine) as connection:
        for _ in range(12):
            abilities.states_before(connection, ["u1"], WEEK)
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one() == 0
