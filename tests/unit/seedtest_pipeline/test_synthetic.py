"""The invented exam is the same every time, looks like a real one, and says of itself that it is not."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from resources.model import SYNTHETIC, Week
from seedtest_pipeline.demo.synthetic_exam import Recovery, SyntheticExam, recovery, synthetic_exam

FIRST = Week(dt.date(2025, 1, 6))


@pytest.fixture(scope="module")
def exam() -> SyntheticExam:
    return synthetic_exam(1, FIRST)


def test_it_is_of_the_promised_size() -> None:
    exam = synthetic_exam(2, FIRST)
    assert 55_000 < len(exam.responses) < 65_000
    assert exam.responses["user_id"].nunique() == 200
    assert len(exam.abilities) == 200 * 8


def test_the_same_seed_gives_the_same_exam(exam: SyntheticExam) -> None:
    again, other = synthetic_exam(1, FIRST), synthetic_exam(2, FIRST)
    pd.testing.assert_frame_equal(again.responses, exam.responses)
    pd.testing.assert_frame_equal(again.abilities, exam.abilities)
    assert not other.responses["answered_at"].equals(exam.responses["answered_at"])


def test_every_id_says_that_it_is_synthetic(exam: SyntheticExam) -> None:
    for column in ("user_id", "session_id", "item_id"):
        assert exam.responses[column].str.startswith(SYNTHETIC).all()


def test_it_passes_as_a_file_of_responses_with_nothing_left_aside(exam: SyntheticExam) -> None:
    file = exam.as_file()
    assert file.notes == ()
    assert file.responses.num_rows == len(exam.responses)


def test_sessions_are_such_as_people_have(exam: SyntheticExam) -> None:
    answers = exam.responses
    times = answers.groupby("session_id")["answered_at"].agg(["min", "max", "size"])
    assert times["size"].between(1, 21).all()
    assert (times["min"].dt.date == times["max"].dt.date).all()
    week = (answers["answered_at"] - pd.Timestamp(FIRST.begins_at)).dt.days // 7
    assert week.between(0, 7).all()
    a_week = answers.groupby(["user_id", week])["session_id"].nunique()
    assert a_week.between(1, 4).all()
    assert len(a_week) < 200 * 8  # some weeks are missed
    second = week[answers["user_id"] == f"{SYNTHETIC}0002"]
    assert set(second) & {2, 3} == set()
    assert answers.groupby("user_id").size().min() < 20
    assert answers["answered_at"].is_monotonic_increasing is False
    assert answers.groupby("user_id")["answered_at"].is_monotonic_increasing.all()


def test_attempts_are_numbered_as_they_come(exam: SyntheticExam) -> None:
    answers = exam.responses
    counted = answers.groupby(["user_id", "item_id"]).cumcount() + 1
    assert (counted == answers["attempt_no"]).all()
    assert 0.15 < (counted > 1).mean() < 0.25


def test_missing_answers_and_times_are_null_and_few(exam: SyntheticExam) -> None:
    missing = exam.responses[["correct", "response_time_ms"]].isna().mean()
    assert missing.between(0.003, 0.04).all()


def test_first_answers_follow_the_model_at_the_ability_of_the_moment() -> None:
    """The share right among first attempts, against what the true abilities at the week's end let expect."""
    exam = synthetic_exam(3, FIRST, n_users=400)
    first = exam.responses[exam.responses["attempt_no"] == 1].dropna(subset="correct")
    week_start = first["answered_at"].dt.tz_localize(None).dt.to_period("W-SUN").dt.start_time.dt.date
    known = first.assign(week_start=week_start).merge(exam.abilities, on=["user_id", "week_start"]).merge(exam.items)
    expected = 1 / (1 + np.exp(-known["a"] * (known["theta"] - known["b"])))
    residual = known["correct"].astype(float) - expected
    # Binomial error of the mean is 0.0015 here; the half week between answer and week's end is worth 0.007.
    assert abs(residual.mean()) < 0.015
    assert abs(np.corrcoef(residual, expected)[0, 1]) < 0.02


def test_most_learners_grow_and_some_fall(exam: SyntheticExam) -> None:
    path = exam.abilities.pivot_table(index="user_id", columns="week_start", values="theta").to_numpy()
    growth = path[:, -1] - path[:, 0]
    assert 0.05 < np.mean(growth < 0) < 0.3
    assert np.std(growth) > 0.3


@pytest.mark.parametrize(("n_users", "n_weeks"), [(1, 1), (3, 2), (30, 20)])
def test_other_sizes(n_users: int, n_weeks: int) -> None:
    exam = synthetic_exam(1, FIRST, n_users, n_weeks)
    assert len(exam.abilities) == n_users * n_weeks
    assert exam.responses["user_id"].nunique() <= n_users


def test_recovery_compares_only_what_both_have() -> None:
    truth = pd.DataFrame({"user_id": ["a", "b", "c"], "week_start": [FIRST.start] * 3, "theta": [0.0, 1.0, 2.0]})
    estimates = pd.DataFrame({"user_id": ["c", "a", "x"], "week_start": [FIRST.start] * 3, "theta": [2.3, 0.4, 9.0]})
    found = recovery(truth, estimates)
    assert found.n == 2
    assert found.correlation == pytest.approx(1.0)
    assert found.rmse == pytest.approx(np.sqrt((0.3**2 + 0.4**2) / 2))
    assert recovery(truth, estimates[estimates["user_id"] == "x"])[2:] == Recovery(np.nan, np.nan, 0)[2:]
