from dataclasses import replace

import pytest

from docs.sample_learner import ENGLISH, LEVEL, WEEK, answers, given, levels
from resources.reports.learner.axis import Axis
from resources.reports.learner.person_fit import PersonFit
from resources.reports.learner.report_input import ReportInput, Standing
from resources.reports.learner.sections.days import days
from resources.reports.learner.sections.practice import practice
from resources.reports.learner.sections.teacher import facts
from resources.reports.learner.sections.trend import BOTTOM, LEFT, RIGHT, TOP, WEEKS_SHOWN, trend

NOTHING = answers([])


def test_the_trend_leaves_gaps_and_counts_what_it_does_not_draw() -> None:
    shown = trend(ENGLISH, given(history=levels(*[0.1] * 10, *[0.2] * (WEEKS_SHOWN - 3), None, 0.3, 0.42)))
    assert shown is not None
    assert len(shown.chart.dots) == WEEKS_SHOWN - 1
    assert (shown.earlier, shown.gaps, shown.single) == ("10 levels", True, False)
    assert [own for _, _, own in shown.chart.dots].count(True) == 1
    assert shown.chart.dates[0] == (RIGHT, "6 Jan")
    assert len(shown.chart.dates) <= 6
    assert "6 Jan 542 ± 59" in shown.words


def test_the_trend_of_a_first_week_is_one_point_even_if_the_history_lacks_it() -> None:
    shown = trend(ENGLISH, given(history=[]))
    assert shown is not None
    assert shown.single
    y = Axis(400, 602.76, BOTTOM, TOP)  # .31 × 1.96 on each side of 542
    assert shown.chart.dots == [((LEFT + RIGHT) / 2, y.at(542), True)]
    assert shown.chart.reaches == f"M299.0 {y.at(481.24)}V{y.at(602.76)}"


def test_a_trend_of_long_ago_is_not_drawn() -> None:
    assert trend(ENGLISH, given(level=None, history=levels(0.1, *[None] * WEEKS_SHOWN))) is None
    assert trend(ENGLISH, given(level=None, history=[])) is None


def test_practice_counts_and_adds_up_what_was_timed() -> None:
    shown = practice(
        ENGLISH,
        answers([True, False, None, True], days=(0, 0, 0, 2), ms=(1_000, 3_000, None, None), sessions=("a", "a", "b")),
    )
    assert shown is not None
    assert (shown.answers, shown.spread) == ("4 answers", "in 2 sessions on 2 days")
    assert shown.outcome == "2 right, 1 wrong, 1 blank or unreadable"
    assert (shown.right, shown.share, shown.blank) == ("2 of 3", "67%", True)
    assert (shown.time, shown.timed, shown.idle) == ("4\u00a0s", "2 answers", "")
    assert not shown.repeats
    assert not shown.hints


def test_a_page_left_open_is_no_time_spent() -> None:
    """Three answers of 72 h were "216 h 0 min"."""
    open_for_days = answers([True, False, True], ms=(259_200_000, 259_200_000, 30_000))
    shown, by_day = practice(ENGLISH, open_for_days), days(ENGLISH, WEEK, open_for_days)
    assert shown is not None
    assert by_day is not None
    assert (shown.time, shown.idle, shown.idle_limit) == ("20\u00a0min\u00a030\u00a0s", "2 answers", "10\u00a0min")
    assert by_day.rows[0].time == shown.time


def test_practice_of_nothing_is_nothing() -> None:
    assert practice(ENGLISH, NOTHING) is None


@pytest.mark.parametrize(
    ("correct", "streak"),
    [([True] * 3, "all right"), ([False, None, False], "all wrong"), ([True, False], ""), ([True], ""), ([None], "")],
)
def test_a_streak_needs_two_scored_answers_alike(correct: list[bool | None], streak: str) -> None:
    shown = practice(ENGLISH, answers(correct))
    assert shown is not None
    assert shown.streak == streak


