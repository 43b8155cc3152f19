"""Levels by cut scores: probabilities by hand, accuracy and consistency against learners whose truth is known.

In the simulations each learner takes two parallel tests. With 20,000 learners a simulated share has a standard error of
at most .0035; what is predicted may miss it by .012, three of these and a rest for posteriors that are not quite
normal.
"""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt.classification import Classification, lee, level_probabilities, levels, rudner
from resources.irt.eap import eap
from resources.irt.response_functions import Floats, Items, probability
from resources.irt.response_matrix import ResponseMatrix
from resources.irt.total_scores import total_score_distribution

CUTS = np.array([-1.0, 0.2, 1.1])
N, MEAN, SD = 20_000, 0.3, 1.1
CLOSE = 0.012


def two_tests(n_items: int) -> tuple[Floats, Items, list[ResponseMatrix]]:
    """Abilities, items, and the answers of everybody to every item, twice."""
    rng = np.random.default_rng(n_items)
    items = Items(rng.lognormal(0, 0.3, n_items), rng.normal(size=n_items), np.zeros(n_items))
    theta = rng.normal(MEAN, SD, N)
    user, item = np.indices((N, n_items)).reshape(2, -1)
    right = [(rng.random((n_items, N)) < probability(items, theta)).T.ravel().astype(int) for _ in range(2)]
    return theta, items, [ResponseMatrix(user, item, of, N, n_items) for of in right]


def agree(found: Classification, true: Floats, first: Floats, second: Floats, cuts: Floats) -> None:
    """That it predicts how often the levels of `first` are those of `true` and of `second`; `cuts` are of these two."""
    own, again, truly = levels(first, cuts), levels(second, cuts), levels(true, CUTS)
    assert found.accuracy == pytest.approx(np.mean(own == truly), abs=CLOSE)
    assert found.consistency == pytest.approx(np.mean(own == again), abs=CLOSE)
    for k in range(CUTS.size):
        assert found.accuracy_at[k] == pytest.approx(np.mean((own > k) == (truly > k)), abs=CLOSE)
        assert found.consistency_at[k] == pytest.approx(np.mean((own > k) == (again > k)), abs=CLOSE)


@pytest.mark.parametrize("n_items", [12, 20, 40, 100])
def test_rudner_predicts_what_two_parallel_tests_show_of_posterior_means(n_items: int) -> None:
    theta, items, tests = two_tests(n_items)
    first, second = (eap(answers, items, MEAN, SD) for answers in tests)
    agree(rudner(first.mean, first.sd, CUTS), theta, first.mean, second.mean, CUTS)


def test_rudner_holds_where_some_answered_ten_times_as_much_as_others() -> None:
    theta, items, tests = two_tests(60)
    first, second = (
        eap(ResponseMatrix(a.user[kept], a.item[kept], a.correct[kept], N, 60), items, MEAN, SD)
        for a in tests
        for kept in [(a.user % 2 == 0) | (a.item % 10 == 0)]
    )
    agree(rudner(first.mean, first.sd, CUTS), theta, first.mean, second.mean, CUTS)


@pytest.mark.parametrize("n_items", [12, 20, 40, 100])
def test_lee_predicts_what_two_parallel_tests_show_of_the_number_right(n_items: int) -> None:
    theta, items, tests = two_tests(n_items)
    first, second = (np.bincount(answers.user, answers.correct, N) for answers in tests)
    cuts = np.ceil(probability(items, CUTS).sum(axis=0))
    agree(lee(items, CUTS, MEAN, SD), theta, first, second, cuts)


def test_the_probability_of_a_level_is_the_normal_distributions_between_its_cuts() -> None:
    found = level_probabilities(np.array([0.0, 0.5, np.nan]), np.array([1.0, 0.5, np.nan]), np.array([-1.0, 1.0]))
    assert_allclose(found[0], [0.158655, 0.682689, 0.158655], atol=1e-6)
    assert_allclose(found[1], [0.001350, 0.839995, 0.158655], atol=1e-6)
    assert np.isnan(found[2]).all()


def test_at_a_cut_score_the_level_above_it_is_reached() -> None:
    assert levels(np.array([-1.01, -1.0, 0.19, 0.2, 9.0]), CUTS).tolist() == [0, 1, 1, 2, 3]


def test_rudner_by_hand() -> None:
    """Of (-1, 1) with errors of .5 the abilities vary by 2 + .25, the reliability is 8/9; one cut at 0.

    Accuracy is Phi(2). The second mean is N(8/9, 8/9 · 17/9 · .25), given the first, so consistency is Phi(1.3720).
    """
    found = rudner(np.array([-1.0, 1.0]), np.array([0.5, 0.5]), np.array([0.0]))
    assert found.accuracy == pytest.approx(0.977250, abs=1e-6)
    assert found.consistency == pytest.approx(0.914968, abs=1e-5)
    assert found.accuracy_at.tolist() == [found.accuracy]


def test_one_learner_alone_has_no_group_to_speak_of_and_a_useless_measurement_no_error() -> None:
    assert np.isnan([rudner(np.array([0.1]), np.array([0.3]), CUTS).consistency]).all()
    useless = rudner(np.array([0.1, 0.1, 0.1]), np.array([0.2, 0.2, 5.0]), CUTS)
    assert 0 <= useless.consistency <= 1


def test_the_distribution_of_the_number_right_is_that_of_all_patterns() -> None:
    p = np.array([[0.2, 0.9], [0.5, 0.6], [0.7, 0.1]])
    by_pattern = np.zeros((4, 2))
    for pattern in product((0, 1), repeat=3):
        chosen = np.array(pattern)[:, None]
        by_pattern[sum(pattern)] += np.prod(np.where(chosen, p, 1 - p), axis=0)
    assert_allclose(total_score_distribution(p), by_pattern, atol=1e-15)
