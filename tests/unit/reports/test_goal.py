"""What is said of a goal: its chance where one can be told, and nothing once it is over."""

from dataclasses import replace

from docs.sample_learner import ENGLISH, GOAL, LEVEL, WEEK, given
from resources.reports.learner.report_input import GroupMovement
from resources.reports.learner.sections.goal import goal


def test_the_day_counts_to_its_end_and_what_is_over_is_not_spoken_of() -> None:
    for by, told in ((WEEK.plus(1).start, True), (WEEK.start, False), (WEEK.plus(-3).start, False)):
        assert (goal(ENGLISH, given(goal=replace(GOAL, by=by))) is not None) == told
    assert goal(ENGLISH, given(level=None, goal=GOAL)) is None
    assert goal(ENGLISH, given()) is None


def test_a_chance_is_told_where_enough_is_known_of_the_group_and_never_as_certain() -> None:
    shown = goal(ENGLISH, given(goal=GOAL))
    assert shown
    assert (shown.score, shown.away) == ("620", "78")
    assert (shown.expected, shown.chance) == ("587", "20%")
    sure = goal(ENGLISH, given(level=replace(LEVEL, theta=2.5), goal=GOAL))
    assert sure
    assert (sure.away, sure.extreme, sure.most) == ("", "likely", "99%")
    unknown = goal(ENGLISH, replace(given(goal=GOAL), group=GroupMovement()))
    far = goal(ENGLISH, given(goal=replace(GOAL, by=WEEK.plus(20).start)))
    assert unknown == far or (unknown and far and unknown.chance == far.chance == "")
