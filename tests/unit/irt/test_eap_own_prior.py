"""EAP where every learner has a prior of his own: the same numbers as one learner at a time, and as a fine grid."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from resources.irt.eap import Posterior, eap
from resources.irt.response_functions import Items, log_right, log_wrong, probability
from resources.irt.response_matrix import ResponseMatrix

PRIORS = [(-0.4, 0.45), (0.0, 1.0), (2.5, 0.2), (3.9, 1.0), (4.5, 0.5), (0.3, 3.0), (-8.0, 0.7), (1.0, 0.01)]


def exam(n_users: int, n: int, guessing: float, seed: int = 5) -> tuple[ResponseMatrix, Items]:
    rng = np.random.default_rng(seed)
    items = Items(rng.lognormal(0, 0.3, 80), rng.normal(size=80), np.full(80, guessing))
    user = np.repeat(np.arange(n_users), n)
    item = np.concatenate([rng.permutation(80)[:n] for _ in range(n_users)])
    right = rng.random(user.size) < probability(items, np.array([0.4]))[item, 0]
    return ResponseMatrix(user, item, right.astype(int), n_users, 80), items


def dense(answers: ResponseMatrix, items: Items, mean: float, sd: float) -> Posterior:
    """The one learner's moments from 24,001 points over +- 18 prior SDs."""
    theta = mean + sd * np.linspace(-18, 18, 24_001)
    right = answers.correct.astype(bool)
    own = items.at(answers.item)
    log_p = np.where(right[:, None], log_right(own, theta), log_wrong(own, theta))
    log_density = log_p.sum(axis=0) - 0.5 * ((theta - mean) / sd) ** 2
    density = np.exp(log_density - log_density.max())
    centre = (density @ theta) / density.sum()
    spread = np.sqrt(density @ (theta - centre) ** 2 / density.sum())
    return Posterior(np.array([centre]), np.array([spread]))


@pytest.mark.parametrize("guessing", [0.0, 0.25])
@pytest.mark.parametrize("n", [1, 15, 60])
def test_each_prior_gives_the_moments_of_a_fine_grid(guessing: float, n: int) -> None:
    answers, items = exam(len(PRIORS), n, guessing)
    mean, sd = np.array(PRIORS).T
    got = eap(answers, items, mean, sd)
    for user, prior in enumerate(PRIORS):
        own = answers.user == user
        alone = ResponseMatrix(np.zeros(n, dtype=int), answers.item[own], answers.correct[own], 1, answers.n_items)
        expected = dense(alone, items, *prior)
        assert got.sd[user] == pytest.approx(expected.sd[0], rel=2e-6)
        assert got.mean[user] == pytest.approx(expected.mean[0], abs=2e-6 * expected.sd[0])


def test_a_learner_alone_with_a_number_has_the_same_result_as_among_others_with_an_array() -> None:
    answers, items = exam(len(PRIORS), 12, 0.2)
    mean, sd = np.array(PRIORS).T
    together = eap(answers, items, mean, sd)
    for user, prior in enumerate(PRIORS):
        own = answers.user == user
        one = eap(
            ResponseMatrix(np.zeros(12, dtype=int), answers.item[own], answers.correct[own], 1, 80), items, *prior
        )
        # rounding of sums in another order, nothing more: the grids do not depend on the company
        assert_allclose([one.mean[0], one.sd[0]], [together.mean[user], together.sd[user]], rtol=1e-10)


def test_a_common_prior_as_an_array_is_the_number_to_the_bit() -> None:
    answers, items = exam(2_500, 10, 0.0)
    as_number, as_array = eap(answers, items, 0.3, 0.8), eap(answers, items, np.full(2_500, 0.3), np.full(2_500, 0.8))
    assert_array_equal(as_array.mean, as_number.mean)
    assert_array_equal(as_array.sd, as_number.sd)


def test_without_answers_everybody_keeps_his_prior_exactly() -> None:
    nothing = np.zeros(0, dtype=int)
    mean, sd = np.array(PRIORS).T
    got = eap(ResponseMatrix(nothing, nothing, nothing, len(PRIORS), 1), Items(*np.ones((2, 1)), np.zeros(1)), mean, sd)
    assert_array_equal(got.mean, mean)
    assert_array_equal(got.sd, sd)


@pytest.mark.parametrize("prior", [(np.nan, 1.0), (0.0, 0.0), (0.0, np.inf), (0.0, -1.0)])
def test_one_prior_that_is_no_distribution_is_refused(prior: tuple[float, float]) -> None:
    answers, items = exam(2, 5, 0.0)
    with pytest.raises(ValueError, match="not a normal distribution"):
        eap(answers, items, np.array([0.0, prior[0]]), np.array([1.0, prior[1]]))
