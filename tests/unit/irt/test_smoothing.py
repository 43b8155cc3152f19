import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt.growth.smoothing import smooth
from resources.irt.response_functions import Floats

TAU, DRIFT = 0.3, 0.1


def linear(x: Floats, v: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Kalman filter of a random walk seen as x ~ N(theta, v); NaN is a week without a look. N(0, 1) at first."""
    states, priors = [], []
    mean, variance = 0.0, 1.0
    for week, (seen, noise) in enumerate(zip(x, v, strict=True)):
        if week:
            mean, variance = mean + DRIFT, variance + TAU**2
        priors.append((mean, np.sqrt(variance)))
        if np.isfinite(seen):
            gain = variance / (variance + noise)
            mean, variance = mean + gain * (seen - mean), variance * (1 - gain)
        states.append((mean, np.sqrt(variance)))
    (mean_, sd_), (prior_mean, prior_sd) = np.array(states).T[:, :, None], np.array(priors).T[:, :, None]
    return mean_, sd_, prior_mean, prior_sd


def joint(x: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of all weeks at once, by solving the joint normal distribution."""
    weeks = np.arange(x.size)
    covariance = 1 + TAU**2 * np.minimum(weeks[:, None], weeks[None])
    seen = np.isfinite(x)
    gain = covariance[:, seen] @ np.linalg.inv(covariance[np.ix_(seen, seen)] + np.diag(v[seen]))
    return DRIFT * weeks + gain @ (x - DRIFT * weeks)[seen], covariance - gain @ covariance[seen]


def test_of_normal_steps_it_is_the_joint_distribution() -> None:
    x, v = np.array([0.4, -0.2, np.nan, 0.9, 1.3, np.nan]), np.array([0.3, 0.5, 1.0, 0.2, 0.4, 1.0])
    got = smooth(*linear(x, v))
    mean, covariance = joint(x, v)
    assert_allclose(got.mean[:, 0], mean, atol=1e-12)
    assert_allclose(got.sd[:, 0], np.sqrt(np.diag(covariance)), rtol=1e-12)
    assert_allclose(got.covariance_with_last[:, 0], covariance[:, -1], rtol=1e-12)
    for week in range(5):
        difference, se = got.change_since(week)
        assert difference[0] == pytest.approx(mean[-1] - mean[week], abs=1e-12)
        expected = covariance[-1, -1] + covariance[week, week] - 2 * covariance[week, -1]
        assert se[0] == pytest.approx(np.sqrt(expected), rel=1e-10)


def test_the_error_of_a_difference_is_not_that_of_independent_levels() -> None:
    # 15 answers a week: +- .34 where independence claimed .6
    x, v = np.zeros(6), np.full(6, 0.3)
    got = smooth(*linear(x, v))
    _, se = got.change_since(4)
    assert se[0] < 0.7 * np.hypot(got.sd[-1, 0], got.sd[4, 0])


def test_weeks_before_the_first_answers_stay_unknown() -> None:
    mean, sd, prior_mean, prior_sd = linear(np.array([0.5, 0.7]), np.array([0.3, 0.3]))
    unknown = np.full((1, 1), np.nan)
    later = [np.concatenate([unknown, part]) for part in (mean, sd, prior_mean, prior_sd)]
    got, without = smooth(*later), smooth(mean, sd, prior_mean, prior_sd)
    assert np.isnan(got.mean[0, 0])
    assert np.isnan(got.change_since(0)[1][0])
    assert_allclose(got.mean[1:], without.mean)
    assert got.change_since(2) == (0, 0)
