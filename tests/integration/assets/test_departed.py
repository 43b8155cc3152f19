"""Learners who are gone from the platform: missed, kept for a time of grace, then gone from here, files and rows."""

import datetime as dt

import pyarrow as pa
import pytest
import sqlalchemy as sa

from assets.publishing import consistency_check
from assets.publishing.departed import Departed, remove_departed
from assets.selection import Selection, selected_users
from assets.user_keys import UserKeys
from docs.sample_learner import BANK, WEEK
from resources.artifacts.folder import FolderStore
from resources.database.engine import transaction
from resources.database.queries.estimates import current_abilities, made_weeks
from resources.database.queries.learners import departed_learners
from resources.database.queries.reports import report_artifacts
from resources.errors import OperatorRequired
from tests.integration.assets.freezing import answer
from tests.integration.assets.publishing import estimated, publish, quiet, recorded, rows

KEYS = UserKeys(1)
NOW = dt.datetime(2025, 6, 2, 6, tzinfo=dt.UTC)
GRACE = dt.timedelta(days=30)
LEARNERS = ["ada", "bob", "cy"]


@pytest.fixture
def published(engine: sa.Engine, new_publisher) -> sa.Engine:
    """Three learners with answers on the platform, an estimate, an ability and a report each."""
    answer(engine, *((user, "q1") for user in LEARNERS), week=WEEK)
    estimated(engine, *LEARNERS)
    publish(new_publisher(), LEARNERS, rows(*LEARNERS))
    with transaction(engine) as connection:
        items = pa.array([["q1"]] * len(LEARNERS), pa.list_(pa.string()))
        made_weeks.store_answered(connection, WEEK, LEARNERS, items)
    return engine


def leave(engine: sa.Engine, *users: str) -> None:
    with transaction(engine) as connection:
        for user in users:
            connection.exec_driver_sql("DELETE FROM exam_results WHERE user_id = %(user)s", {"user": user})


def clean(engine: sa.Engine, store: FolderStore, *, days: int, keys: UserKeys = KEYS, chosen: set[str] | None = None):
    users = selected_users(engine, keys, Selection({}), None)
    now = NOW + dt.timedelta(days=days)
    return remove_departed(engine, store, users, keys, chosen or set(keys.fixed), GRACE, now)


def counts(engine: sa.Engine, user: str) -> list[int]:
    """Rows of the user in each table that has users of ours."""
    tables = ("theta_estimates", "mirt_ability", "answered_items", "report_artifacts", "departed_learners")
    with transaction(engine) as connection:
        return [
            connection.execute(
                sa.text(f"SELECT count(*) FROM {table} WHERE user_id = :user"),  # noqa: S608 - names of ours
                {"user": user},
            ).scalar_one()
            for table in tables
        ]


def test_who_is_gone_keeps_everything_for_the_grace_and_then_nothing(published, store):
    leave(published, "bob")
    assert clean(published, store, days=0) == Departed(missing=1)
    assert clean(published, store, days=29) == Departed(missing=1)
    assert counts(published, "bob") == [1, 1, 1, 1, 1]
    assert clean(published, store, days=30) == Departed(missing=0, learners=1, estimates=1, reports=1)
    assert counts(published, "bob") == [0, 0, 0, 0, 0]
    assert set(recorded(published)) == {"ada", "cy"}
    assert [of.agree for of in consistency_check.compare(published, store, quiet_steps, hashes=True)] == [True]
    assert clean(published, store, days=31) == Departed()


def quiet_steps(task: str, done: int, total: int) -> None:
    quiet(done)


def test_who_comes_back_begins_a_new_grace(published, store):
    leave(published, "bob")
    clean(published, store, days=0)
    answer(published, ("bob", "q2"), week=WEEK)
    assert clean(published, store, days=40) == Departed()
    leave(published, "bob")
    assert clean(published, store, days=50) == Departed(missing=1)
    assert clean(published, store, days=79) == Departed(missing=1)
    assert counts(published, "bob")[:4] == [1, 1, 1, 1]


def test_an_empty_platform_removes_nobody_and_is_named(published, store):
    """A read that returned nothing must not delete everything: a table that is being restored looks just so."""
    leave(published, "bob")
    clean(published, store, days=0)
    leave(published, "ada", "cy")
    with pytest.raises(OperatorRequired, match=r"exam_results: The platform has no learner at all, and 3 have results"):
        clean(published, store, days=365)
    assert all(counts(published, user)[:4] == [1, 1, 1, 1] for user in LEARNERS)
    answer(published, ("ada", "q1"), ("cy", "q1"), week=WEEK)
    assert clean(published, store, days=366).learners == 1


def test_where_nothing_was_made_an_empty_platform_is_no_fault(engine, store):
    assert clean(engine, store, days=0) == Departed()


def test_only_learners_of_the_runs_own_keys_are_looked_at(published, store):
    keys = UserKeys(64)
    leave(published, "bob", "cy")
    assert clean(published, store, days=0, keys=keys, chosen={keys.key_of("bob")}) == Departed(missing=1)
    assert clean(published, store, days=30, keys=keys, chosen={keys.key_of("bob")}).learners == 1
    assert counts(published, "cy") == [1, 1, 1, 1, 0]


def test_what_a_predecessor_left_is_none_of_ours(published, store):
    with transaction(published) as connection:
        connection.exec_driver_sql(
            "INSERT INTO mirt_ability (user_id, model, version, theta, se, fitted_at) "
            "VALUES ('old', '2PL', 'x', 0, 1, now()), ('bob', '2PL', 'x', 0, 1, now())"
        )
        connection.exec_driver_sql(
            "INSERT INTO report_artifacts (user_id, week_start, format, url, generated_at) "
            "VALUES ('bob', '2020-01-06', 'html', 'file:///old', now())"
        )
    leave(published, "bob")
    assert clean(published, store, days=0) == Departed(missing=1)
    clean(published, store, days=30)
    with transaction(published) as connection:
        assert [row.url for row in report_artifacts.of_user(connection, "bob")] == ["file:///old"]
        assert current_abilities.current(connection, "bob", "x", "2PL")
        assert current_abilities.current(connection, "bob", BANK.version, "2PL") is None
        assert departed_learners.with_results(connection) == ["ada", "cy"]


def test_a_killed_removal_is_finished_by_the_next(published, store, monkeypatch):
    leave(published, "bob")
    clean(published, store, days=0)

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as kill:
        kill.setattr(departed_learners, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            clean(published, store, days=30)
    assert counts(published, "bob") == [1, 1, 1, 1, 1]
    assert clean(published, store, days=30).learners == 1
    assert counts(published, "bob") == [0, 0, 0, 0, 0]
