"""What a class report says of whom: by the learners' own verdicts, each learner once, with what chance would do."""

import hashlib
from dataclasses import replace

import pytest

from docs.sample_class import change, given, learner, topic
from docs.sample_learner import ENGLISH, KOREAN, LEVEL
from resources.reports.classes.class_input import Learner
from resources.reports.classes.page import VERSION
from resources.reports.classes.verdicts import said_of
from resources.reports.classes.view_model import class_view
from resources.reports.document.link import Link

# Of the views below. Where a test says that it is another one: raise VERSION, and put the new one here.
SHOWN = {2: "ff12935cb408c8d68b62f53aa8b9484248ae4d9ac90d66cb4517930c0021313b"}

UP, DOWN, UNCLEAR = change(80, 60), change(-80, 60), change(20, 60)


@pytest.mark.parametrize(
    ("lately", "since_start", "said"),
    [
        (UP, None, "up"),
        (UNCLEAR, UP, "up"),
        (DOWN, None, "down"),
        (UP, DOWN, "down"),
        (UNCLEAR, None, "open"),
        (UNCLEAR, UNCLEAR, "stuck"),
        (None, UNCLEAR, "stuck"),
        (None, None, "too little"),
    ],
)
def test_the_lists_follow_the_verdicts_of_the_learners_own_reports(lately, since_start, said) -> None:
    assert said_of(learner(lately=lately, since_start=since_start)) == said


def test_a_change_is_not_told_where_the_level_is_too_young_to_be_shown() -> None:
    young = replace(learner(lately=UP), level=replace(LEVEL, n_items=3))
    assert said_of(young) == "too little"
    seen = class_view(ENGLISH, given(young))
    assert [one.why for one in seen.silent] == ["5 more answers to the first level"]
    assert (seen.everybody[0].level, seen.everybody[0].lately) == ("–", "–")
    assert seen.chance is None


def test_who_may_be_stuck_stands_in_the_order_of_the_growth_that_is_still_possible() -> None:
    people = [
        learner("Wide", lately=UNCLEAR, since_start=change(0, 90, 12)),
        learner("Narrow", lately=UNCLEAR, since_start=change(0, 30, 12)),
    ]
    seen = class_view(ENGLISH, given(*people))
    assert [(one.name, one.at_most, one.over) for one in seen.stuck] == [
        ("Narrow", "+30", "12 weeks"), ("Wide", "+90", "12 weeks"),
    ]  # fmt: skip


def test_so_many_would_be_named_by_chance_alone() -> None:
    seen = class_view(ENGLISH, given(*[learner(lately=UNCLEAR, since_start=UNCLEAR) for _ in range(30)]))
    assert seen.chance is not None
    assert (seen.chance.comparisons, seen.chance.named) == ("60 comparisons", "1.5")


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (Learner("u1", None, "no"), "has no session on the platform"),
        (Learner("u1", None, "not run"), "this week was not made for this learner"),
        (Learner("u1", None, "yes"), "no answers yet"),
        (learner(theta=None), "no level in 30 days; the last was in the week of 6 January 2025"),
        (replace(learner(theta=None), last_week=None), "no answer yet that can be measured"),
        (replace(learner(), n_answers=0), "no answers this week"),
        (learner(), "too few earlier answers to compare with, or too few new ones"),
    ],
)
def test_of_whom_nothing_can_be_said_the_reason_is_told(who: Learner, why: str) -> None:
    (silent,) = class_view(ENGLISH, given(who)).silent
    assert silent.why == why
    assert class_view(KOREAN, given(who)).silent[0].why


def test_every_learner_is_in_the_last_list_by_the_name_that_people_use() -> None:
    seen = class_view(ENGLISH, given())
    assert len(seen.everybody) == 22
    assert {"김하나", "synthetic-9999"} <= {row.name for row in seen.everybody}
    assert (seen.summary.learners, seen.summary.answered) == ("22 learners", "18")
    assert seen.synthetic


def test_questions_that_several_got_wrong_come_with_what_their_levels_let_expect() -> None:
    people = [
        learner(wrong=[30, 5], right=[1]), learner(wrong=[30], right=[5]), learner(wrong=[], right=[30]),
        learner(theta=None, wrong=[30, 31], right=[]), learner(wrong=[31], right=[]),
    ]  # fmt: skip
    found = class_view(ENGLISH, given(*people)).questions
    assert found is not None
    first, second = found.rows
    assert first.name == Link("Adding fractions with unlike denominators", "https://example.org/q30")
    assert (first.topic, first.wrong, first.expected) == ("Fractions", "3 of 4", "1.2 of 3")
    assert (second.name, second.wrong, second.expected) == ("Three quarters of an hour", "2 of 2", "0.4 of 1")
    assert found.answered == "3 questions"


def test_no_question_is_named_that_one_learner_alone_got_wrong() -> None:
    apart = class_view(ENGLISH, given(learner(wrong=[1], right=[]), learner(wrong=[2], right=[])))
    assert apart.questions is None
    common = class_view(ENGLISH, given(learner(wrong=[1], right=[]), learner(wrong=[], right=[1])))
    assert common.questions is not None
    assert common.questions.rows == []


def test_topics_stand_in_the_order_of_what_was_expected_and_only_verdicts_are_named() -> None:
    few = replace(topic("Few", 4, 0, 3.0), verdict=None)
    ann = learner("Ann", topics=[topic("Easy", 10, 9, 9.5), topic("Hard", 10, 2, 6.0, below=True), few])
    bob = learner("Bob", topics=[topic("Easy", 10, 10, 9.0)])
    col = learner("Col", topics=[few])
    found = class_view(ENGLISH, given(ann, bob, col)).topics
    assert found is not None
    assert [(row.name, row.right, row.expected_share, row.learners) for row in found.rows] == [
        ("Few", "0 of 8", "75%", "2 learners"), ("Hard", "2 of 10", "60%", "1 learner"),
        ("Easy", "19 of 20", "92%", "2 learners"),
    ]  # fmt: skip
    (own,) = found.learners
    assert (own.name, own.below.translate({0x2068: None, 0x2069: None}), own.above) == ("Ann", "Hard 2 of 10", "–")
    assert (found.compared, found.by_chance) == ("2 learners", "0.1")


def test_the_middle_half_is_not_told_of_a_few() -> None:
    seen = class_view(ENGLISH, given(learner(theta=0.0), learner(theta=1.0), learner(theta=None)))
    assert seen.middle is not None
    assert (seen.middle.score, seen.middle.low, seen.middle.measured) == ("550", "", "2 learners")
    assert class_view(ENGLISH, given(Learner("u", None, "yes"))).middle is None


def test_a_groups_name_cannot_reorder_the_page() -> None:
    seen = class_view(ENGLISH, given(group="3-2\u202e"))
    assert seen.user == "3-2\ufffd"


def test_a_change_of_what_class_reports_show_raises_their_version() -> None:
    """Or those that are there already would stay as they are."""
    shown = repr([class_view(words, state) for words in (ENGLISH, KOREAN) for state in (given(), given(learner()))])
    assert SHOWN.get(VERSION) == hashlib.sha256(shown.encode()).hexdigest()
