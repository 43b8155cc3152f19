from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from docs.sample_learner import WEEK, given
from resources.errors import InvalidInput
from resources.reports.learner.report_input import Answers


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
    answers = Answers.from_frame(frame())
    np.testing.assert_array_equal(answers.correct, [1, np.nan, 0])
    np.testing.assert_array_equal(answers.response_time_ms, [1000, np.nan, 3000])
    np.testing.assert_array_equal(answers.hint_used, [1, np.nan, 0])
    assert answers.topics == ("A", None, "B")
    assert answers.sessions == ("s1", "s1", None)


def test_instants_of_any_zone_become_utc() -> None:
    seoul = frame().assign(completed_at=lambda rows: rows["completed_at"].dt.tz_convert("Asia/Seoul"))
    assert str(Answers.from_frame(seoul).answered_at[2]) == "2025-01-07T00:30:00.000000"


def test_by_user_equals_a_frame_per_user() -> None:
    split = Answers.by_user(frame())
    assert list(split) == ["u2", "u1"]
    for user_id, answers in split.items():
        alone = Answers.from_frame(frame()[frame()["user_id"] == user_id])
        for field in fields(Answers):
            np.testing.assert_array_equal(getattr(answers, field.name), getattr(alone, field.name))
    assert Answers.by_user(frame().iloc[:0]) == {}


def test_an_answer_without_an_instant_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no completed_at"):
        Answers.from_frame(frame().assign(completed_at=pd.NaT))


def test_a_history_that_knows_the_future_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must ascend"):
        replace(given(), week=WEEK.plus(-1))
