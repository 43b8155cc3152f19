"""What a report is told of a learner's level and change, from frozen answers and stored estimates."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from assets.publishing.findings import with_findings
from assets.publishing.report_inputs import report_inputs
from docs.sample_learner import BANK, ENGLISH, WEEK
from resources.answers.answers import Answers
from resources.answers.counting import counting
from resources.answers.schema import SCHEMA
from resources.irt.response_functions import probability_at
from resources.model import ItemBank
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.scale import Scale
from resources.reports.learner.view_model import view
from tests import answer_tables

WIDE = ItemBank(
    "wide", "2PL", tuple(f"w{j}" for j in range(400)), np.ones(400), np.tile(np.linspace(-3, 3, 20), 20), np.zeros(400)
)

Answered = tuple[float, str, bool]


def answered(weeks_ago: float, items: Sequence[str], correct: Sequence[bool]) -> list[Answered]:
    """`weeks_ago` counts from the end of the report's week."""
    return [(weeks_ago, item, right) for item, right in zip(items, correct, strict=True)]


def of_level(theta: float, n: int, first: int = 0) -> tuple[list[str], list[bool]]:
    """The answers to n items of WIDE that are nearest to what is expected at `theta`."""
    items = WIDE.items.at(np.arange(first, first + n))
    p = probability_at(items, theta)
    right = np.diff(np.floor(np.cumsum(p) + 0.5), prepend=0) > 0
    return list(WIDE.item_keys[first : first + n]), right.tolist()


def told(rows: list[Answered], bank: ItemBank = WIDE, estimates: Sequence[tuple[int, int]] = ()) -> list[ReportInput]:
    """`estimates` are weeks before the report's week and answers in all, the oldest first."""
    answers = answer_tables.answers(
        pd.DataFrame(
            {
                "user_id": ["ada"] * len(rows),
                "item_key": [item for _, item, _ in rows],
                "correct": [right for _, _, right in rows],
                "completed_at": [
                    pd.Timestamp(WEEK.ends_at) - pd.Timedelta(weeks=ago) + pd.Timedelta(seconds=i)
                    for i, (ago, _, _) in enumerate(rows)
                ],
            }
        )
    )
    history = pd.DataFrame(
        [("ada", WEEK.plus(-ago).start, 3.2, 0.4, n, 0, 0, "2PL", bank.version) for ago, n in estimates],
        columns=["user_id", "week_start", "theta", "se", "n_items", "n_unknown_item", "n_unusable", "model", "version"],
    ).assign(prior_mean=3.0, prior_sd=0.9)
    counted = answers.take(counting(answers, "first"))
    everybody = np.linspace(-2, 2, 50)
    return with_findings(list(
        report_inputs(
            WEEK, ["ada"], answers, counted, history, everybody, bank=bank, scale=Scale(), window_days=30
        )
    ))  # fmt: skip


def verdict(rows: list[Answered]) -> str | None:
    (week,) = told(rows, estimates=[(0, len(rows))])
    return week.change.verdict if week.change else None


def test_who_answered_nothing_is_told_nothing_about_change() -> None:
    """It said "+187 … clearly more than chance" where old first attempts had left the window."""
    before = answered(3.5, *of_level(-2.0, 40)) + answered(1.5, *of_level(2.0, 40, 40))
    (absent,) = told(before, estimates=[(3, 40), (1, 80)])
    assert absent.change is None
    assert absent.level is not None
    assert absent.level.week == WEEK.plus(-1)
    assert view(ENGLISH, absent).change is None
    assert verdict([*before, *answered(0.5, *of_level(2.0, 10, 80))]) == "up"


def test_repeats_of_old_items_tell_nothing_about_change() -> None:
    items, _ = of_level(0, 20)
    wrong_then_right = answered(3.5, items, [False] * 20) + answered(0.5, items, [True] * 20)
    assert verdict(wrong_then_right) is None


@pytest.mark.parametrize("weeks_ago", [8.5, 7.5, 5.0])
@pytest.mark.parametrize("n_new", [3, 10, 20])
def test_all_right_after_a_hundred_of_theta_3_2_is_no_decline(weeks_ago: float, n_new: int) -> None:
    """It said "−198 ± 92 … your level has gone down": the second of two posterior means is shrunk more."""
    items = list(WIDE.item_keys[100 : 100 + n_new])
    assert verdict(answered(weeks_ago, *of_level(3.2, 100)) + answered(0.5, items, [True] * n_new)) != "down"


def test_three_right_answers_eight_weeks_later_carry_no_verdict() -> None:
    assert verdict(answered(8.5, *of_level(3.2, 100)) + answered(0.5, WIDE.item_keys[100:103], [True] * 3)) is None


def test_a_change_that_is_there_is_told_with_its_direction() -> None:
    low, high = of_level(-1.0, 60), of_level(1.0, 60, 60)
    assert verdict(answered(6.0, *low) + answered(0.5, *high)) == "up"
    assert verdict(answered(6.0, *high) + answered(0.5, *low)) == "down"
    same = of_level(1.0, 60)
    assert verdict(answered(6.0, *same) + answered(0.5, *high)) == "not enough to tell"


