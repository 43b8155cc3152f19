"""What a blank means, and that it means the same whatever order its session's rows come in."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.answers.answers import Answers
from resources.answers.blanks import Counts, omitted, scored
from resources.answers.counting import counting
from tests import answer_tables

SESSIONS = st.lists(st.text("10_", max_size=8), max_size=6)  # marks of a session's questions: right, wrong, blank


def questions(sessions: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """correct, question_no and session of every question, in order."""
    rows = [(np.nan if mark == "_" else float(mark), k + 1, s) for s, marks in enumerate(sessions)
            for k, mark in enumerate(marks)]  # fmt: skip
    correct, number, session = np.array(rows, np.float64).reshape(-1, 3).T
    return correct, number.astype(np.int64), session.astype(np.int64)


@pytest.mark.parametrize(
    ("marks", "told"),
    [
        ("1_0_", "aoan"),
        ("__1", "ooa"),
        ("1__", "ann"),
        ("___", "nnn"),  # nothing answered: not one of them was reached
        ("", ""),
        ("101", "aaa"),
        ("_0_1_", "oaoan"),
    ],
)
def test_a_blank_is_omitted_before_an_answer_of_its_session_and_not_reached_after_the_last(marks, told):
    names = {1.0: "o", 0.0: "n"}
    found = omitted(*questions([marks]))
    assert "".join(names.get(each, "a") for each in found) == told


@given(SESSIONS, st.randoms(use_true_random=False))
def test_sessions_mixed_in_any_order_are_told_as_each_alone_in_its_own(sessions, random):
    correct, number, session = questions(sessions)
    alone = [omitted(*questions([marks])) for marks in sessions]
    order = list(range(correct.size))
    random.shuffle(order)
    mixed = np.full(correct.size, -1.0)
    mixed[order] = omitted(correct[order], number[order], session[order])
    np.testing.assert_array_equal(mixed, np.concatenate([np.zeros(0), *alone]))


@given(SESSIONS)
def test_left_out_questions_in_between_change_nothing(sessions):
    """The view leaves out what is malformed: numbers then have gaps."""
    correct, number, session = questions(sessions)
    np.testing.assert_array_equal(omitted(correct, 3 * number + 7, session), omitted(correct, number, session))


def answers(*rows: tuple[str, bool | None, bool | None, str]) -> Answers:
    """One learner's item, correct, omitted and day of January."""
    frame = pd.DataFrame(rows, columns=["item_key", "correct", "omitted", "day"])
    return answer_tables.answers(frame.assign(
        user_id="u", session_id="s" + frame["day"], correct=frame["correct"].astype("boolean"),
        omitted=frame["omitted"].astype("boolean"), completed_at=pd.to_datetime("2025-01-" + frame["day"], utc=True),
    ))  # fmt: skip


def test_wrong_is_what_was_omitted_and_nothing_else():
    given = answers(("q1", None, True, "07"), ("q2", None, False, "07"), ("q3", None, None, "07"),
                    ("q4", True, None, "07"), ("q5", False, None, "07"))  # fmt: skip
    np.testing.assert_array_equal(scored(given, "wrong").correct, [0, np.nan, np.nan, 1, 0])
    np.testing.assert_array_equal(scored(given, "missing").correct, given.correct)
    np.testing.assert_array_equal(scored(scored(given, "wrong"), "wrong").correct, scored(given, "wrong").correct)


@pytest.mark.parametrize(("rule", "attempt", "outcome"), [
    ("missing", "first", 1.0), ("wrong", "first", 0.0), ("missing", "last", 1.0), ("wrong", "last", 1.0),
])  # fmt: skip
def test_an_omitted_first_attempt_gives_way_to_an_answer_unless_it_is_wrong(rule, attempt, outcome):
    given = scored(answers(("q", None, True, "07"), ("q", True, None, "08")), rule)
    assert given.correct[counting(given, attempt)].tolist() == [outcome]


def test_an_attempt_that_was_not_reached_gives_way_under_either_rule():
    for rule in ("missing", "wrong"):
        given = scored(answers(("q", None, False, "07"), ("q", True, None, "08")), rule)
        assert given.correct[counting(given)].tolist() == [1.0]


def test_every_question_is_counted_once_and_parts_add_up():
    frame = pd.DataFrame({
        "user_id": "u", "item_key": list("abcdef"), "completed_at": pd.Timestamp("2025-01-07", tz="UTC"),
        "correct": pd.array([True, False, None, None, None, None], "boolean"),
        "omitted": pd.array([None, None, True, False, False, None], "boolean"),
    })  # fmt: skip
    table = answer_tables.table(frame)
    whole = Counts.of(table)
    assert whole == Counts(answered=2, omitted=1, not_reached=2, unknown=1)
    assert whole.total == len(table)
    assert Counts.of(table.slice(0, 3)) + Counts.of(table.slice(3)) == whole
    assert list(whole.by_name().values()) == [2, 1, 2, 1]
    assert list(Counts.of(table.slice(0, 5)).by_name().values()) == [2, 1, 2]  # nothing unknown: nothing said of it
    assert Counts.of(table.slice(0, 0)) == Counts()
