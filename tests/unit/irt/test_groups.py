"""Several groups, one slope for all, and grids that follow: calibrations beyond one group of N(0, 1)."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt.calibration.calibrate import Calibration, calibrate
from resources.irt.calibration.components import components
from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix
from tests.unit.irt import own_sets
from tests.unit.irt.own_sets import answers_of
from tests.unit.irt.test_calibration import simulated


@pytest.fixture(scope="module")
def three_groups() -> Calibration:
    """Booklets q01-18, q07-24, q13-30, answered by groups at -1, 0 and 1."""
    group = own_sets.table("owngroups_responses")["group"].map({"g1": 0, "g2": 1, "g3": 2}).to_numpy()
    return calibrate(answers_of(own_sets.right("owngroups")), group_of=group)


def test_several_groups_equal_mirt(three_groups: Calibration) -> None:
    """Under one N(0, 1), slopes by booklet ran from .31 to 1.07 where the truth is 1. On the grid from -6 to 6 mirt
    itself finds means of 1.14 and 2.34 instead of 1.33 and 2.80."""
    expected, items = own_sets.table("owngroups_groups"), own_sets.items("owngroups")
    # mirt stopped at a change of 1e-7 in a slow approach
    assert_allclose(three_groups.group_mean, expected["mean"], atol=1e-3)
    assert_allclose(three_groups.group_sd**2, expected["var"], atol=2e-3)
    assert_allclose(three_groups.items.a, items.a, atol=5e-4)
    assert_allclose(three_groups.items.b, items.b, atol=1e-3)
    printed = own_sets.log_likelihood("owngroups multipleGroup, g1 fixed N(0,1)")
    assert three_groups.log_likelihood == pytest.approx(printed, abs=5e-3)


def test_errors_of_groups_are_those_of_a_simulation(three_groups: Calibration) -> None:
    rng, found = np.random.default_rng(1), []
    items = Items(np.ones(12), np.linspace(-2, 2, 12), np.zeros(12))
    group = np.repeat([0, 1], 400)
    for seed in range(60):
        theta = rng.normal(0.8 * group, 1 + 0.3 * group)
        found.append(calibrate(simulated(items, theta, seed=seed), group_of=group))
    estimates = np.array([[one.group_mean[1], np.log(one.group_sd[1])] for one in found])
    told = np.mean([one.se.groups for one in found], axis=0)
    assert_allclose(estimates.std(axis=0), told, rtol=0.3)  # an SD from 60 runs has an error of 9 %
    assert three_groups.se.groups.shape == (4,)


def test_rasch_and_1pl_equal_mirt() -> None:
    answers = answers_of(own_sets.right("own2pl"))
    rasch, one_slope = calibrate(answers, "Rasch"), calibrate(answers, "1PL")
    assert_allclose(rasch.items.b, own_sets.items("own2pl_rasch").b, atol=1e-4)
    assert rasch.group_sd[0] == pytest.approx(own_sets.GROUP_SD["own2pl_rasch"], abs=1e-5)
    expected = own_sets.items("own2pl_1pl")
    assert_allclose(one_slope.items.a, expected.a, atol=1e-5)
    assert_allclose(one_slope.items.b, expected.b, atol=1e-5)
    assert (one_slope.group_mean[0], one_slope.group_sd[0]) == (0, 1)
    assert one_slope.log_likelihood == rasch.log_likelihood


def test_errors_under_the_1pl_are_those_of_a_simulation() -> None:
    items = Items(np.full(8, 1.4), np.linspace(-2, 2, 8), np.zeros(8))
    rng = np.random.default_rng(2)
    found = [calibrate(simulated(items, rng.normal(size=500), seed=seed), "1PL") for seed in range(80)]
    a, b = (np.array([getattr(one.items, name) for one in found]) for name in "ab")
    assert_allclose(b.std(axis=0), np.mean([one.se.b for one in found], axis=0), rtol=0.3)
    assert a[:, 0].std() == pytest.approx(np.mean([one.se.a[0] for one in found]), rel=0.25)
    off = np.mean([one.se.covariance[:, 0, 1] for one in found], axis=0)
    assert_allclose([np.cov(a[:, 0], b[:, j])[0, 1] for j in (0, 7)], off[[0, 7]], rtol=0.5)


@pytest.mark.parametrize("seed", [0, 1])
def test_one_hard_item_does_not_stop_the_3pl(seed: int) -> None:
    """After 2,000 cycles it still leapt over its maximum and back, by 1e-5, and there was no bank."""
    rng, n, n_users = np.random.default_rng(seed), 41, 1_500
    a, b, c = rng.lognormal(0, 0.3, n - 1), rng.normal(0, 1, n - 1), rng.uniform(0.1, 0.3, n - 1)
    items = Items(np.r_[1.2, a], np.r_[4.2, b], np.r_[0.22, c])
    theta = rng.normal(size=n_users)
    asked = rng.random((n_users, n)) < 0.6
    asked[:, 0] = rng.random(n_users) < 0.2
    user, item = np.nonzero(asked)
    p = items.c[item] + (1 - items.c[item]) / (1 + np.exp(-items.a[item] * (theta[user] - items.b[item])))
    answers = ResponseMatrix(user, item, (rng.random(user.size) < p).astype(np.int64), n_users, n)
    found = calibrate(answers, "3PL", se_method="none")
    assert found.converged
    assert found.cycles < 100


def test_items_that_no_learner_connects_are_apart() -> None:
    #              learners 0 to 2 link items 0, 1, 3; learner 3 and 4 answer 2 and 4 alone; nobody answers 5
    answers = ResponseMatrix(
        np.array([0, 0, 1, 1, 2, 3, 3, 4]), np.array([0, 1, 1, 3, 3, 2, 4, 4]), np.zeros(8, np.int64), 6, 6
    )
    assert components(answers).tolist() == [0, 0, 1, 0, 1, 2]
