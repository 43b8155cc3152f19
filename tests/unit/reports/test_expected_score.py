import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from docs.sample_learner import BANK, LEVEL, answers, given
from resources.irt.response_functions import probability_at
from resources.model import ItemBank
from resources.reports.learner.expected_score import by_topic, number_right


def test_number_right_is_binomial_where_all_probabilities_are_equal() -> None:
    assert_allclose(number_right(np.full(60, 0.37)), stats.binom.pmf(np.arange(61), 60, 0.37), atol=1e-14)


def test_number_right_equals_the_sum_over_all_patterns() -> None:
    p = np.array([0.03, 0.2, 0.55, 0.8, 0.97])
    by_hand = np.zeros(6)
    for pattern in itertools.product((0, 1), repeat=5):
        by_hand[sum(pattern)] += np.prod(np.where(pattern, p, 1 - p))
    assert_allclose(number_right(p), by_hand, atol=1e-15)


def test_probability_right_is_the_curve_of_the_three_parameter_model() -> None:
    bank = ItemBank("v", "3PL", ("x",), np.array([1.5]), np.array([0.5]), np.array([0.2]))
    # .2 + .8 / (1 + exp(-1.5 (1 - .5))) = .2 + .8 / (1 + exp(-.75)) = .2 + .8 * .679179
    assert_allclose(probability_at(bank.items, 1.0), [0.743343], atol=1e-6)


def test_topics_count_and_compare_only_what_the_bank_knows() -> None:
    practised = answers(
        [True, True, False, True, None],
        items=["q0", "new", "q39", "q20", "q21"],
        topics=["A", "A", "A", None, "A"],
    )
    a, none = by_topic(given(level=replace(LEVEL, theta=0.0), practised=practised))
    assert (a.name, a.n_scored, a.n_right, a.n_known, a.n_right_known) == ("A", 3, 2, 2, 1)
    p = probability_at(BANK.items, 0.0)[[0, 39]]
    assert a.expected == pytest.approx(p.sum())
    assert a.at_least == pytest.approx(1 - (1 - p[0]) * (1 - p[1]))
    assert a.at_most == pytest.approx(1 - p[0] * p[1])
    assert (none.name, none.n_scored) == (None, 1)


def test_without_an_ability_nothing_is_expected() -> None:
    (topic,) = by_topic(given(level=None, practised=answers([True, False])))
    assert topic.n_right == 1
    assert math.isnan(topic.expected)
    assert math.isnan(topic.at_least)


def test_a_question_answered_twice_counts_by_its_first_scored_answer() -> None:
    practised = answers([None, False, True], items=["q5", "q5", "q5"])
    (topic,) = by_topic(given(level=replace(LEVEL, theta=0.0), practised=practised))
    assert (topic.n_scored, topic.n_right) == (1, 0)
