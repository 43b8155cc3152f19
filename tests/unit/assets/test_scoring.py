import datetime as dt

import pandas as pd
import pytest

from assets.scoring import ScoringRules, counting
from resources.model import Week

WEEK = Week.parse("2025-02-03")


def answers(*rows: tuple[str, str, bool | None, str, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["user_id", "item_key", "correct", "completed_at", "attempt_no"])
    frame["correct"] = frame["correct"].astype("boolean")
    frame["completed_at"] = pd.to_datetime(frame["completed_at"], utc=True, format="ISO8601")
    return frame.assign(session_id="s")


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


def test_thirty_days_before_a_weeks_end_reach_into_five_weeks():
    assert [week.key for week in ScoringRules(30).weeks(WEEK)] == [
        "2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27", "2025-02-03",
    ]  # fmt: skip


def test_a_window_of_exactly_a_week_needs_that_week_only():
    assert ScoringRules(7).weeks(WEEK) == [WEEK]
