"""Items that moved between two calibrations: found by error and effect, and the stable ones left in peace."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt.calibration.drift import FALSE_ALARMS, Drift, drift, link_by_stable
from resources.irt.calibration.linking import MIN_ANCHORS
from resources.irt.response_functions import Floats, Items, probability

N = 200


def bank(n: int = N, guessing: float = 0.0) -> Items:
    rng = np.random.default_rng(1)
    return Items(rng.lognormal(0, 0.3, n), rng.normal(0, 1, n), np.full(n, guessing))


def covariance(n: int = N, se: tuple[float, float, float] = (0.1, 0.1, np.nan), correlation: float = -0.5) -> Floats:
    """Of a, b and c; NaN where c is known."""
    one = np.diag(np.square(se))
    one[0, 1] = one[1, 0] = correlation * se[0] * se[1]
    one[2, :2] = one[:2, 2] = np.nan if np.isnan(se[2]) else 0.0
    return np.tile(one, (n, 1, 1))


def calibrated_again(of: Items, seed: int) -> Items:
    """With the errors that `covariance` states, of both calibrations together."""
    errors = np.random.default_rng(seed).multivariate_normal(np.zeros(2), 2 * covariance(1)[0, :2, :2], of.a.size)
    return Items(of.a + errors[:, 0], of.b + errors[:, 1], of.c)


def found(before: Items, after: Items) -> Drift:
    return drift(before, after, covariance(before.a.size), covariance(before.a.size))


def test_items_that_stayed_are_named_no_oftener_than_stated() -> None:
    """Robust z beyond 1.645 on a and on b, blind to both standard errors, named 19 % of them."""
    old = bank()
    made = [found(old, calibrated_again(old, seed)) for seed in range(40)]
    p = np.concatenate([of.p for of in made])
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.012)
    assert np.mean([of.moved.any() for of in made]) < FALSE_ALARMS + 3 * np.sqrt(0.09 / 40)


@pytest.mark.parametrize(("parameter", "by"), [("b", 0.6), ("b", -0.6), ("a", -0.5)])
def test_a_shift_is_found_and_told_with_its_direction(parameter: str, by: float) -> None:
    old = bank()
    changed = Items(old.a.copy(), old.b.copy(), old.c)
    getattr(changed, parameter)[:20] += by
    made = found(old, calibrated_again(changed, 3))
    assert made.moved[:20].mean() > 0.7
    assert made.moved[20:].mean() < 0.03
    if parameter == "b":
        assert np.mean(np.sign(made.shift[:20][made.moved[:20]]) == -np.sign(by)) > 0.9
    else:
        assert np.all(made.z[:20][made.moved[:20]] < 0)


def test_how_far_is_the_mean_change_of_the_chance_where_the_learners_are() -> None:
    old, theta = bank(3), np.linspace(-3, 5, 2_001)
    new = Items(old.a, old.b + 0.5, old.c)
    made = drift(old, new, covariance(3), covariance(3), mean=1.0, sd=0.8)
    weight = np.exp(-0.5 * ((theta - 1) / 0.8) ** 2)
    expected = (probability(old, theta) - probability(new, theta)) @ (weight / weight.sum())
    assert_allclose(made.area, expected, atol=1e-4)
    assert_allclose(made.shift, -expected, atol=1e-4)


def test_a_difference_too_small_to_act_on_is_not_named_however_certain() -> None:
    old = bank(20)
    exact = covariance(20, (0.001, 0.001, np.nan))
    made = drift(old, Items(old.a, old.b + 0.05, old.c), exact, exact)
    assert np.all(made.p < 1e-6)
    assert not made.moved.any()


def test_guessing_that_rose_is_seen_under_the_3pl() -> None:
    old = bank(20, guessing=0.2)
    hard = int(old.b.argmax())
    leaked = Items(old.a, old.b, old.c + np.where(np.arange(20) == hard, 0.3, 0.0))
    errors = covariance(20, (0.1, 0.1, 0.05))
    assert np.flatnonzero(drift(old, leaked, errors, errors).moved).tolist() == [hard]


def test_an_old_bank_without_errors_is_taken_to_be_as_uncertain_as_the_new_one() -> None:
    old, new = bank(), calibrated_again(bank(), 5)
    nothing = np.full((N, 3, 3), np.nan)
    assert_allclose(drift(old, new, nothing, covariance()).z, found(old, new).z)


def test_the_link_does_not_rest_on_what_moved() -> None:
    """A fourth of the anchors easier by a logit bent the link by which all were judged: 36 of 40 were named."""
    old = bank(60)
    again = calibrated_again(old, 8)
    ours = Items(again.a * 1.2, (again.b - 0.5) / 1.2, again.c)
    ours.b[:15] -= 1.0
    by, made = link_by_stable(old, ours, covariance(60), covariance(60), -0.4, 1.0, "Stocking-Lord")
    assert made.moved[:15].sum() >= 13
    assert made.moved[15:].sum() <= 2
    assert (by.slope, by.intercept) == pytest.approx((1.2, 0.5), abs=0.06)


def test_where_too_few_stay_the_link_rests_on_all() -> None:
    old = bank(MIN_ANCHORS)
    new = Items(old.a, old.b + np.array([2.0, 0, 0, 0, 0]), old.c)
    exact = covariance(MIN_ANCHORS, (0.01, 0.01, np.nan))
    _, made = link_by_stable(old, new, exact, exact, 0.0, 1.0, "Stocking-Lord")
    assert made.moved.any()
    assert made.used.all()
