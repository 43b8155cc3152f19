"""The level, its one interval, the change and the sentence of the week."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from docs.sample_learner import BANK, CHANGE, ENGLISH, LEVEL, WEEK, answers, given, levels
from resources.model import ItemBank
from resources.reports.learner.axis import Axis
from resources.reports.learner.report_input import Change, Level, ReportInput, Standing
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.level import (
    MIN_ANSWERS,
    LevelView,
    change_view,
    level_view,
    no_level,
    standing_view,
)
from resources.reports.learner.sections.trend import BOTTOM, TOP, trend
from resources.reports.learner.view_model import View, view

NOTHING = answers([])
FEW = replace(LEVEL, n_items=MIN_ANSWERS - 1, se=0.7)


def shown(bank: ItemBank = BANK, **fields: float) -> LevelView:
    return level_view(ENGLISH, replace(LEVEL, **fields), WEEK, bank, Scale())


def seen(week: ReportInput) -> View:
    return view(ENGLISH, week, "teacher")


@pytest.mark.parametrize(
    ("theta", "place"),
    [(2.0, "far above"), (0.62, "above"), (0.6, "near"), (-0.6, "near"), (-0.62, "below"), (-2.0, "far below")],
)
def test_the_place_is_named_only_where_the_interval_leaves_the_middle_out(theta: float, place: str) -> None:
    assert shown(theta=theta).place == place  # 1.96 × .31 = .608


def test_of_100_questions_is_the_mean_probability_over_the_bank() -> None:
    easy = ItemBank("v", "2PL", ("a", "b"), np.ones(2), np.array([0.0, 1.0]), np.zeros(2))
    of = shown(easy, theta=0.0, se=1 / 1.959964)
    # (1/2 + 1/(1+e)) / 2 = .3845 at 0; (1/(1+e) + 1/(1+e²)) / 2 = .1941 at -1; (e/(1+e) + 1/2) / 2 = .6155 at 1
    assert (of.of_100_low, of.of_100, of.of_100_high) == ("19", "38", "62")


@pytest.mark.parametrize(("se", "sureness"), [(0.9, "guess"), (0.6, "guess"), (0.45, "fair"), (0.3, "precise")])
def test_sureness_follows_the_standard_error(se: float, sureness: str) -> None:
    assert shown(se=se).sureness == sureness


def test_an_end_of_the_scale_is_named_where_it_holds_the_score() -> None:
    beyond = shown(theta=3.5)
    assert (beyond.score, beyond.scale_end) == ("800", "800")
    assert shown(theta=3.0).scale_end == ""


def test_every_plus_or_minus_is_half_of_the_95_percent_interval() -> None:
    """There were three meanings of it on one page: one SE, two SE, and the error of a difference."""
    week = given(level=replace(LEVEL, se=0.5), history=levels(0.42, se=0.5), change=replace(CHANGE, se=0.5))
    made = seen(week)
    assert made.level is not None
    assert made.change is not None
    assert made.next_items is not None
    assert made.trend is not None
    assert (made.level.margin, made.change.margin, made.next_items.margin) == ("98", "98", "98")
    y = Axis(400, 640, BOTTOM, TOP)
    assert made.trend.chart.reaches.endswith(f" {y.at(444)}V{y.at(640)}")
    assert "542 ± 98" in made.trend.words
    said = {fact.name: fact.value for fact in made.facts}
    assert (said["Score"], said["95% interval"]) == ("542 ± 98", "−0.56 to 1.40")
    gone = no_level(ENGLISH, replace(week, level=None))
    assert gone.last == "542 ± 98"


@pytest.mark.parametrize("verdict", ["up", "down", "not enough to tell"])
def test_a_change_is_told_in_points_with_its_verdict(verdict: Literal["up", "down", "not enough to tell"]) -> None:
    change = Change(weeks=4, delta=-0.5, se=0.3, verdict=verdict)
    made = change_view(ENGLISH, change, Scale())
    assert made is not None
    assert (made.delta, made.margin, made.over, made.verdict) == ("−50", "59", "4 weeks", verdict)
    assert seen(given(change=change)).lead == verdict


def test_without_a_change_or_a_level_nothing_is_said_of_change() -> None:
    assert seen(given(change=None)).change is None
    unmeasured = seen(given(level=None, since_start=CHANGE))
    assert (unmeasured.change, unmeasured.since_start) == (None, None)


def test_who_answered_nothing_keeps_the_level_of_its_week_and_is_told_nothing_of_change() -> None:
    before = replace(LEVEL, week=WEEK.plus(-2))
    made = seen(given(level=before, history=levels(0.42, None, None), practised=NOTHING, change=None))
    assert (made.lead, made.change) == ("without answers", None)
    assert made.level is not None
    assert made.level.measured_in == "the week of 23 December 2024"
    assert {fact.name: fact.value for fact in made.facts}["As of"] == "30 December 2024, 00:00 UTC"
    assert shown().measured_in == ""


@pytest.mark.parametrize("n", [1, MIN_ANSWERS - 1])
def test_below_the_least_number_of_answers_nothing_is_shown_that_rests_on_a_level(n: int) -> None:
    """One answer got a 36-pixel score and a place in line."""
    made = seen(
        given(
            level=replace(LEVEL, n_items=n),
            history=levels(0.1, 0.42, n_items=n),
            practised=answers([True] * n),
            standing=Standing(63, 46, 78, 1800),
        )
    )
    assert made.lead == "too few"
    assert made.too_few is not None
    assert made.too_few.more == {1: "7 more answers", 7: "1 more answer"}[n]
    rests_on_it = (made.level, made.standing, made.change, made.trend, made.item_map, made.next_items, made.no_level)
    assert rests_on_it == (None,) * 7
    assert not made.facts
    assert made.practice is not None
    assert made.topics is None


def test_from_the_least_number_of_answers_on_there_is_a_level() -> None:
    made = seen(given(level=replace(LEVEL, n_items=MIN_ANSWERS), change=None))
    assert (made.lead, made.too_few) == ("measured", None)
    assert made.level is not None
    assert made.trend is not None


def test_weeks_before_the_first_level_are_no_levels_later_either() -> None:
    early = [replace(past, n_items=n) for past, n in zip(levels(-1.0, 0.2, 0.42), (1, 8, 24), strict=True)]
    made = seen(given(history=early)).trend
    assert made is not None
    y = Axis(400, 600.8, BOTTOM, TOP)  # from the middle less one logit to the last level's interval
    assert [height for _, height, _ in made.chart.dots] == [y.at(520), y.at(542)]
    gone = seen(given(level=None, history=levels(-1.0, None, n_items=3), practised=NOTHING))
    assert gone.no_level is not None
    assert (gone.no_level.last, gone.no_level.last_week, gone.trend) == ("", "", None)


def test_no_level_says_what_was_left_out_and_what_was_known_before() -> None:
    practised = answers([True, False, None], items=["new1", "new2", "q1"])
    said = no_level(ENGLISH, given(level=None, history=levels(0.25, None), practised=practised))
    assert (said.unknown, said.unusable) == ("2 answers", "1 answer")
    assert (said.last, said.last_week) == ("525 ± 59", "the week of 30 December 2024")


def test_a_percentile_is_left_out_where_its_range_means_nothing() -> None:
    placed = standing_view(ENGLISH, Standing(63, 40, 90, 1800))
    assert placed is not None
    assert (placed.place, placed.low, placed.high) == ("63", "40", "90")
    assert standing_view(ENGLISH, Standing(63, 39, 90, 1800)) is None


@pytest.mark.parametrize(
    ("level", "change", "correct", "lead"),
    [
        (LEVEL, CHANGE, [True], "not enough to tell"),
        (LEVEL, None, [True], "measured"),
        (LEVEL, None, [], "without answers"),
        (FEW, CHANGE, [True], "too few"),
        (FEW, None, [], "nothing"),
        (None, None, [True], "no level"),
        (None, None, [], "nothing"),
    ],
)
def test_the_week_in_one_sentence(level: Level | None, change: Change | None, correct: list[bool], lead: str) -> None:
    assert seen(given(level=level, change=change, practised=answers(correct))).lead == lead


def test_a_trend_of_one_week_is_that_weeks_level() -> None:
    made = trend(ENGLISH, given(level=replace(LEVEL, week=WEEK.plus(-1)), history=[]))
    assert made is not None
    assert (made.single, made.gaps) == (True, True)
