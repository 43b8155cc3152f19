from dataclasses import fields

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from resources.answers.answers import Answers
from resources.answers.schema import SCHEMA
from resources.errors import InvalidInput
from tests import answer_tables


def frame() -> pd.DataFrame:
    at = pd.to_datetime(["2025-01-06T09:00Z", "2025-01-06T09:01Z", "2025-01-07T00:30Z"])
    return pd.DataFrame(
        {
            "user_id": ["u2", "u1", "u2"],
            "item_key": ["q1", "q2", "q3"],
            "correct": pd.array([True, None, False], dtype="boolean"),
            "topic_id": pd.array(["A", None, "B"], dtype="str"),
            "completed_at": at,
            "response_time_ms": pd.array([1000, None, 3000], dtype="Int64"),
            "session_id": pd.array(["s1", "s1", None], dtype="str"),
            "attempt_no": [1, 1, 2],
            "hint_used": pd.array([True, None, False], dtype="boolean"),
        }
    )


def test_missing_stays_missing() -> None:
    answers = answer_tables.answers(frame())
    np.testing.assert_array_equal(answers.correct, [1, np.nan, 0])
    np.testing.assert_array_equal(answers.response_time_ms, [1000, np.nan, 3000])
    np.testing.assert_array_equal(answers.hint_used, [1, np.nan, 0])
    assert answers.keys == ["q1", "q2", "q3"]
    assert answers.topics == ["A", None, "B"]
    assert answers.sessions == ["s1", "s1", None]


def test_instants_of_any_zone_become_utc() -> None:
    seoul = frame().assign(completed_at=lambda rows: rows["completed_at"].dt.tz_convert("Asia/Seoul"))
    assert str(answer_tables.answers(seoul).completed_at[2]) == "2025-01-07T00:30:00.000000"


def test_by_user_equals_a_table_per_user() -> None:
    split = answer_tables.answers(frame()).by_user()
    assert set(split) == {"u1", "u2"}
    for user_id, answers in split.items():
        alone = answer_tables.answers(frame()[frame()["user_id"] == user_id])
        assert (answers.keys, answers.topics, answers.sessions) == (alone.keys, alone.topics, alone.sessions)
        for name in ("correct", "completed_at", "attempt_no", "response_time_ms", "hint_used"):
            np.testing.assert_array_equal(getattr(answers, name), getattr(alone, name))
    assert answer_tables.answers(frame().iloc[:0]).by_user() == {}


def test_rows_are_taken_whole() -> None:
    answers = answer_tables.answers(frame())
    one = answers.take(np.array([2]))
    per_row = {field.name for field in fields(Answers)} - {"user_ids", "item_keys", "session_ids", "topic_ids"}
    for name in per_row:
        np.testing.assert_array_equal(getattr(one, name), getattr(answers, name)[2:])


def test_sessions_are_numbered_in_the_order_of_their_ids() -> None:
    shuffled = frame().assign(session_id=["s2", "s1", "s10"])
    answers = answer_tables.answers(shuffled)
    assert answers.session_ids == ("s1", "s10", "s2")
    assert answers.session.tolist() == [2, 0, 1]


def test_of_users_keeps_who_has_no_answer_and_leaves_out_who_was_not_named() -> None:
    answers = answer_tables.answers(frame()).of_users(["nobody", "u2"])
    assert answers.user_ids == ("nobody", "u2")
    assert answers.user.tolist() == [1, 1]
    assert answers.keys == ["q1", "q3"]


def test_an_answer_without_an_instant_is_refused() -> None:
    table = answer_tables.table(frame())
    gone = pa.nulls(len(table), SCHEMA.field("completed_at").type)
    with pytest.raises(InvalidInput, match="no completed_at"):
        Answers.from_table(table.set_column(table.schema.get_field_index("completed_at"), "completed_at", gone))


def test_items_answered_are_named_once_in_order_and_blanks_are_not_among_them() -> None:
    twice = pd.concat([frame(), frame().assign(item_key=["q9", "q0", "q3"])])
    answers = answer_tables.answers(twice)
    assert answers.items_answered(["u1", "u2", "nobody"]).to_pylist() == [[], ["q1", "q3", "q9"], []]
    assert answers.take(answers.user < 0).items_answered(["u1"]).to_pylist() == [[]]
