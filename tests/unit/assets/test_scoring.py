import numpy as np
import pandas as pd

from assets.abilities.scoring import ScoringRules, person_fit
from resources.estimators.in_process import InProcessEstimator
from resources.model import ItemBank, Week
from tests import answer_tables

WEEK = Week.parse("2025-02-03")
BANK = ItemBank(
    "b", "2PL", tuple(f"q{j:02d}" for j in range(20)), np.full(20, 1.5), np.linspace(-2, 2, 20), np.zeros(20)
)


def test_thirty_days_before_a_weeks_end_reach_into_five_weeks():
    assert [week.key for week in ScoringRules(30).weeks(WEEK)] == [
        "2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27", "2025-02-03",
    ]  # fmt: skip


def test_a_window_of_exactly_a_week_needs_that_week_only():
    assert ScoringRules(7).weeks(WEEK) == [WEEK]


def test_person_fit_is_in_the_order_of_the_estimates_and_low_where_easy_items_fail_and_hard_ones_do_not():
    """Answers to the bank's items from the easiest on, 1 right, 0 wrong; `silent` answers none."""
    patterns = {"odd": "0" * 10 + "1" * 10, "usual": "1" * 10 + "0" * 10, "mixed": "11111111011010010000"}
    rows = [(user, f"q{j:02d}", mark == "1") for user, marks in patterns.items() for j, mark in enumerate(marks)]
    frame = pd.DataFrame(rows, columns=["user_id", "item_key", "correct"])
    answers = answer_tables.answers(frame.assign(completed_at=pd.Timestamp(WEEK.begins_at)))
    responses = answers.of_users(["silent", *patterns])
    thetas = InProcessEstimator().estimate(responses, BANK)
    fit = dict(zip(thetas.user_ids, person_fit(thetas, responses, BANK), strict=True))
    assert set(fit) == set(patterns)
    assert fit["odd"] < -2
    assert fit["usual"] > fit["mixed"] > 0
