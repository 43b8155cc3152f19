"""One step uphill for every item at once, given how many learners at each ability answered it, and how many rightly.

The M-step of the calibration, as one Newton-Raphson step by Fisher scoring (Lange 1995, A gradient algorithm locally
equivalent to the EM algorithm): at convergence the same as maximising fully, and cheaper before. Parameters are `eta`,
shape (J, 3): slope a, intercept d = -a b, and logit c; c = 0 is -inf there, and never free.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resources.irt.response_functions import Floats

Free = NDArray[np.bool_]

SLOPE, INTERCEPT, LOGIT_C = 0, 1, 2

# An item that separates its learners perfectly has no finite estimate. It stops here and is not waited for; it gets no
# standard error, and screening names it.
LIMITS = np.array([20.0, 60.0, 20.0])

_LEAPT = 0.5  # of the slope before a step, the other way after it: the step was half as long again as it should be
_LONGEST_STEP = 1.0  # in each parameter: the quadratic model holds no further from a poor start


@dataclass(frozen=True)
class Normal:
    mean: float
    sd: float

    def log_density(self, x: Floats) -> Floats:
        z = (x - self.mean) / self.sd
        return np.asarray(-0.5 * z**2 - np.log(self.sd) - 0.5 * np.log(2 * np.pi))

    def slope(self, x: Floats) -> Floats:
        return np.asarray((self.mean - x) / self.sd**2)


@dataclass(frozen=True)
class ItemPriors:
    """What is believed of any item beforehand; None: nothing. A prior on log a keeps every slope above 0."""

    log_a: Normal | None = None
    d: Normal | None = None
    logit_c: Normal | None = None

    def log_density(self, eta: Floats, free: Free) -> Floats:
        """Of each item's free parameters, shape (J,); -inf where a <= 0 though log a has a prior."""
        total = np.zeros(len(eta))
        if self.log_a:
            positive = eta[:, SLOPE] > 0
            log_a = np.log(np.where(positive, eta[:, SLOPE], 1.0))
            density = np.where(positive, self.log_a.log_density(log_a) - log_a, -np.inf)
            total += np.where(free[:, SLOPE], density, 0)
        for prior, k in ((self.d, INTERCEPT), (self.logit_c, LOGIT_C)):
            if prior:
                total[free[:, k]] += prior.log_density(eta[free[:, k], k])
        return total

    def derivatives(self, eta: Floats, free: Free) -> tuple[Floats, Floats]:
        """First derivatives and minus the (expected) second ones, each of shape (J, 3); 0 where not free."""
        first, curvature = np.zeros_like(eta), np.zeros_like(eta)
        if self.log_a:
            a = np.where(free[:, SLOPE] & (eta[:, SLOPE] > 0), eta[:, SLOPE], 1.0)  # a leap to below 0 is not kept
            first[:, SLOPE] = (self.log_a.slope(np.log(a)) - 1) / a
            curvature[:, SLOPE] = 1 / (self.log_a.sd * a) ** 2
        for prior, k in ((self.d, INTERCEPT), (self.logit_c, LOGIT_C)):
            if prior:
                first[free[:, k], k] = prior.slope(eta[free[:, k], k])
                curvature[:, k] = 1 / prior.sd**2
        return np.where(free, first, 0), np.where(free, curvature, 0)


def within_limits(eta: Floats) -> Free:
    """Which items have an estimate in the interior, shape (J,); a guessing of 0 is -inf by definition, not by drift."""
    drifted = (np.abs(eta) >= LIMITS) & np.isfinite(eta)
    return np.asarray(~drifted.any(axis=1))


def curves(eta: Floats, theta: Floats) -> tuple[Floats, Floats, Floats]:
    """P(right), and d log-odds-like factors u = sigma/P and w = c/P, each of shape (J, Q).

    The score of one answer y is (y - P) (u theta, u, w) for a, d and logit c.
    """
    from scipy.special import expit  # not above: the settings know the priors, and every command the settings

    c = expit(eta[:, LOGIT_C, None])
    sigma = expit(eta[:, SLOPE, None] * theta + eta[:, INTERCEPT, None])
    p = c + (1 - c) * sigma
    return p, sigma / p, c / p


