"""Which attempt counts, whoever asks."""

import numpy as np
import pandas as pd
import pytest

from resources.answers.counting import counting
from tests import answer_tables


def rows(*given: tuple[str, str, bool | None, str]) -> pd.DataFrame:
    frame = pd.DataFrame(given, columns=["user_id", "item_key", "correct", "completed_at"])
    frame["correct"] = frame["correct"].astype("boolean")
    frame["completed_at"] = pd.to_datetime(frame["completed_at"], utc=True, format="ISO8601")
    return frame.assign(session_id="s")


def test_a_skip_on_the_seventh_and_a_right_answer_on_the_eighth_is_right() -> None:
    """Calibration had taken the skip, and scoring the answer."""
    answers = answer_tables.answers(rows(("u", "q", None, "2025-01-07"), ("u", "q", True, "2025-01-08")))
    assert answers.correct[counting(answers)].tolist() == [1.0]


def test_of_each_user_and_item_one_attempt_counts() -> None:
    answers = answer_tables.answers(rows(
        ("u1", "q1", False, "2025-01-07"), ("u1", "q1", True, "2025-01-08"), ("u1", "q2", True, "2025-01-07"),
        ("u2", "q1", True, "2025-01-06"),
    ))  # fmt: skip
    assert counting(answers, "first").tolist() == [0, 2, 3]
    assert counting(answers, "last").tolist() == [1, 2, 3]
    assert counting(answers, "all").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("attempt", ["first", "last", "all"])
def test_of_no_answers_none_counts(attempt) -> None:
    assert counting(answer_tables.answers(rows()), attempt).size == 0


@pytest.mark.parametrize("attempt", ["first", "last"])
def test_the_order_of_the_rows_decides_nothing(attempt) -> None:
    rng = np.random.default_rng(3)
    drawn = rng.integers([3, 3, 3, 2], size=(200, 4))
    frame = rows(*((f"u{u}", f"q{q}", [True, False, None][c], f"2025-01-0{6 + day}") for u, q, c, day in drawn))

    def kept(given: pd.DataFrame) -> list[tuple[object, ...]]:
        answers = answer_tables.answers(given)
        best = answers.take(counting(answers, attempt))
        return sorted(zip((best.user_ids[u] for u in best.user), best.keys, map(repr, best.correct), strict=True))

    assert kept(frame) == kept(frame.sample(frac=1, random_state=1))


@pytest.mark.parametrize("attempt", ["first", "last"])
def test_ties_do_not_depend_on_the_order_of_the_rows(attempt) -> None:
    frame = rows(("u", "q", False, "2025-02-04"), ("u", "q", True, "2025-02-04"))
    forward, backward = answer_tables.answers(frame), answer_tables.answers(frame[::-1])
    assert forward.correct[counting(forward, attempt)] == backward.correct[counting(backward, attempt)]


@pytest.mark.parametrize(("attempt", "counts"), [("first", "a"), ("last", "b")])
def test_of_two_sessions_at_one_instant_the_first_or_last_by_name_counts_whatever_its_outcome(attempt, counts) -> None:
    frame = rows(("u", "q", True, "2025-02-04"), ("u", "q", False, "2025-02-04")).assign(session_id=["a", "b"])
    answers = answer_tables.answers(frame)
    assert answers.take(counting(answers, attempt)).sessions == [counts]
