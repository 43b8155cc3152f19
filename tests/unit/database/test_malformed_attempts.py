"""What the view `attempt` leaves out: each with its reason, and without harm to the rest."""

import datetime as dt
import itertools
import json
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine
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


_MALFORMED: list[tuple[object, str]] = [
    (None, "the question is not an object"),
    (1, "the question is not an object"),
    ("q", "the question is not an object"),
    ([], "the question is not an object"),
    ({}, "question_id is neither text nor a number"),
    ({"question_id": None}, "question_id is neither text nor a number"),
    ({"question_id": True}, "question_id is neither text nor a number"),
    ({"question_id": [1]}, "question_id is neither text nor a number"),
    ({"question_id": ""}, "question_id is empty"),
    ({"question_id": " \t\n"}, "question_id is empty"),
    ({"question_id": 1, "is_correct": "true"}, "is_correct is neither true, false nor null"),
    ({"question_id": 1, "is_correct": 1}, "is_correct is neither true, false nor null"),
    ({"question_id": 1, "is_correct": None, "correct": "yes"}, "correct is neither true, false nor null"),
    ({"question_id": 1, "correct": {}}, "correct is neither true, false nor null"),
]


def test_no_question_with_a_fault_is_taken_for_surely_right_and_a_plain_one_is(connection: sa.Connection) -> None:
    """What is surely right is not looked at again."""
    ids = [None, True, 0, 1, "", " ", "\t", " x", "x", "\u00e9", [], ["x"], {}, "absent"]
    answers = [None, True, False, "true", 1, [True], {}, "absent"]
    odd: list[object] = [None, 1, "q", [], [{"question_id": "x", "is_correct": True}]]
    questions = odd + [
        {name: value for name, value in (("question_id", id_), (key, answer)) if value != "absent"}
        for id_, answer, key in itertools.product(ids, answers, ("is_correct", "correct"))
    ]
    query = sa.text(
        "SELECT seedtest_question_fault(q), seedtest_doubtful(jsonb_build_object('questions', jsonb_build_array(q))) "
        "FROM jsonb_array_elements(CAST(:questions AS jsonb)) AS q"
    )
    judged = connection.execute(query, {"questions": json.dumps(questions)}).all()
    assert len(judged) == len(questions)
    assert [fault for fault, doubtful in judged if fault and doubtful is None] == []
    surely_right = [q for q, (_, doubtful) in zip(questions, judged, strict=True) if doubtful is None]
    assert {"question_id": "x", "is_correct": True} in surely_right
    assert len(surely_right) == 2 * 2  # "x" and "é", true and false


def test_malformed_questions_are_left_out_and_listed_with_their_place_and_others_stay(
    connection: sa.Connection,
) -> None:
    good = {"question_id": "good", "is_correct": True}
    key = _add(connection, {"questions": [good, *(question for question, _ in _MALFORMED), good]})
    kept = connection.execute(sa.select(attempt.c.item_key, attempt.c.id)).all()
    left_out = connection.execute(
        sa.text("SELECT exam_result_id, user_id, question_no, reason FROM attempt_malformed ORDER BY question_no")
    ).all()
    assert [item_key for item_key, _ in kept] == ["good", "good"]
    assert len({id_ for _, id_ in kept}) == 2
    assert left_out == [(str(key), "user123", 2 + i, reason) for i, (_, reason) in enumerate(_MALFORMED)]


@pytest.mark.parametrize(
    ("result", "columns", "reason"),
    [
        ({"questions": {"a": 1}}, {}, "result_json has no list of questions"),
        ({"questions": "none"}, {}, "result_json has no list of questions"),
        ({"items": []}, {}, "result_json has no list of questions"),
        ({"error": "no score"}, {"status": "failed"}, "the platform reports an error instead of answers"),
        ([1, 2], {}, "result_json has no list of questions"),
        (5, {}, "result_json has no list of questions"),
        ({"questions": [{"question_id": 1}]}, {"user_id": " "}, "the session has no user_id"),
        ({"questions": [{"question_id": 1}]}, {"created_at": None, "updated_at": None},
         "the session has neither created_at nor updated_at"),
    ],
)  # fmt: skip
def test_a_session_that_cannot_be_read_is_listed_once_and_breaks_no_other(
    connection: sa.Connection, result: object, columns: dict[str, object], reason: str
) -> None:
    _add(connection, result, **columns)
    _add(connection, {"questions": [{"question_id": 1}]})
    assert len(connection.execute(sa.select(attempt)).all()) == 1
    assert connection.execute(sa.text("SELECT question_no, reason FROM attempt_malformed")).all() == [(None, reason)]


@pytest.mark.parametrize("result", [sa.null(), None, {}, {"questions": []}], ids=["NULL", "null", "{}", "[]"])
def test_a_session_without_answers_is_no_fault(connection: sa.Connection, result: object) -> None:
    _add(connection, result)
    assert connection.execute(sa.select(attempt)).all() == []
    assert connection.execute(sa.text("SELECT FROM attempt_malformed")).all() == []


def test_text_that_is_no_json_and_json_that_jsonb_refuses_become_null(connection: sa.Connection) -> None:
    query = sa.text("SELECT seedtest_jsonb(:text)")
    assert connection.scalar(query, {"text": '{"a": 1}'}) == {"a": 1}
    for text in ("{", "", "{'a': 1}", '{"a": "\\u0000"}', "1e999999", "[" * 100_000):
        assert connection.scalar(query, {"text": text}) is None