def test_a_change_is_not_told_beyond_the_answers_that_show_it() -> None:
    """A learner of ten days read "+1,563 (± 1,315) over 4 weeks": days of answers, drawn out to four weeks."""
    rows = answered(1.6, *of_level(0.0, 60)) + answered(0.5, *of_level(1.0, 60, 60))
    (week,) = told(rows, estimates=[(1, 60), (0, 120)])
    assert week.change is not None
    assert week.change.weeks == 1
    assert week.change.delta == pytest.approx(1.0, abs=0.15)
    assert verdict(answered(4.6, *of_level(0.0, 60)) + rows[60:]) == week.change.verdict == "up"


def test_the_answers_of_one_week_carry_no_change() -> None:
    assert verdict(answered(0.95, *of_level(-1.0, 100)) + answered(0.05, *of_level(1.0, 100, 100))) is None


@pytest.mark.parametrize(("began", "told_it"), [(8.4, False), (8.6, True), (30.0, True)])
def test_after_eight_weeks_the_first_four_are_held_against_the_last_four(began: float, told_it: bool) -> None:
    first, between = answered(began, *of_level(-1.0, 60)), answered(4.55, *of_level(3.0, 30, 60))
    (week,) = told([*first, *between, *answered(0.5, *of_level(1.0, 60, 90))], estimates=[(0, 150)])
    since = week.change_since_start
    assert (since is not None) == told_it
    if since is not None:
        assert (since.weeks, since.verdict) == (round(began - 0.5), "up")
        assert since.delta == pytest.approx(2.0, abs=0.3)  # the weeks between have no part in it


def test_since_the_start_nothing_is_told_of_who_answered_nothing() -> None:
    (week,) = told(answered(12, *of_level(-1.0, 60)) + answered(1.5, *of_level(1.0, 60, 60)), estimates=[(1, 120)])
    assert week.change_since_start is None


def test_an_answer_that_cannot_be_scored_carries_no_change() -> None:
    before = answered(6.0, *of_level(1.0, 60)) + answered(1.5, *of_level(-1.0, 60, 60))
    (week,) = told([*before, (0.5, "unknown to the bank", True)], estimates=[(1, 120)])
    assert week.change is None


def test_one_answer_gets_neither_a_score_nor_a_percentile() -> None:
    (week,) = told(answered(0.5, ["q20"], [True]), BANK, estimates=[(0, 1)])
    assert week.standing is not None
    shown = view(ENGLISH, week)
    assert (shown.lead, shown.level, shown.standing, shown.trend) == ("too few", None, None, None)
    assert shown.too_few is not None
    assert shown.too_few.more == "7 more answers"


def test_a_level_older_than_the_look_back_is_past() -> None:
    (week,) = told(answered(0.5, ["unknown to the bank"], [True]), estimates=[(5, 40)])
    assert week.level is None
    assert [past.week for past in week.history] == [WEEK.plus(-5)]
    assert told(answered(5.5, ["w0"], [True]), estimates=[(5, 40)]) == []


def test_a_past_level_is_told_with_what_later_weeks_showed_and_the_newest_is_the_state_itself() -> None:
    """Two weeks, .4 ± .5 and then 1.0 ± .3 from the prior .5 ± .52: by hand, gain .5² / .52² = .9246."""
    history = pd.DataFrame({
        "user_id": "ada", "week_start": [WEEK.plus(-1).start, WEEK.start], "theta": [0.4, 1.0], "se": [0.5, 0.3],
        "n_items": [10, 20], "n_unknown_item": 0, "n_unusable": 0, "model": "2PL", "version": WIDE.version,
        "prior_mean": [0.0, 0.5], "prior_sd": [1.0, 0.52],
    })  # fmt: skip
    nothing = Answers.from_table(SCHEMA.empty_table())
    (week,) = report_inputs(
        WEEK, ["ada"], nothing, nothing, history, np.zeros(0), bank=WIDE, scale=Scale(), window_days=30
    )  # fmt: skip
    gain = 0.5**2 / 0.52**2
    first, last = week.history
    assert (last.theta, last.se) == (week.level.theta, week.level.se) == (1.0, 0.3)
    assert first.theta == pytest.approx(0.4 + gain * (1.0 - 0.5))
    assert first.se == pytest.approx(np.sqrt(0.5**2 + gain**2 * (0.3**2 - 0.52**2)))


def test_a_past_estimate_of_before_there_were_states_stays_as_it_was() -> None:
    history = pd.DataFrame({
        "user_id": "ada", "week_start": [WEEK.plus(-1).start, WEEK.start], "theta": [0.4, 1.0], "se": [0.5, 0.3],
        "n_items": [10, 20], "n_unknown_item": 0, "n_unusable": 0, "model": "2PL", "version": WIDE.version,
        "prior_mean": [0.0, np.nan], "prior_sd": [1.0, np.nan],
    })  # fmt: skip
    nothing = Answers.from_table(SCHEMA.empty_table())
    (week,) = report_inputs(
        WEEK, ["ada"], nothing, nothing, history, np.zeros(0), bank=WIDE, scale=Scale(), window_days=30
    )  # fmt: skip
    assert [(past.theta, past.se) for past in week.history] == [(0.4, 0.5), (1.0, 0.3)]
