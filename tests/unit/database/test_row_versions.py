"""Row versions are read from a platform's own table, whatever types its columns have."""

import datetime as dt

import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.queries.sessions import missed_updates, session_versions
from resources.database.queries.sessions.missed_updates import Arrivals
from resources.database.queries.sessions.session_versions import Seen
from resources.database.schema import migrate
from resources.model import Week
from tests.unit.database.platform_database import execute, platform

WEEK = Week.parse("2025-01-06")


@pytest.fixture
def engine(empty_database_url: str) -> sa.Engine:
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("instant", ["timestamptz", "timestamp"])
@pytest.mark.parametrize("id_", ["bigint GENERATED ALWAYS AS IDENTITY", "uuid DEFAULT gen_random_uuid()"])
def test_versions_and_arrivals_of_a_platforms_own_table(engine, instant, id_):
    platform(engine, id_=id_, instant=instant)
    migrate.upgrade(engine)
    with transaction(engine) as connection:
        before = session_versions.by_week(connection, WEEK.plus(-1), WEEK.plus(1))
        assert [week for week, version in before.items() if version] == [WEEK]
        of_users = session_versions.by_user(connection, WEEK)
        assert {user: version % 2**64 for user, version in of_users.items()} == {"user123": before[WEEK]}
        later = missed_updates.all_ended_before(connection)
        since = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
        assert missed_updates.find(connection, Arrivals(0, later), since, "v", "2PL", 9) == ["user123"]
    execute(engine, "UPDATE exam_results SET score = 1")
    with transaction(engine) as connection:
        assert session_versions.by_week(connection, WEEK, WEEK)[WEEK] != before[WEEK]


def test_what_was_stored_is_found_under_its_own_partition_scheme_alone(engine):
    migrate.upgrade(engine)
    of_week = {"b000of4": Seen(2**64 - 1, "m"), "b001of4": Seen(0, "")}
    with transaction(engine) as connection:
        session_versions.store(connection, WEEK, 4, of_week)
        assert session_versions.seen(connection, WEEK, WEEK.plus(1), 4) == {WEEK: of_week, WEEK.plus(1): {}}
        assert session_versions.seen(connection, WEEK, WEEK, 8) == {WEEK: {}}
        session_versions.store(connection, WEEK, 4, {})
        assert session_versions.seen(connection, WEEK, WEEK, 4) == {WEEK: {}}
