"""Who is ignored is as absent as a learner whose sessions the platform has deleted, whichever statement reads them."""

import datetime as dt

import pyarrow as pa
import pytest
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries.estimates import on_demand
from resources.database.queries.learners import learner_goals, learner_groups
from resources.database.queries.sessions import attempts, ignored_learners, missed_updates, session_versions
from resources.database.queries.sessions.missed_updates import Arrivals
from resources.ingest import load
from resources.ingest.response_file import from_table
from resources.model import Goal
from tests.integration.assets.freezing import FIRST, answer

AT = dt.datetime(2025, 6, 2, tzinfo=dt.UTC)


@pytest.fixture
def answered(engine: sa.Engine) -> sa.Engine:
    answer(engine, ("ada", "q1"), ("bob", "q1"), ("bob", "q2"))
    with transaction(engine) as connection:
        odd = (
            """{"questions": [{"question_id": null, "is_correct": true}, {"question_id": "q1", "is_correct": true}]}"""
        )
        connection.exec_driver_sql(
            "INSERT INTO exam_results (user_id, session_id, status, result_json, created_at, updated_at) "
            "VALUES ('bob', 'computed anew', 'completed', %(odd)s, %(at)s, %(at)s + interval '3 days')",
            {"odd": odd, "at": FIRST.begins_at + dt.timedelta(hours=1)},
        )
    return engine


def read(connection: sa.Connection) -> dict[str, object]:
    """What every reader finds."""
    begin, end = FIRST.begins_at, FIRST.ends_at
    driver = connection.connection.driver_connection
    asked = on_demand.read(driver, ["ada", "bob"], 30, as_of=end)
    return {
        "users": attempts.users(connection),
        "users of the week": sorted(attempts.users_between(connection, begin, end)),
        "answers": rows_of(attempts.between(connection, begin, end)),
        "answers by name": rows_of(attempts.between(connection, begin, end, ["bob"])),
        "all answers": [rows_of(part) for part in attempts.ever(connection)],
        "malformed": attempts.malformed(connection, begin, end),
        "computed anew": attempts.of_recomputed_sessions(connection, begin, end),
        "too many": on_demand.read(driver, ["bob"], 30, as_of=end, most_bytes=10) is None,
        "checksums": attempts.checksums(connection, begin, end),
        "checksum by name": attempts.checksums(connection, begin, end, ["bob"]),
        "versions of weeks": session_versions.by_week(connection, FIRST, FIRST),
        "versions of users": session_versions.by_user(connection, FIRST),
        "on demand": asked and str(asked.answers.items_answered(["ada", "bob"])),
        "missed": missed_updates.find(connection, Arrivals(0, 2**40), begin, "1", "2PL", 10),
    }


def rows_of(table: pa.Table) -> list[tuple[str, str]]:
    return sorted((row["user_id"], row["item_key"]) for row in table.to_pylist())


def test_to_every_reader_the_ignored_are_as_the_deleted(answered):
    with transaction(answered) as connection:
        before = read(connection)
        ignored_learners.ignore(connection, "bob", AT)
        ignored = read(connection)
        ignored_learners.stop_ignoring(connection, "bob")
        assert read(connection) == before
        connection.exec_driver_sql("DELETE FROM exam_results WHERE user_id = 'bob'")
        assert ignored == read(connection)
    assert [name for name, found in before.items() if found == ignored[name]] == []


def test_a_file_does_not_bring_an_ignored_learner_back(answered):
    at = FIRST.begins_at
    rows = [
        {"user_id": user, "session_id": "later", "item_id": "q9", "correct": True, "answered_at": at}
        for user in ("ada", "bob")
    ]
    with transaction(answered) as connection:
        ignored_learners.ignore(connection, "bob", AT)
        loaded = load.ingest(connection, from_table(pa.Table.from_pylist(rows), "again"), "exam")
        assert (loaded.new, loaded.ignored, loaded.ignored_responses, loaded.unchanged) == (1, 1, 1, 0)
        stored = "SELECT user_id FROM exam_results WHERE session_id = 'later'"
        assert connection.exec_driver_sql(stored).scalars().all() == ["ada"]


def test_a_list_of_groups_or_goals_keeps_nothing_of_an_ignored_learner(answered):
    """The next class list stored the id and the name again, for good."""
    rows = [{"group": "1-1", "user_id": user, "role": "learner", "name": user} for user in ("ada", "bob")]
    goal = Goal(600, dt.date(2025, 6, 30))
    with transaction(answered) as connection:
        ignored_learners.ignore(connection, "bob", AT)
        assert learner_groups.store(connection, rows, only=False).ignored == 1
        assert learner_goals.store(connection, {"ada": goal, "bob": goal}, only=False).ignored == 1
        assert [member.user_id for member in learner_groups.learners(connection)["1-1"]] == ["ada"]
        assert learner_goals.of(connection, ["ada", "bob"]) == {"ada": goal}


def test_since_when_is_kept_when_it_is_told_again(engine):
    with transaction(engine) as connection:
        ignored_learners.ignore(connection, "bob", AT)
        ignored_learners.ignore(connection, "bob", AT + dt.timedelta(days=1))
        assert ignored_learners.since(connection) == {"bob": AT}
        assert ignored_learners.stop_ignoring(connection, "bob")
        assert not ignored_learners.stop_ignoring(connection, "bob")
