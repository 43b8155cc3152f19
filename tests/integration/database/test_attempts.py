"""Reading answers by time and user; what the reader leaves to the database and what it checks itself."""

import datetime as dt
import json
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from resources.answers.schema import SCHEMA
from resources.database.engine import make_engine, transaction
from resources.database.queries.sessions import attempts, ignored_learners
from resources.ingest.load import ingest
from resources.ingest.response_file import from_table
from tests import answer_tables

MONDAY = dt.datetime(2025, 1, 6, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
MOMENT = dt.timedelta(microseconds=1)


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = make_engine(database_url)
    with transaction(engine) as connection:
        yield connection
    engine.dispose()


def load(connection: sa.Connection, *answers: tuple[str, str, bool | None, dt.datetime]) -> None:
    """Answers as (user, item, correct, instant), all of a user in one session."""
    rows = [
        {"user_id": user, "session_id": f"{user}-s", "item_id": item, "correct": correct, "answered_at": at}
        for user, item, correct, at in answers
    ]
    ingest(connection, from_table(pa.Table.from_pylist(rows), "answers"), "exam")


def between(
    connection: sa.Connection, start: dt.datetime, end: dt.datetime, user_ids: list[str] | None = None
) -> pd.DataFrame:
    return answer_tables.frame(attempts.between(connection, start, end, user_ids))


def items(frame: pd.DataFrame) -> list[str]:
    return frame["item_key"].tolist()


def test_the_start_is_inside_and_the_end_is_not(connection: sa.Connection) -> None:
    times = {"before": MONDAY - MOMENT, "start": MONDAY, "last": MONDAY + 7 * DAY - MOMENT, "end": MONDAY + 7 * DAY}
    load(connection, *(("u1", item, True, at) for item, at in times.items()))
    assert items(between(connection, MONDAY, MONDAY + 7 * DAY)) == ["start", "last"]


def test_a_session_that_spans_the_whole_time_is_found(connection: sa.Connection) -> None:
    load(
        connection,
        ("u1", "i1", True, MONDAY - DAY),
        ("u1", "i2", True, MONDAY + DAY),
        ("u1", "i3", True, MONDAY + 9 * DAY),
    )
    assert items(between(connection, MONDAY, MONDAY + 7 * DAY)) == ["i2"]


def test_only_the_users_asked_for(connection: sa.Connection) -> None:
    load(connection, *((user, "i1", True, MONDAY) for user in ("u1", "u2", "u'3", "u,4")))
    week = (MONDAY, MONDAY + 7 * DAY)
    assert set(between(connection, *week)["user_id"]) == {"u1", "u2", "u'3", "u,4"}
    assert between(connection, *week, ["u'3", "u2", "nobody"])["user_id"].tolist() == ["u'3", "u2"]
    assert between(connection, *week, []).empty


def test_missing_is_neither_wrong_nor_zero(connection: sa.Connection) -> None:
    load(connection, ("u1", "i1", None, MONDAY), ("u1", "i2", False, MONDAY + DAY))
    frame = between(connection, MONDAY, MONDAY + 7 * DAY)
    assert frame["correct"].tolist() == [pd.NA, False]
    assert frame["response_time_ms"].tolist() == [pd.NA, pd.NA]
    assert frame["topic_id"].isna().all()


def test_nothing_has_the_columns_and_types_of_something(connection: sa.Connection) -> None:
    nothing = attempts.between(connection, MONDAY, MONDAY + DAY)
    load(connection, ("u1", "i1", True, MONDAY))
    something = attempts.between(connection, MONDAY, MONDAY + DAY)
    assert nothing.schema == something.schema == SCHEMA
    assert (nothing.num_rows, something.num_rows) == (0, 1)


_UNINDEXED = "ALTER TABLE exam_results DROP CONSTRAINT exam_results_user_id_session_id_key"


@pytest.mark.parametrize(
    ("changes", "walks"),
    [
        ([], True),
        ([_UNINDEXED], False),
        ([_UNINDEXED, "CREATE INDEX ON exam_results (exam_id, user_id)"], False),
        ([_UNINDEXED, "CREATE INDEX ON exam_results USING hash (user_id)"], False),
        ([_UNINDEXED, "CREATE INDEX ON exam_results (user_id) WHERE status = 'completed'"], False),
        ([_UNINDEXED, "CREATE INDEX ON exam_results (user_id text_pattern_ops)"], False),
        ([_UNINDEXED, """CREATE INDEX ON exam_results (user_id COLLATE "ucs_basic")"""], False),
        ([_UNINDEXED, "CREATE INDEX ON exam_results (user_id DESC NULLS LAST)"], False),
        ([_UNINDEXED, "CREATE INDEX ON exam_results (user_id DESC, exam_id)"], True),
    ],
)
def test_users_are_everyone_with_a_session_in_order_whatever_indexes_the_platform_has(connection, changes, walks):
    load(
        connection, ("u2", "i1", True, MONDAY), ("U10", "i1", True, MONDAY), ("u1", "i1", True, MONDAY),
        ("gone", "i1", True, MONDAY),
    )  # fmt: skip
    ignored_learners.ignore(connection, "gone", MONDAY)
    connection.exec_driver_sql("ALTER TABLE exam_results ALTER user_id DROP NOT NULL")
    connection.exec_driver_sql("""
        INSERT INTO exam_results (user_id, session_id, result_json, created_at)
        SELECT user_id, 'session ' || place, '{}', now()
        FROM unnest(ARRAY['', ' ', NULL, 'u1', 'u3']) WITH ORDINALITY AS made (user_id, place)
    """)
    for change in changes:
        connection.exec_driver_sql(change)
    said: list[str] = []
    sa.event.listen(connection, "before_cursor_execute", lambda *call: said.append(call[2]))
    assert attempts.users(connection) == ["U10", "u1", "u2", "u3"]
    query = said[-1]
    assert ("RECURSIVE" in query) is walks
    if walks:  # else each step would sort all sessions
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_sort = off")
        plan = connection.exec_driver_sql(f"EXPLAIN {query}").scalars().all()
        assert not any("Sort" in step for step in plan)


def test_users_are_found_whose_ids_are_numbers(connection):
    load(connection, *((user, "i1", True, MONDAY) for user in ("9", "10", "-1")))
    for view in ("attempt", "attempt_malformed"):
        connection.exec_driver_sql(f"DROP VIEW {view} CASCADE")
    connection.exec_driver_sql("ALTER TABLE exam_results ALTER user_id TYPE bigint USING user_id::bigint")
    assert attempts.users(connection) == ["-1", "10", "9"]


def test_a_session_without_an_end_counts_by_its_beginning(connection: sa.Connection) -> None:
    connection.exec_driver_sql(
        "INSERT INTO exam_results (user_id, session_id, result_json, created_at) VALUES "
        "('u1', 's1', '{\"questions\": [{\"question_id\": 7, \"correct\": true}]}', %(at)s)",
        {"at": MONDAY},
    )
    assert items(between(connection, MONDAY, MONDAY + DAY)) == ["7"]
    assert between(connection, MONDAY + DAY, MONDAY + 2 * DAY).empty


def test_what_the_view_leaves_out_is_counted_by_reason(connection: sa.Connection) -> None:
    load(connection, ("u1", "i1", True, MONDAY))
    connection.exec_driver_sql(
        "INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) VALUES "
        '(\'u2\', \'s1\', \'{"questions": [{"question_id": ""}, {"question_id": "i", "is_correct": 3}, 5, 6]}\', '
        "%(at)s, %(at)s), ('u2', 's2', '{\"questions\": [7]}', %(later)s, %(later)s)",
        {"at": MONDAY, "later": MONDAY + 7 * DAY},
    )
    assert attempts.malformed(connection, MONDAY, MONDAY + 7 * DAY) == {
        "is_correct is neither true, false nor null": 1,
        "question_id is empty": 1,
        "the question is not an object": 2,
    }
    assert attempts.malformed(connection, MONDAY - DAY, MONDAY) == {}


def session(
    connection: sa.Connection, marks: str, began: dt.datetime, *, session_id: str = "s1", minutes: int = 10
) -> None:
    """Of u1: questions q1, q2, … right, wrong or blank (1, 0, _), `minutes` apart; a blank bears no time, and has the
    end's."""
    questions: list[dict[str, object]] = []
    for n, mark in enumerate(marks):
        at = began + n * minutes * dt.timedelta(minutes=1)
        given = {"is_correct": None} if mark == "_" else {"is_correct": mark == "1", "answered_at": at.isoformat()}
        questions.append({"question_id": f"q{n + 1}", **given})
    end = began + len(marks) * minutes * dt.timedelta(minutes=1)
    connection.exec_driver_sql(
        "INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) "
        "VALUES ('u1', %(session)s, %(result)s, %(began)s, %(end)s)",
        {"session": session_id, "result": json.dumps({"questions": questions}), "began": began, "end": end},
    )


def told(frame: pd.DataFrame) -> dict[str, bool]:
    return frame.dropna(subset="omitted").set_index("item_key")["omitted"].to_dict()


def test_a_blank_is_omitted_before_an_answer_of_its_session_and_not_reached_after_the_last(connection) -> None:
    """By its place in the list: its time is the session's end, later than all answers."""
    session(connection, "1_0_1__", MONDAY)
    frame = between(connection, MONDAY, MONDAY + DAY)
    assert told(frame) == {"q2": True, "q4": True, "q6": False, "q7": False}


def test_a_session_over_the_turn_of_the_week_is_told_apart_as_a_whole(connection) -> None:
    """The blanks lie in the second week, like the session's end; what was answered after them in the first."""
    session(connection, "1_01__", MONDAY + 7 * DAY - dt.timedelta(minutes=45))
    second = between(connection, MONDAY + 7 * DAY, MONDAY + 14 * DAY)
    assert items(second) == ["q2", "q5", "q6"]
    assert told(second) == {"q2": True, "q5": False, "q6": False}


def test_a_session_without_an_answer_was_not_reached(connection) -> None:
    session(connection, "___", MONDAY)
    assert told(between(connection, MONDAY, MONDAY + DAY)) == dict.fromkeys(["q1", "q2", "q3"], False)


def test_two_rows_of_a_platform_under_one_session_id_are_two_sessions(connection) -> None:
    """A retake under the old id: an answer of the one says nothing of a blank of the other."""
    connection.exec_driver_sql("ALTER TABLE exam_results DROP CONSTRAINT exam_results_user_id_session_id_key")
    session(connection, "1_", MONDAY)
    session(connection, "0111", MONDAY + dt.timedelta(hours=4))
    assert told(between(connection, MONDAY, MONDAY + DAY)) == {"q2": False}