def log_p(eta: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """log P(wrong) and log P(right), each of shape (J, Q)."""
    from scipy.special import log_expit

    z = eta[:, SLOPE, None] * theta + eta[:, INTERCEPT, None]
    log_1mc = log_expit(-eta[:, LOGIT_C, None])
    right = log_expit(z)
    if np.isfinite(eta[:, LOGIT_C]).any():
        right = np.logaddexp(log_expit(eta[:, LOGIT_C, None]), log_1mc + right)
    return log_1mc + log_expit(-z), right


def gradient(n: Floats, r: Floats, theta: Floats, eta: Floats) -> Floats:
    """Of the expected complete-data log-likelihood, shape (J, 3); n and r have shape (J, Q)."""
    p, u, w = curves(eta, theta)
    residual = r - n * p
    along = residual * u
    return np.stack([along @ theta, along.sum(axis=1), (residual * w).sum(axis=1)], axis=1)


@dataclass(frozen=True)
class Moved:
    """The items' parameters after a step, and what the complete data would tell of each before it; shape (J, 3)."""

    eta: Floats
    information: Floats


def step(n: Floats, r: Floats, theta: Floats, eta: Floats, free: Free, priors: ItemPriors) -> Moved:
    """One scoring step, in which no item loses posterior density: a step too long is cut until it gains.

    `n` and `r`, shape (J, Q): expected numbers of answers and of right answers by learners at each of `theta`.

    The expected information may be less than half of the observed one, as where a hard item with guessing has few
    answers. A step then leaps over the maximum and back for ever, by distances at which rounding hides the loss. The
    slope at its end shows it: where that points back, the step is cut to where the slope would be 0 (secant).
    """
    curvature = _information(n, theta, eta) * (free[:, :, None] & free[:, None, :])
    diagonal = np.arange(3)
    curvature[:, diagonal, diagonal] += priors.derivatives(eta, free)[1]
    told = curvature[:, diagonal, diagonal]
    # Regular whatever the item. Relative, so that one without a maximum (all right) strides to its limit, not creeps.
    curvature[:, diagonal, diagonal] += np.where(free, 1e-9 * told + 1e-100, 1.0)

    def slope(at: Floats) -> Floats:
        return np.where(free, gradient(n, r, theta, at), 0) + priors.derivatives(at, free)[0]

    def value(at: Floats) -> Floats:
        wrong, right = log_p(at, theta)
        return np.asarray(((n - r) * wrong + r * right).sum(axis=1) + priors.log_density(at, free))

    first = slope(eta)
    change = np.linalg.solve(curvature, first[:, :, None])[:, :, 0].clip(-_LONGEST_STEP, _LONGEST_STEP)
    ahead = (first * change).sum(axis=1)
    back = -(slope(np.where(free, (eta + change).clip(-LIMITS, LIMITS), eta)) * change).sum(axis=1)
    leapt = back > _LEAPT * ahead
    change[leapt] *= (ahead[leapt] / (ahead[leapt] + back[leapt]))[:, None]
    before = value(eta)
    tolerance = 1e-13 * np.abs(before)  # rounding: at the maximum itself a step may seem to lose
    for _ in range(30):
        after = np.where(free, (eta + change).clip(-LIMITS, LIMITS), eta)
        worse = ~(value(after) >= before - tolerance)
        if not worse.any():
            return Moved(after, told)
        change[worse] /= 2
    return Moved(np.where(worse[:, None], eta, after), told)


def _information(n: Floats, theta: Floats, eta: Floats) -> Floats:
    """Expected information of the complete data, shape (J, 3, 3)."""
    p, u, w = curves(eta, theta)
    weight = n * p * (1 - p)
    powers = np.stack([np.ones_like(theta), theta, theta**2], axis=1)
    dd, ad, aa = (weight * u**2 @ powers).T
    dc, ac = (weight * u * w @ powers[:, :2]).T
    cc = (weight * w**2).sum(axis=1)
    return np.stack([aa, ad, ac, ad, dd, dc, ac, dc, cc], axis=1).reshape(-1, 3, 3)
