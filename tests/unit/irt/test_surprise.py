"""A week against the model of growth, by simulation: quiet where the model is true, loud where it is not."""

import numpy as np
import pytest

from resources.irt.eap import eap
from resources.irt.growth.surprise import Innovations, Surprise, surprise
from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix

N_USERS, N_ITEMS, EACH = 400, 200, 20
REPLICATIONS = 200
TOLD_SD = 0.4


def week(seed: int, *, true_sd: float = TOLD_SD, harder: float = 0.0) -> Surprise:
    """Learners with priors N(m, TOLD_SD^2), whose ability is N(m, true_sd^2), answer items that are `harder` than the
    bank says."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(0, 1, N_USERS)
    theta = mean + true_sd * rng.standard_normal(N_USERS)
    a, b = rng.lognormal(0, 0.3, N_ITEMS), rng.normal(0, 1, N_ITEMS)
    user = np.repeat(np.arange(N_USERS), EACH)
    item = np.concatenate([rng.choice(N_ITEMS, EACH, replace=False) for _ in range(N_USERS)])
    right = rng.random(user.size) < 1 / (1 + np.exp(-a[item] * (theta[user] - b[item] - harder)))
    matrix = ResponseMatrix(user, item, right.astype(np.int64), N_USERS, N_ITEMS)
    posterior = eap(matrix, Items(a, b, np.zeros(N_ITEMS)), mean, np.full(N_USERS, TOLD_SD))
    d, v = posterior.mean - mean, TOLD_SD**2 - posterior.sd**2
    return surprise(Innovations(N_USERS, d.mean(), (d**2).mean(), v.mean(), (v**2).mean()), np.nan)


def test_where_the_model_is_true_both_distances_are_standard_normal():
    found = [week(seed) for seed in range(REPLICATIONS)]
    for z in (np.array([of.z_shift for of in found]), np.array([of.z_spread for of in found])):
        assert abs(z.mean()) < 4 / np.sqrt(REPLICATIONS)
        assert z.std() == pytest.approx(1, abs=4 / np.sqrt(2 * REPLICATIONS))
        assert np.abs(z).max() < 5


def test_items_that_are_harder_than_the_bank_says_shift_the_mean_down():
    found = [week(seed, harder=0.5) for seed in range(10)]
    assert all(of.z_shift < -5 and of.shift < -0.1 for of in found)


def test_abilities_that_moved_more_than_was_believed_widen_the_spread():
    found = [week(seed, true_sd=0.8) for seed in range(10)]
    assert all(of.z_spread > 5 and of.spread > 1.1 for of in found)
    assert all(abs(of.z_shift) < 5 for of in found)
