import datetime as dt

import numpy as np
import pandas as pd
import pytest

from assets.abilities import scoring
from assets.abilities.scoring import ScoringRules, person_fit, score
from resources.estimators.in_process import InProcessEstimator
from resources.model import ItemBank, Week
from tests import answer_tables

WEEK = Week.parse("2025-02-03")


def answers(*rows: tuple[str, str, bool | None, str, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["user_id", "item_key", "correct", "completed_at", "attempt_no"])
    frame["correct"] = frame["correct"].astype("boolean")
    frame["completed_at"] = pd.to_datetime(frame["completed_at"], utc=True, format="ISO8601")
    return frame.assign(session_id="s")


def counting(rows: pd.DataFrame, as_of: dt.datetime, rules: ScoringRules) -> pd.DataFrame:
    """The rows that count."""
    numbered = rows.assign(response_time_ms=range(len(rows)))
    counted = scoring.counted(answer_tables.answers(numbered), rows["user_id"].unique().tolist(), as_of, rules)
    return rows.iloc[counted.response_time_ms.astype(int)]


def test_the_window_takes_its_first_instant_and_not_its_last():
    start = WEEK.ends_at - dt.timedelta(days=30)
    rows = answers(
        ("u", "at-start", True, start.isoformat(), 1),
        ("u", "before", True, (start - dt.timedelta(microseconds=1)).isoformat(), 1),
        ("u", "at-end", True, WEEK.ends_at.isoformat(), 1),
        ("u", "last", True, (WEEK.ends_at - dt.timedelta(microseconds=1)).isoformat(), 1),
    )
    assert counting(rows, WEEK.ends_at, ScoringRules())["item_key"].tolist() == ["at-start", "last"]


@pytest.mark.parametrize(("attempts", "kept"), [("first", [False]), ("last", [True]), ("all", [False, True, True])])
def test_repeats_count_as_the_rules_say(attempts, kept):
    rows = answers(
        ("u", "q", False, "2025-02-04", 1), ("u", "q", True, "2025-02-05", 2), ("u", "q", True, "2025-02-06", 3)
    )  # fmt: skip
    assert counting(rows, WEEK.ends_at, ScoringRules(attempts=attempts))["correct"].tolist() == kept


def test_a_first_attempt_outside_the_window_does_not_hide_a_repeat_inside():
    rows = answers(("u", "q", False, "2024-11-04", 1), ("u", "q", True, "2025-02-05", 2))
    assert counting(rows, WEEK.ends_at, ScoringRules())["correct"].tolist() == [True]


def test_a_skipped_attempt_gives_way_to_an_answered_one():
    rows = answers(("u", "q", None, "2025-02-04", 1), ("u", "q", True, "2025-02-05", 2))
    assert counting(rows, WEEK.ends_at, ScoringRules())["correct"].tolist() == [True]


@pytest.mark.parametrize("attempts", ["first", "last"])
def test_ties_do_not_depend_on_the_order_of_the_rows(attempts):
    rows = answers(("u", "q", False, "2025-02-04", 1), ("u", "q", True, "2025-02-04", 1))
    rules = ScoringRules(attempts=attempts)
    forward, backward = counting(rows, WEEK.ends_at, rules), counting(rows[::-1], WEEK.ends_at, rules)
    assert forward["correct"].tolist() == backward["correct"].tolist()


@pytest.mark.parametrize(("attempts", "counts"), [("first", "a"), ("last", "b")])
def test_of_two_sessions_at_one_instant_the_first_or_last_by_name_counts_whatever_its_outcome(attempts, counts):
    rows = answers(("u", "q", True, "2025-02-04", 1), ("u", "q", False, "2025-02-04", 1))
    rows = rows.assign(session_id=["a", "b"])
    assert counting(rows, WEEK.ends_at, ScoringRules(attempts=attempts))["session_id"].tolist() == [counts]


def test_thirty_days_before_a_weeks_end_reach_into_five_weeks():
    assert [week.key for week in ScoringRules(30).weeks(WEEK)] == [
        "2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27", "2025-02-03",
    ]  # fmt: skip


def test_a_window_of_exactly_a_week_needs_that_week_only():
    assert ScoringRules(7).weeks(WEEK) == [WEEK]


def test_the_order_of_the_rows_stays_whatever_their_index():
    rows = answers(
        ("u", "q2", True, "2025-02-06", 1), ("u", "q1", False, "2025-02-05", 1), ("u", "q2", None, "2025-02-04", 1)
    ).set_index(pd.Index([7, 7, 7]))  # fmt: skip
    assert counting(rows, WEEK.ends_at, ScoringRules())["item_key"].tolist() == ["q2", "q1"]


BANK = ItemBank(
    "b", "2PL", tuple(f"q{j:02d}" for j in range(20)), np.full(20, 1.5), np.linspace(-2, 2, 20), np.zeros(20)
)


def scored(*patterns: tuple[str, str]):
    """Users with their answers to the bank's items from the easiest on, 1 right, 0 wrong; `silent` answers none."""
    rows = answers(
        *((user, f"q{j:02d}", mark == "1", "2025-02-05", 1) for user, marks in patterns for j, mark in enumerate(marks))
    )
    users = [*(user for user, _ in patterns), "silent"]
    return score(
        answer_tables.answers(rows),
        users,
        WEEK.ends_at,
        rules=ScoringRules(),
        bank=BANK,
        estimator=InProcessEstimator(),
    )


def test_person_fit_is_in_the_order_of_the_estimates_and_low_where_easy_items_fail_and_hard_ones_do_not():
    found = scored(("odd", "0" * 10 + "1" * 10), ("usual", "1" * 10 + "0" * 10), ("mixed", "11111111011010010000"))
    fit = dict(zip(found.thetas.user_ids, person_fit(found, BANK), strict=True))
    assert set(fit) == {"odd", "usual", "mixed"}
    assert fit["odd"] < -2
    assert fit["usual"] > fit["mixed"] > 0


def test_only_the_users_asked_for_are_scored_and_each_as_if_alone():
    patterns = ("a", "1" * 12 + "0" * 8), ("b", "1" * 5 + "0" * 15)
    both, alone = scored(*patterns), scored(patterns[1])
    assert both.thetas.user_ids == ("a", "b")
    assert both.thetas.unscored == ("silent",)
    np.testing.assert_allclose(both.thetas.theta[1:], alone.thetas.theta, atol=1e-9)
