"""What the view `attempt` makes of exam_results, element by element, and what it survives."""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine
from resources.database.queries.sessions import attempts
from resources.database.schema import session_length
from resources.database.schema.tables import attempt, exam_results

_BEGAN = dt.datetime(2025, 1, 6, 10, tzinfo=dt.UTC)
_ENDED = dt.datetime(2025, 1, 6, 11, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def engine(shared_database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(shared_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Rolled back after the test."""
    with engine.connect() as connection:
        yield connection


def _add(connection: sa.Connection, result: object, **columns: object) -> int:
    """A session with this result_json; returns its id."""
    values = {"user_id": "user123", "session_id": str(uuid.uuid4()), "created_at": _BEGAN, "updated_at": _ENDED}
    row = values | {"result_json": result} | columns
    key = connection.execute(sa.insert(exam_results).values(row).returning(exam_results.c.id)).scalar_one()
    assert isinstance(key, int)
    return key


def _attempts(connection: sa.Connection, *questions: object, **columns: object) -> list[sa.Row[Any]]:
    key = _add(connection, {"questions": list(questions)}, **columns)
    query = sa.select(attempt).where(attempt.c.exam_result_id == str(key))
    rows = list(connection.execute(query))
    return sorted(rows, key=lambda row: row.item_key)


def _attempt(connection: sa.Connection, /, **question: object) -> sa.Row[Any]:
    (row,) = _attempts(connection, {"question_id": "q", **question})
    return row


def test_a_question_becomes_an_attempt(connection: sa.Connection) -> None:
    student = uuid.uuid4()
    (row,) = _attempts(
        connection,
        {"question_id": 101, "is_correct": True, "time_spent_sec": 12.345, "used_hints": 2, "topic": "algebra",
         "answered_at": "2025-01-06T10:20:00.000001Z", "attempt_no": 3},
        user_id=str(student), session_id="s1",
    )  # fmt: skip
    key = row.exam_result_id
    assert row._asdict() == {
        "id": int.from_bytes(hashlib.md5(f"{key}:1".encode()).digest()[:8], signed=True),  # noqa: S324 - the view's id
        "student_id": student,
        "item_id": 101,
        "correct": True,
        "response_time_ms": 12345,
        "hint_used": True,
        "completed_at": dt.datetime(2025, 1, 6, 10, 20, 0, 1, tzinfo=dt.UTC),
        "started_at": dt.datetime(2025, 1, 6, 10, 19, 47, 655001, tzinfo=dt.UTC),
        "attempt_no": 3,
        "session_id": "s1",
        "topic_id": "algebra",
        "user_id": str(student),
        "item_key": "101",
        "exam_result_id": key,
        "question_no": 1,
    }


def test_a_user_id_that_is_no_uuid_is_kept_and_gives_a_stable_student_id(connection: sa.Connection) -> None:
    (row,) = _attempts(connection, {"question_id": 1}, user_id="user123")
    assert row.user_id == "user123"
    assert row.student_id == uuid.UUID(hashlib.md5(b"user123").hexdigest())  # noqa: S324 - the view's id


@pytest.mark.parametrize(
    ("given", "item_key", "item_id"),
    [
        (7, "7", 7), ("7", "7", 7), (" q-7 \n", "q-7", None), (-7, "-7", -7), ("7.5", "7.5", None), (7.5, "7.5", None),
        (9223372036854775807, "9223372036854775807", 9223372036854775807),
        (9223372036854775808, "9223372036854775808", None),
        ("12345678901234567890123", "12345678901234567890123", None), ("ü|%\\", "ü|%\\", None),
    ],
)  # fmt: skip
def test_item_key_is_the_id_as_given_and_item_id_is_null_unless_it_is_a_bigint(
    connection: sa.Connection, given: object, item_key: str, item_id: int | None
) -> None:
    row = _attempt(connection, question_id=given)
    assert (row.item_key, row.item_id) == (item_key, item_id)


@pytest.mark.parametrize(
    ("question", "correct"),
    [
        ({"is_correct": True}, True), ({"is_correct": False}, False), ({"correct": True}, True),
        ({"is_correct": False, "correct": True}, False), ({"is_correct": None, "correct": True}, True),
        ({"is_correct": None}, None), ({"correct": None}, None), ({}, None),
    ],
)  # fmt: skip
def test_a_question_without_an_answer_is_kept_as_null_and_never_as_wrong(
    connection: sa.Connection, question: dict[str, object], correct: bool | None
) -> None:
    assert _attempt(connection, **question).correct is correct


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [
        (0, 0), (1, 1000), (0.0005, 1), (0.1, 100), (12.3456, 12346), (2147483.647, 2147483647), (2147483.648, None),
        (-1, None), ("12", None), (None, None), (True, None), ([1], None), (1e300, None),
    ],
)  # fmt: skip
def test_response_time_is_exact_or_null(connection: sa.Connection, seconds: object, milliseconds: int | None) -> None:
    row = _attempt(connection, time_spent_sec=seconds)
    assert row.response_time_ms == milliseconds
    started = _BEGAN if milliseconds is None else _ENDED - dt.timedelta(milliseconds=milliseconds)
    assert row.started_at == started


def test_every_millisecond_of_two_hours_survives_as_seconds(connection: sa.Connection) -> None:
    milliseconds = range(0, 7_200_000, 1009)
    questions = [{"question_id": ms, "time_spent_sec": ms / 1000} for ms in milliseconds]
    key = _add(connection, {"questions": questions})
    query = sa.select(attempt.c.item_id, attempt.c.response_time_ms).where(attempt.c.exam_result_id == str(key))
    rows = connection.execute(query).all()
    assert len(rows) == len(milliseconds)
    assert all(item_id == response_time_ms for item_id, response_time_ms in rows)


@pytest.mark.parametrize(
    ("hints", "hint_used"),
    [
        (True, True),
        (False, False),
        (0, False),
        (1, True),
        (2.5, True),
        (-1, None),
        ("yes", None),
        (None, None),
        ([], None),
    ],
)
def test_hint_used_is_null_where_it_is_not_known(
    connection: sa.Connection, hints: object, hint_used: bool | None
) -> None:
    assert _attempt(connection, used_hints=hints).hint_used is hint_used


@pytest.mark.parametrize(
    ("given", "attempt_no"),
    [(1, 1), (2, 2), (999_999_999, 999_999_999), (0, 1), (-3, 1), (1.5, 1), (10**12, 1), ("x", 1), (None, 1), ([2], 1)],
)
def test_attempt_no_is_1_unless_it_is_told(connection: sa.Connection, given: object, attempt_no: int) -> None:
    assert _attempt(connection, attempt_no=given).attempt_no == attempt_no


@pytest.mark.parametrize(
    ("given", "topic_id"), [("algebra", "algebra"), (4, "4"), ("", None), (None, None), ({}, None)]
)
def test_topic_is_text_or_null(connection: sa.Connection, given: object, topic_id: str | None) -> None:
    assert _attempt(connection, topic=given).topic_id == topic_id


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("2025-01-06T10:20:00Z", 20), ("2025-01-06 10:20:00", 20), ("2025-01-06T10:20:00.000000", 20),
        ("2025-01-06T10:20", 20), ("2025-01-06T19:20:00+09:00", 20), ("2025-01-06T19:20:00+0900", 20),
        ("2025-01-06T05:20:00-05", 20), ("2025-01-06T10:00:00Z", 0), ("2025-01-06T11:00:00Z", 60),
    ],
)  # fmt: skip
def test_the_instant_of_the_answer_counts_where_it_lies_in_the_session(
    connection: sa.Connection, text: str, minute: int
) -> None:
    connection.execute(sa.text("SET LOCAL timezone = 'Asia/Seoul'"))
    assert _attempt(connection, answered_at=text).completed_at == _BEGAN + dt.timedelta(minutes=minute)


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-06T09:59:59Z", "2025-01-06T11:00:01Z", "2025-02-30T10:20:00Z", "2025-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z", "2025-01-06T25:00:00Z", "2025-01-06T10:20:00 Mars/Olympus", "99999999-01-01T00:00:00Z",
        "now", "infinity", "yesterday", "06/01/2025 10:20", "2025-", "\ud7ff", "x" * 10_000, "", 1736159000, True, None,
        {"a": 1}, ["2025-01-06"],
    ],
)  # fmt: skip
def test_a_bad_instant_is_replaced_by_the_sessions_end(connection: sa.Connection, text: object) -> None:
    assert _attempt(connection, answered_at=text).completed_at == _ENDED


@pytest.mark.parametrize(
    ("created_at", "updated_at", "completed_at"),
    [(_BEGAN, _ENDED, _ENDED), (_BEGAN, None, _BEGAN), (None, _ENDED, _ENDED), (_ENDED, _BEGAN, _BEGAN)],
)
def test_completed_at_stays_within_the_session_whatever_its_clock(
    connection: sa.Connection, created_at: dt.datetime | None, updated_at: dt.datetime | None, completed_at: dt.datetime
) -> None:
    (row,) = _attempts(connection, {"question_id": 1}, created_at=created_at, updated_at=updated_at)
    assert row.completed_at == completed_at


@pytest.mark.parametrize(
    ("hours_later", "answered_at", "of"),
    [
        (24, None, "end"), (25, None, "beginning"), (24 * 300, None, "beginning"), (24 * 300, "now", "beginning"),
        (24 * 300, "2025-01-06T10:20:00Z", "answer"),
    ],
)  # fmt: skip
def test_an_old_session_that_was_computed_anew_keeps_the_week_of_its_answers(
    connection: sa.Connection, hours_later: int, answered_at: str | None, of: str
) -> None:
    """`updated_at` is then the time of the computing: January's answers became today's."""
    updated_at = _BEGAN + dt.timedelta(hours=hours_later)
    question = {"question_id": 1, "answered_at": answered_at}
    (row,) = _attempts(connection, question, created_at=_BEGAN, updated_at=updated_at)
    instants = {"beginning": _BEGAN, "end": updated_at, "answer": _BEGAN + dt.timedelta(minutes=20)}
    assert row.completed_at == instants[of]
    week = (_BEGAN, _BEGAN + dt.timedelta(days=7))
    assert attempts.of_recomputed_sessions(connection, *week) == (of == "beginning")
    assert attempts.of_recomputed_sessions(connection, *week, ["somebody else"]) == 0
    session_length.store(connection, 0)  # the setting: as the session's times say
    assert connection.execute(sa.select(attempt.c.completed_at)).scalar_one() == instants.get(
        of if of == "answer" else "end"
    )
    assert attempts.of_recomputed_sessions(connection, *week) == 0


def _plan(connection: sa.Connection, query: str) -> str:
    connection.execute(sa.text("SET LOCAL enable_seqscan = off"))  # a plan for a large table, on a small one
    return "\n".join(connection.scalars(sa.text(f"EXPLAIN {query}")))


def test_a_filter_on_user_id_reaches_the_index_of_exam_results(connection: sa.Connection) -> None:
    plan = _plan(connection, "SELECT * FROM attempt WHERE user_id = ANY ('{user123,user124}')")
    assert "exam_results_user_id_session_id_key" in plan
    assert "(user_id = ANY" in plan


def test_a_filter_by_session_runs_before_the_json_is_taken_apart(connection: sa.Connection) -> None:
    sessions = [
        {"user_id": "user123", "session_id": str(i), "result_json": {"questions": [{"question_id": i}]},
         "created_at": _BEGAN, "updated_at": _BEGAN + dt.timedelta(days=i)}
        for i in range(2000)
    ]  # fmt: skip
    connection.execute(sa.insert(exam_results), sessions)
    connection.execute(sa.text("ANALYZE exam_results"))
    plan = connection.scalar(
        sa.text(
            "EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM attempt WHERE completed_at >= '2026-01-05' "
            "AND exam_result_id IN "
            "(SELECT id::text FROM exam_results WHERE updated_at BETWEEN '2026-01-05' AND '2026-01-12')"
        )
    )
    loops: list[int] = []

    def visit(node: dict[str, Any]) -> None:
        if node["Node Type"] == "Function Scan":
            loops.append(node["Actual Loops"])
        for child in node.get("Plans", []):
            visit(child)

    visit(plan[0]["Plan"])
    assert loops == [7]
    assert json.dumps(plan).count("exam_results_updated_at_idx") >= 1
