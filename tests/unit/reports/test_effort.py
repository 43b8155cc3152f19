from dataclasses import replace

import pytest

from docs.sample_learner import ENGLISH, answers, given
from resources.reports.learner.effort import Effort, effort
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.sections.teacher import facts

ITEMS = [f"q{j}" for j in range(9)]


def took(*ms: int | None, usual_ms: float = 40_000, **more: object) -> ReportInput:
    week = given(practised=answers([True] * len(ms), items=ITEMS, ms=ms, **more))
    return replace(week, usual_ms=dict.fromkeys(ITEMS, usual_ms))


def said(week: ReportInput) -> str:
    return {fact.name: fact.value for fact in facts(ENGLISH, week, None)}["Response-time effort"]


@pytest.mark.parametrize(("usual_ms", "n_rapid"), [(20_000, 1), (40_000, 2), (100_000, 3), (900_000, 3)])
def test_a_rapid_guess_takes_less_than_a_tenth_of_the_usual_time_and_less_than_ten_seconds(
    usual_ms: float, n_rapid: int
) -> None:
    week = took(1_999, 3_999, 9_999, 10_000, 30_000, 30_000, 30_000, 30_000, usual_ms=usual_ms)
    assert effort(week) == Effort(n_rapid, 8)


def test_effort_is_the_share_of_other_answers_and_the_rapid_ones_are_counted() -> None:
    assert said(took(*[1_000, 50_000] * 4)) == "50%: rapid guesses 4 of 8"


def test_answers_without_a_time_or_a_usual_time_are_not_judged() -> None:
    """An item that few have answered has no mean to compare with."""
    assert effort(took(*[1_000] * 8, None)) == Effort(8, 8)
    assert effort(took(*[1_000] * 7, None, None)) is None
    nine = took(*[1_000] * 9)
    assert effort(replace(nine, usual_ms=dict.fromkeys(ITEMS[:8], 40_000.0))) == Effort(8, 8)
    unknown = replace(nine, usual_ms=dict.fromkeys(ITEMS[:7], 40_000.0))
    assert effort(unknown) is None
    assert said(unknown) == "not shown: fewer than 8 answers this week have a time to compare"


def test_a_question_answered_again_at_once_is_no_rapid_guess() -> None:
    again = took(*[30_000] * 9, *[1_000] * 9, days=[0] * 9 + [1] * 9)
    assert effort(again) == Effort(0, 9)
