"""Dagster's history: in its own schema and in UTC, whatever the session of the server that a statement is run in."""

import pytest
import sqlalchemy as sa


@pytest.fixture
def dagsters(history) -> sa.Engine:
    return history.run_storage._engine


def test_a_statement_is_about_dagsters_schema_and_in_utc(dagsters):
    """Where a pooler dropped what the connection had asked for, nine tables were made among the platform's."""
    with dagsters.connect() as connection:
        connection.exec_driver_sql("SET search_path = public; SET timezone = 'Asia/Seoul'")
        found = connection.exec_driver_sql("SELECT current_schema(), current_setting('timezone')").one()
        assert found == ("dagster", "UTC")


def test_an_upgrade_of_dagsters_can_make_and_drop_its_indexes(dagsters):
    with dagsters.connect() as connection:
        connection.exec_driver_sql("CREATE INDEX CONCURRENTLY made ON runs (run_id)")
        where = sa.text("SELECT schemaname FROM pg_indexes WHERE indexname = 'made'")
        assert connection.execute(where).scalar_one() == "dagster"
        connection.exec_driver_sql("DROP INDEX CONCURRENTLY made")
        assert connection.execute(where).first() is None


def test_what_dagster_stores_stands_in_no_error(dagsters):
    with pytest.raises(sa.exc.ProgrammingError) as raised, dagsters.connect() as connection:
        connection.execute(sa.text("SELECT nothing FROM (SELECT :key) AS n"), {"key": "a-learner"})
    assert "a-learner" not in str(raised.value)
