"""Topics beside a level: rates where the truth is known, through the product, and what the arithmetic must keep."""

import numpy as np
import pytest

from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix
from resources.irt.subscores import Subscores, subscores
from tests.benchmarks.subscore_simulation import Scenario, rates

# Of so many learners, 7.3 % lie three standard errors above 5 %.
N = 800


@pytest.mark.parametrize(
    "alike",
    [Scenario(3, 40), Scenario(6, 20, -1.0, guessing=0.2), Scenario(6, 20, growth=0.15, in_turn=True)],
    ids=["three topics", "guessing", "a level that rises through topics met one after the other"],
)
def test_of_learners_whose_topics_are_all_alike_one_in_twenty_is_told_of_any(alike: Scenario) -> None:
    """Each topic had an error of its own: of twenty, one was named by chance every week."""
    assert rates(alike, N, seed=1).told < 0.073


def test_topics_that_differ_are_told_with_intervals_that_hold_the_truth_and_beat_the_level() -> None:
    found = rates(Scenario(6, 60, spread=0.4), 400, seed=2)
    assert found.told > 0.4
    assert 0.92 < found.covered < 0.97
    assert found.error < 0.7 * found.error_of_level


def of_one(correct: dict[int, tuple[int, int]], weeks: float = 0.0) -> Subscores:
    """One learner, by topic so many right of so many; every item is of difficulty 0 and slope 1."""
    topic = np.repeat(list(correct), [n for _, n in correct.values()])
    right = np.concatenate([np.arange(n) < k for k, n in correct.values()]).astype(np.int64)
    zeros = np.zeros(topic.size, np.int64)
    items = Items(np.ones(1), np.zeros(1), np.zeros(1))
    return subscores(ResponseMatrix(zeros, zeros, right, 1, 1), topic, np.full(topic.size, weeks), items)


def test_expected_is_what_the_level_of_all_topics_gets_right() -> None:
    found = of_one({0: (30, 40), 1: (10, 40)})
    assert found.n.tolist() == [40, 40]
    assert found.n_right.tolist() == [30, 10]
    np.testing.assert_allclose(found.expected, [20, 20], atol=1e-6)
    assert found.verdict.tolist() == ["above", "below"]
    assert found.deviation[0] == pytest.approx(-found.deviation[1])


def test_a_deviation_is_drawn_towards_the_level_and_less_so_by_more_answers() -> None:
    """Two topics of n answers, 60 and 40 % right: unshrunken, each lies .4 logits from the level."""
    few, many = of_one({0: (12, 20), 1: (8, 20)}), of_one({0: (240, 400), 1: (160, 400)})
    assert 0 < few.deviation[0] < 0.25 < many.deviation[0] < 0.41
    assert few.reliability[0] < 0.5 < many.reliability[0]
    assert few.verdict.tolist() == ["alike", "alike"]


def test_too_few_answers_in_a_topic_or_outside_it_say_nothing() -> None:
    found = of_one({0: (20, 40), 1: (1, 5)})
    assert found.verdict.tolist() == [None, None]
    assert np.isnan(found.deviation).all()
    assert not found.reliability.any()


def test_answers_without_a_topic_count_for_the_level() -> None:
    found = of_one({-1: (10, 40), 0: (30, 40)})
    assert found.topic.tolist() == [0]
    assert found.verdict.tolist() == ["above"]
    np.testing.assert_allclose(found.expected, [20], atol=1e-6)


def test_nobody_else_changes_what_is_said_of_a_learner() -> None:
    rng = np.random.default_rng(3)
    user, topic = np.repeat([0, 1, 2], 60), np.tile(np.repeat([0, 1, 2], 20), 3)
    item, correct, weeks = rng.integers(0, 50, 180), rng.integers(0, 2, 180), rng.random(180)
    items = Items(rng.lognormal(0, 0.3, 50), rng.normal(0, 1, 50), np.zeros(50))
    together = subscores(ResponseMatrix(user, item, correct, 3, 50), topic, weeks, items)
    own = user == 1
    alone = subscores(ResponseMatrix(user[own] - 1, item[own], correct[own], 1, 50), topic[own], weeks[own], items)
    np.testing.assert_allclose(together.deviation[together.user == 1], alone.deviation, atol=1e-9)
    np.testing.assert_allclose(together.se[together.user == 1], alone.se, atol=1e-9)