def test_untimed_answers_without_sessions_are_told() -> None:
    shown = practice(ENGLISH, answers([True], ms=(None,), sessions=(None,)))
    assert shown is not None
    assert (shown.time, shown.timed, shown.spread) == ("", "", "on 1 day")


def test_the_teacher_sees_the_exact_numbers_and_what_was_left_out() -> None:
    shown = {fact.name: fact.value for fact in facts(ENGLISH, given(level=replace(LEVEL, theta=-0.42137)), None)}
    assert shown["Theta"] == "−0.4214 logits"
    assert shown["95% interval"] == "−1.03 to 0.19"
    assert shown["Answers left out"] == "2 not in the item bank, 1 blank or unreadable"
    assert shown["As of"] == "13 January 2025, 00:00 UTC"
    assert shown["Item bank"] == "2025-01, 2PL, 40 questions"
    assert not facts(ENGLISH, given(level=None), None)


def test_the_rhythm_has_every_day_and_medians_of_what_was_timed() -> None:
    practised = answers([True, False, None, True], days=(0, 0, 0, 2), ms=(30_000, 120_000, None, None))
    shown = days(ENGLISH, WEEK, practised)
    assert shown is not None
    assert [(day.name, day.time[0]) for day in shown.chart.days[:3]] == [("Mon", "2 min"), ("Tue", ""), ("Wed", "")]
    assert [(day.right, day.wrong) for day in shown.chart.days[:3]] == [(105, 30), (180, 180), (105, 105)]
    assert len(shown.chart.days) == 7
    assert [(day.name, day.right, day.time, day.typical) for day in shown.rows] == [
        ("Mon 6 Jan", "1 of 2", "2\u00a0min\u00a030\u00a0s", "75\u00a0s"),
        ("Wed 8 Jan", "1 of 1", "–", "–"),
    ]
    assert shown.words == "Answers by day: Mon 6 Jan 1 right, 1 wrong; Wed 8 Jan 1 right, 0 wrong."
    assert days(ENGLISH, WEEK, NOTHING) is None


def test_hints_are_counted_where_they_were_recorded() -> None:
    shown = practice(ENGLISH, answers([True] * 4, hints=(True, False, None, True)))
    assert shown is not None
    assert shown.hints == "2 answers"
    week = given(practised=answers([True] * 4, hints=(True, False, None, True)))
    assert {fact.name: fact.value for fact in facts(ENGLISH, week, None)}["Hints"] == "2 of 3 with a hint"


def test_the_teacher_sees_the_scale_and_where_the_learner_stands_on_it() -> None:
    def shown(week: ReportInput, fit: PersonFit | None = None) -> dict[str, str]:
        return {fact.name: fact.value for fact in facts(ENGLISH, week, fit)}

    assert shown(given())["Score"] == "542 ± 61"
    assert shown(given())["Scale"] == "500 + 100 × theta, from 200 to 800"
    assert shown(given())["Percentile"] == "not shown: fewer than 20 learners were measured in the four weeks before"
    placed = given(standing=Standing(63, 46, 78, 1800))
    assert shown(placed)["Percentile"] == "63 (46 to 78), among at least 1,800 learners"
    wide = given(standing=Standing(50, 20, 80, 1800))
    assert shown(wide)["Percentile"] == "not shown: its range is wider than 50 percentiles"
    assert shown(given())["Person fit"] == "not shown: fewer than 8 answers this week"
    assert shown(given(), PersonFit(-2.345, 31))["Person fit"] == "lz* = −2.35, from 31 answers"


def test_a_trend_says_where_the_scale_holds_its_levels() -> None:
    shown = trend(ENGLISH, given(level=replace(LEVEL, theta=3.5), history=levels(0.0, 3.5)))
    assert shown is not None
    assert shown.held
    assert shown.chart.dots[-1][1] == TOP  # at 800
