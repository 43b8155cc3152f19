"""Performance levels: what is said of a level beside a cut score."""

from dataclasses import replace

import pytest

from docs.sample_learner import CUTS, ENGLISH, KOREAN, LEVEL, given
from resources.errors import InvalidInput
from resources.reports.learner.cuts import Cuts
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.performance import performance
from resources.reports.learner.view_model import view

SCALE = Scale(cuts=CUTS)  # Basic, 400, Proficient, 600, Advanced


@pytest.mark.parametrize(
    ("theta", "se", "sureness", "told", "chances"),
    [
        # 1.96 × .2 = .392: the interval ends .008 before the cut at theta 1, and .002 after it
        (0.60, 0.2, "sure", "Proficient", "Proficient (98%)"),
        (0.61, 0.2, "likely", "most likely Proficient", "Proficient (97%), Advanced (3%)"),
        (0.90, 0.2, "likely", "most likely Proficient", "Proficient (69%), Advanced (31%)"),
        (0.92, 0.2, "open", "Proficient to Advanced", "Proficient (66%), Advanced (34%)"),
        (1.00, 0.2, "open", "Proficient to Advanced", "Proficient (50%), Advanced (50%)"),
        (-1.5, 0.2, "sure", "Basic", "Basic (99%)"),
        (0.10, 0.7, "likely", "most likely Proficient", "Basic (6%), Proficient (84%), Advanced (10%)"),
        (0.0, 1.2, "open", "Basic to Advanced", "Basic (20%), Proficient (60%), Advanced (20%)"),
    ],
)
def test_a_level_is_named_as_surely_as_its_interval_allows(theta, se, sureness, told, chances):
    found = performance(ENGLISH, replace(LEVEL, theta=theta, se=se), SCALE)
    assert found is not None
    assert (found.sureness, found.told, found.chances) == (sureness, told, chances)


def test_the_teacher_reads_the_probabilities_and_the_cut_scores():
    said = {fact.name: fact.value for fact in view(ENGLISH, given(cuts=CUTS), "teacher").facts}
    assert said["Performance level"] == "Proficient (97%), Advanced (3%); cut scores: 400, 600"
    said = {fact.name: fact.value for fact in view(KOREAN, given(cuts=CUTS), "teacher").facts}
    assert said["성취수준"] == "Proficient (97%), Advanced (3%); 분할점수: 400, 600"


def test_without_cut_scores_or_without_a_level_no_performance_level_is_named():
    assert view(ENGLISH, given()).performance is None
    assert "Performance level" not in {fact.name for fact in view(ENGLISH, given(), "teacher").facts}
    assert view(ENGLISH, given(level=None, cuts=CUTS)).performance is None
    assert view(ENGLISH, given(level=replace(LEVEL, n_items=3), cuts=CUTS)).performance is None


def test_names_and_cut_scores_are_read_by_turns():
    assert Cuts.parse(" 기초 미달, 400,기초,500 ,우수") == Cuts(("기초 미달", "기초", "우수"), (400, 500))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There are 1 names of performance levels and 0 cut scores: write a cut score between each two names"),
        ("Basic,400", "There are 1 names of performance levels and 1 cut scores: write"),
        ("Basic,400,Proficient,500", "There are 2 names of performance levels and 2 cut scores: write"),
        ("400,Basic,500", "A cut score is no whole number: write names and cut scores by turns, such as Basic,400,"),
        ("Basic,500,Proficient,400,Advanced", "The cut score 400 stands after 500: order the levels"),
        ("Basic,400,Proficient,400,Advanced", "The cut score 400 stands after 400"),
        ("Basic,400,Basic", "Two performance levels have the same name: give each"),
        ("Basic,400,", "'' cannot be the name of a performance level: use 1 to 40 characters"),
        ("Basic,400," + "x" * 41, "cannot be the name of a performance level"),
        ("Basic,400,a\u202eb", "cannot be the name of a performance level"),
    ],
)
def test_what_is_no_list_of_names_and_cut_scores_is_told_with_what_to_write(text, said):
    with pytest.raises(InvalidInput) as refused:
        Cuts.parse(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(("points", "named"), [((200, 500), 200), ((500, 800), 800), ((100, 900), 100)])
def test_a_cut_score_that_no_learner_could_be_shown_on_both_sides_of_is_refused(points, named):
    with pytest.raises(InvalidInput, match=f"The cut score {named} is not on the scale: use cut scores between"):
        Scale(cuts=Cuts(("a", "b", "c"), points))


def test_cut_scores_are_points_of_the_scale():
    assert Scale(50, 20, 0, 100, Cuts(("a", "b", "c"), (40, 80))).theta_cuts.tolist() == [-0.5, 1.5]
    assert Scale().theta_cuts.size == 0
